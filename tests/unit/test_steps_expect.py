"""``expect``: what matches, every field that may not, and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import PROFILE, START, Hand, write_case

from conformance.play import events
from conformance.play.estimate import least, most
from conformance.play.verdict import Difference, Outcome


def opened(root: Path, steps: str, **more: str) -> Hand:
    return Hand(write_case(root, steps, **more)).open()


# What a step says of a segment, and what comes; "" for the difference: it matches.
MATCHES = [
    # Unwritten: what a TCP would put there.
    ("ACK", "ACK seq=1 ack=1", ""),
    ("ACK", "ACK seq=2 ack=1", "seq 1 (SND.NXT) 2"),
    ("ACK", "ACK seq=1 ack=0", "ack 1 (RCV.NXT) 0"),
    ("ACK", "ACK seq=1 ack=1 len=1", "len 0 1"),
    ("RST", "RST seq=1", ""),
    ("ACK len=1", "ACK seq=1 ack=1 len=1", ""),
    # Flags: PSH is free unless written; = means exactly these.
    ("ACK len=1", "PSH,ACK seq=1 ack=1 len=1", ""),
    ("PSH,ACK len=1", "PSH,ACK seq=1 ack=1 len=1", ""),
    ("PSH,ACK len=1", "ACK seq=1 ack=1 len=1", "flags PSH,ACK ACK"),
    ("=ACK len=1", "ACK seq=1 ack=1 len=1", ""),
    ("=ACK len=1", "PSH,ACK seq=1 ack=1 len=1", "flags =ACK PSH,ACK"),
    ("ACK", "FIN,ACK seq=1 ack=1", "flags ACK FIN,ACK"),
    ("FIN,ACK", "ACK seq=1 ack=1", "flags FIN,ACK ACK"),
    ("RST,ACK", "RST seq=1", "flags RST,ACK RST; ack 1 (RCV.NXT) none"),
    # Numbers: literals, *, ranges, names, all modulo 2**32.
    ("ACK seq=1 ack=1", "ACK seq=1 ack=1", ""),
    ("ACK seq=* ack=*", "ACK seq=77 ack=1", ""),
    ("ACK seq=0..1", "ACK seq=1 ack=1", ""),
    ("ACK seq=2..9", "ACK seq=1 ack=1", "seq 2..9 1"),
    ("ACK seq=2..9", "ACK seq=9 ack=1", ""),
    ("ACK seq=2..9", "ACK seq=10 ack=1", "seq 2..9 10"),
    ("ACK seq=SND.NXT-1", "ACK seq=0 ack=1", ""),
    ("ACK seq=SND.NXT-3", "ACK seq=-2 ack=1", ""),
    ("ACK seq=4294967297", "ACK seq=1 ack=1", ""),
    ("ACK seq=4294967294..4294967298", "ACK seq=-2 ack=1", ""),
    ("ACK seq=4294967294..4294967298", "ACK seq=2 ack=1", ""),
    ("ACK seq=4294967294..4294967298", "ACK seq=3 ack=1", "seq 4294967294..4294967298 3"),
    ("ACK seq=SND.UNA..SND.NXT+1", "ACK seq=3 ack=1", "seq 1..2 (SND.UNA..SND.NXT+1) 3"),
    ("ACK ack=RCV.NXT", "ACK seq=1 ack=0", "ack 1 (RCV.NXT) 0"),
    # Window and urgent pointer are free unless written.
    ("ACK", "ACK seq=1 ack=1 win=7", ""),
    ("ACK win=7", "ACK seq=1 ack=1 win=7", ""),
    ("ACK win=7", "ACK seq=1 ack=1 win=8", "win 7 8"),
    ("ACK,URG len=1", "ACK,URG seq=1 ack=1 len=1 urg=9", ""),
    ("ACK,URG urg=1 len=1", "ACK,URG seq=1 ack=1 len=1 urg=9", "urg 1 9"),
    ("ACK len=1", "ACK,URG seq=1 ack=1 len=1 urg=1", "flags ACK ACK,URG"),
    # Text.
    ("ACK len=3", "ACK seq=1 ack=1 len=2", "len 3 2"),
    ("ACK len=1..2", "ACK seq=1 ack=1 len=2", ""),
    ("ACK len=*", "ACK seq=1 ack=1 len=2", ""),
    ("ACK data=0x0001", "ACK seq=1 ack=1 len=2", ""),
    ("ACK data=0x0002", "ACK seq=1 ack=1 len=2", "data 0x0002 0x0001"),
    ("ACK len=2 data=0x0001", "ACK seq=1 ack=1 len=3", "len 2 3; data 0x0001 0x000102"),
    # Any of several values, any of several flags.
    ("ACK ack=0|1", "ACK seq=1 ack=1", ""),
    ("ACK ack=0|2..3", "ACK seq=1 ack=1", "ack 0|2..3 1"),
    ("ACK win=7|9..11", "ACK seq=1 ack=1 win=10", ""),
    ("ACK win=7|9..11", "ACK seq=1 ack=1 win=8", "win 7|9..11 8"),
    ("ACK seq=SND.NXT-1|SND.NXT+1", "ACK seq=1 ack=1",
     "seq 0|2 (SND.NXT-1|SND.NXT+1) 1"),
    ("ACK len=0|3", "ACK seq=1 ack=1 len=3", ""),
    ("ACK|RST,ACK", "RST,ACK seq=1 ack=1", ""),
    ("RST|ACK", "ACK seq=1 ack=1", ""),
    ("RST|ACK", "ACK seq=1 ack=0", "flags RST ACK"),
    ("ACK|=PSH,ACK len=1", "PSH,ACK seq=1 ack=1 len=1", ""),
    ("ACK <mss 536|1460>", "ACK seq=1 ack=1 <sackOK>", "options <mss 536|1460> <sackOK>"),
    ("ACK <sack 5:9|11>", "ACK seq=1 ack=1 <sack 5:11>", ""),
    ("ACK <sack 5:9|11>", "ACK seq=1 ack=1 <sack 5:10>",
     "options <sack 5:9|11> <sack 5:10>"),
    # Options: free unless written; then these and no others, in any order, padding apart.
    ("ACK", "ACK seq=1 ack=1 <TS 1/0>", ""),
    ("ACK <>", "ACK seq=1 ack=1", ""),
    ("ACK <>", "ACK seq=1 ack=1 <nop, nop>", ""),
    ("ACK <>", "ACK seq=1 ack=1 <TS 1/0>", "options <> <TS 1/0>"),
    ("ACK <TS 1/*>", "ACK seq=1 ack=1 <nop, nop, TS 1/0>", ""),
    ("ACK <TS 2/*>", "ACK seq=1 ack=1 <TS 1/0>", "options <TS 2/*> <TS 1/0>"),
    ("ACK <TS */*, sackOK>", "ACK seq=1 ack=1 <sackOK, TS 1/0>", ""),
    ("ACK <sackOK>", "ACK seq=1 ack=1 <sackOK, TS 1/0>", "options <sackOK> <sackOK, TS 1/0>"),
    ("ACK <sackOK, ...>", "ACK seq=1 ack=1 <sackOK, TS 1/0>", ""),
    ("ACK <...>", "ACK seq=1 ack=1", ""),
    ("ACK <nop, nop>", "ACK seq=1 ack=1 <nop>", "options <nop, nop> <nop>"),
    ("ACK <nop, nop>", "ACK seq=1 ack=1 <nop, nop>", ""),
    ("ACK <sack 5:9>", "ACK seq=1 ack=1 <sack 5:9>", ""),
    ("ACK <sack 5:9>", "ACK seq=1 ack=1 <sack 5:10>", "options <sack 5:9> <sack 5:10>"),
    ("ACK <sack 5:9>", "ACK seq=1 ack=1 <sack 5:9 20:30>",
     "options <sack 5:9> <sack 5:9 20:30>"),
    ("ACK <sack 5:5..9>", "ACK seq=1 ack=1 <sack 5:8>", ""),
    ("ACK <kind 253 0xabcd>", "ACK seq=1 ack=1 <kind 253 0xabcd>", ""),
    ("ACK <kind 253 0xabcd>", "ACK seq=1 ack=1 <kind 253 0xabce>",
     "options <kind 253 0xabcd> <kind 253 0xabce>"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "comes", "differs"), MATCHES)
def test_what_matches(tmp_path: Path, written: str, comes: str, differs: str) -> None:
    hand = opened(
        tmp_path, f"- expect: {written}", head="unwatched: [window, ts-echo, sack-on-syn]\n"
    )
    hand.come(comes)
    if not differs:
        hand.passes()
        return
    failure = hand.fails("another segment came")
    wanted = [part.split(" ", 1) for part in differs.split("; ")]
    found = [[one.field, f"{one.expected} {one.actual}"] for one in failure.differences]
    assert found == wanted


def test_a_failure_shows_both_sides_in_the_cases_own_numbers(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- expect: FIN,ACK\n- expect: FIN,ACK win=5")
    hand.come("ACK seq=1 ack=1 len=3")
    failure = hand.fails("another segment came")
    assert failure.expected == ("FIN,ACK seq=1 ack=1",)
    assert failure.actual == "ACK seq=1 ack=1 len=3"
    assert failure.differences == (
        Difference("flags", "FIN,ACK", "ACK"),
        Difference("len", "0", "3"),
    )
    assert hand.talk.verdict is not None
    assert hand.talk.verdict.step is hand.talk.case.steps[0]
    assert hand.talk.verdict.reason == "another segment came"


def test_the_window_is_shown_when_it_was_asked_for(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- expect: ACK win=5")
    hand.come("ACK seq=1 ack=1 win=6")
    assert hand.fails("another segment came").actual == "ACK seq=1 ack=1 win=6"


def test_nothing_comes(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- expect: FIN,ACK\n  within: 2s")
    failure = hand.fails("nothing came within 2s")
    assert failure.expected == ("FIN,ACK seq=1 ack=1",)
    assert failure.actual == ""
    assert hand.now == pytest.approx(START + 2.01)


def test_the_default_bound_is_the_profiles(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- expect: FIN,ACK")
    hand.fails("nothing came within 1s")
    assert hand.now == pytest.approx(START + 0.01 + PROFILE.response)


def test_labels_stand_for_the_fields_of_what_came(tmp_path: Path) -> None:
    steps = """
- expect: ACK len=5
  as: first
- expect: ACK seq=first.end ack=first.ack len=first.len win=first.win <TS first.TSval+1/*>
"""
    hand = opened(tmp_path, steps, head="unwatched: [ts-echo]\n")
    hand.come("ACK seq=1 ack=1 len=5 win=99 <TS 7/0>")
    hand.come("ACK seq=6 ack=1 len=5 win=99 <TS 8/0>")
    hand.passes()


@pytest.mark.parametrize("field", ["seq=first.end+1", "seq=6 <TS first.TSval/*>"])
def test_an_expression_of_a_label_can_fail(tmp_path: Path, field: str) -> None:
    steps = f"- expect: ACK len=5\n  as: first\n- expect: ACK {field}"
    hand = opened(tmp_path, steps, head="unwatched: [ts-echo]\n")
    hand.come("ACK seq=1 ack=1 len=5 <TS 7/0>")
    hand.come("ACK seq=6 ack=1 <TS 8/0>")
    assert len(hand.fails("another segment came").differences) == 1


def test_a_sent_segment_has_a_label_too(tmp_path: Path) -> None:
    steps = "- send: ACK len=4\n  as: ours\n- expect: ACK ack=ours.seq+ours.len seq=ours.ack"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=5")
    hand.passes()


def test_a_name_without_a_value_is_the_cases_error(tmp_path: Path) -> None:
    steps = "- expect: ACK\n  as: first\n- expect: ACK <TS */first.TSval>"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1")
    hand.come("ACK seq=1 ack=1 <TS 7/0>")
    failure = hand.fails("the case is wrong: first.TSval has no value here", Outcome.ERROR)
    assert failure.expected == ()


@pytest.mark.parametrize(("took", "message"), [(4.6, ""), (4.61, "nothing came within 4.6s")])
def test_backoff_is_a_bound_of_its_own(tmp_path: Path, took: float, message: str) -> None:
    steps = "- expect: ACK\n  within: 5s\n- expect: ACK\n  backoff: 1.7..2.3"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1", after=2.0)
    if message:
        hand.fails(message)
        return
    hand.come("ACK seq=1 ack=1", after=took)
    hand.passes()


def test_an_estimate_knows_what_backoff_bounds(tmp_path: Path) -> None:
    first = "- expect: ACK\n  within: 2s..5s"
    one = write_case(tmp_path, first)
    two = write_case(tmp_path, f"{first}\n- expect: ACK\n  backoff: 1.7..2.3")
    assert most(two, PROFILE) - most(one, PROFILE) == pytest.approx(5 * 2.3)
    assert least(two, PROFILE) - least(one, PROFILE) == pytest.approx(2 * 1.7)


# ---- bounds: from the cause, by the stamps ---------------------------------------------------


@pytest.mark.parametrize(
    ("within", "took", "message"),
    [
        ("1s", -0.005, ""),  # it was on its way while the tester did something else
        ("1s", 0.0, ""),
        ("0s..1s", -0.005, "it came too early"),
        ("1s", 1.0, ""),
        ("1s", 1.001, "it came too late"),
        ("200ms..300ms", 0.199, "it came too early"),
        ("200ms..300ms", 0.2, ""),
        ("200ms..300ms", 0.3, ""),
        ("200ms..300ms", 0.301, "it came too late"),
        ("2MSL", 20.0, ""),
        ("1RTO+1DELACK..1h", 1.49, "it came too early"),
        ("1RTO+1DELACK..1h", 1.5, ""),
    ],
)
def test_bounds_are_judged_by_stamps(
    tmp_path: Path, within: str, took: float, message: str
) -> None:
    """Fed long after all of them: only the stamp counts."""
    hand = opened(tmp_path, f"- send: ACK\n- expect: ACK\n  within: {within}")
    cause = hand.now
    hand.jump(4000.0)
    hand.come("ACK seq=1 ack=1", at=cause + took)
    if not message:
        hand.passes()
        return
    failure = hand.fails(message)
    assert failure.expected == (f"ACK within {within}",)
    assert failure.actual == f"ACK seq=1 ack=1 after {took * 1000:.1f} ms"
    assert failure.differences == (Difference("time", within, f"{took:.4f}s"),)


def test_what_came_in_time_but_was_told_late_passes(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK\n- expect: ACK")
    cause = hand.now
    hand.jump(5.0)
    hand.come("ACK seq=1 ack=1", at=cause + 0.5)
    hand.feed(events.Tick(hand.now))
    hand.passes()


def test_a_late_segment_is_no_pass_even_if_an_allowance_stands(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- allow: ACK\n- expect: FIN,ACK\n  within: 1s")
    hand.jump(5.0)
    hand.come("ACK seq=1 ack=1", at=hand.now)
    hand.fails("another segment came")


def test_a_bound_counts_from_what_was_sent_when_it_left(tmp_path: Path) -> None:
    case = write_case(tmp_path, "- send: ACK\n- expect: ACK\n  within: 1s")
    hand = Hand(case).open()
    hand = Hand(case, hold=["SendSegment"])
    (syn,) = hand.done
    hand.feed(events.Sent(START, syn.number))
    hand.come("SYN,ACK seq=0 ack=1", after=0.01)
    hand.feed(events.Sent(hand.now, hand.done[-1].number))
    hand.jump(0.3)
    left = hand.now  # 300 ms after it was due, which is allowed here
    hand.feed(events.Sent(left, hand.done[-1].number))
    hand.jump(1.0)
    hand.come("ACK seq=1 ack=1", at=left + 1.0)
    hand.passes()


def test_a_bound_counts_from_the_segment_before(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- expect: ACK\n- expect: ACK\n  within: 500ms..1s")
    hand.come("ACK seq=1 ack=1", after=0.8)
    hand.come("ACK seq=1 ack=1", after=0.49)
    hand.fails("it came too early")


def test_a_state_is_no_cause(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK\n- state: ESTABLISHED\n- expect: ACK\n  within: 1s")
    hand.come("ACK seq=1 ack=1", after=1.0)
    hand.passes()


def test_time_that_was_waited_for_is_a_cause(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- wait: 5s\n- expect: ACK\n  within: 100ms..1s")
    hand.come("ACK seq=1 ack=1", after=5.9)
    hand.passes()


# ---- backoff ---------------------------------------------------------------------------------

BACKOFF = """
- send: ACK
- expect: FIN,ACK
- expect: FIN,ACK seq=1
  within: 1s..3s
- expect: FIN,ACK seq=1
  within: 10s
  backoff: 1.7..2.3
"""


@pytest.mark.parametrize(
    ("second", "passes"), [(1.69, False), (1.701, True), (2.299, True), (2.31, False)]
)
def test_backoff_is_the_ratio_to_the_interval_before(
    tmp_path: Path, second: float, passes: bool
) -> None:
    hand = opened(tmp_path, BACKOFF)
    hand.come("FIN,ACK seq=1 ack=1", after=0.0)
    hand.come("FIN,ACK seq=1 ack=1", after=1.0)
    hand.come("FIN,ACK seq=1 ack=1", after=second)
    if passes:
        hand.passes()
        return
    failure = hand.fails("the interval has not grown as it should")
    assert failure.expected == ("1.7..2.3 times the interval before",)
    assert failure.actual == f"{second:.4f}s after 1.0000s"
    assert failure.differences == (Difference("backoff", "1.7..2.3", f"{second:.2f}"),)


def test_backoff_without_an_interval_before_fails(tmp_path: Path) -> None:
    case = write_case(tmp_path, "- expect: SYN seq=0\n  backoff: 1..2", given="")
    hand = Hand(case)
    hand.talk.conn("a")
    hand.come("SYN seq=0", after=0.5)
    failure = hand.fails("the interval has not grown as it should")
    assert failure.differences[0].actual == "there is no interval before it"


def test_what_may_come_any_number_of_times_is_not_used_up(tmp_path: Path) -> None:
    steps = "- allow: ACK seq=1\n{}- expect: FIN,ACK seq=1"
    hand = opened(tmp_path, steps.format("  times: any\n"))
    for _ in range(3):
        hand.come("ACK seq=1 ack=1", after=0.1)
    hand.come("FIN,ACK seq=1 ack=1", after=0.1)
    hand.passes()
    hand = opened(tmp_path, steps.format(""))
    for _ in range(2):
        hand.come("ACK seq=1 ack=1", after=0.1)
    hand.fails("another segment came")
