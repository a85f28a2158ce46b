"""``either``: roads that the RFC leaves open; ``set`` and ``icmp``."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand, write_case

from conformance.play import actions, events
from conformance.play.record import What
from conformance.play.verdict import Outcome
from conformance.tcp.seq import wrap
from conformance.tcp.states import State

EITHER = """
- send: ACK
- either:
    - permits: RFC 5961
      steps:
        - expect: ACK seq=1
          within: 200ms
        - send:   ACK len=1
        - expect: ACK ack=2
    - - expect:  FIN,ACK seq=1
        within:  300ms
    - permits: silence is golden
      steps:
        - silence: 500ms
        - send:    ACK len=2
- expect: ACK ack=RCV.NXT
"""


def opened(root: Path, steps: str = EITHER, **more: str) -> Hand:
    return Hand(write_case(root, steps, **more)).open()


def notes(hand: Hand) -> list[str]:
    entries = hand.talk.record.entries
    return [entry.text for entry in entries if entry.what is What.NOTE]


def test_the_branch_is_the_one_that_begins_with_what_comes(tmp_path: Path) -> None:
    hand = opened(tmp_path)
    hand.come("ACK seq=1 ack=1", after=0.1)
    assert len(hand.sent[-1].payload) == 1
    hand.come("ACK seq=1 ack=2", after=0.1)
    hand.come("ACK seq=1 ack=2", after=0.1)
    hand.passes()
    assert notes(hand) == ["permitted by RFC 5961"]


def test_a_branch_without_what_no_must_demands_is_a_remark(tmp_path: Path) -> None:
    hand = opened(tmp_path, EITHER.replace("permits: RFC 5961", "without: rfc5961/4.2-a"))
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.come("ACK seq=1 ack=2", after=0.1)
    hand.come("ACK seq=1 ack=2", after=0.1)
    told = "it goes without rfc5961/4.2-a, which no MUST demands"
    assert hand.finish().reason == told
    assert notes(hand) == [told]


def test_a_branch_without_a_permit_leaves_no_note(tmp_path: Path) -> None:
    hand = opened(tmp_path)
    hand.come("FIN,ACK seq=1 ack=1", after=0.25)
    hand.come("ACK seq=2 ack=1", after=0.1)
    hand.passes()
    assert notes(hand) == []


def test_when_nothing_comes_the_silent_branch_is_played(tmp_path: Path) -> None:
    hand = opened(tmp_path)
    hand.pass_time(0.5)
    assert len(hand.sent[-1].payload) == 2
    hand.come("ACK seq=1 ack=3", after=0.1)
    hand.passes()
    assert notes(hand) == ["permitted by silence is golden", "silence for 500ms"]


def test_a_silence_that_is_shorter_than_what_the_others_have_makes_nobody_late(
    tmp_path: Path,
) -> None:
    steps = """
- send: ACK
- either:
    - - expect:  RST
        within:  900ms
    - - silence: 100ms
      - send:    ACK len=2
- expect: ACK ack=RCV.NXT
"""
    hand = opened(tmp_path, steps)
    hand.pass_time(0.9)
    hand.come("ACK seq=1 ack=3", after=0.1)
    hand.passes()
    assert hand.talk.late.worst == 0


SHORT = """
- send: ACK
- either:
    - - expect:  RST
        within:  900ms
    - - silence: 100ms
      - expect:  ACK
        within:  {}
"""


def test_what_comes_after_a_silence_and_is_no_branchs_is_of_the_silent_one(tmp_path: Path) -> None:
    hand = opened(tmp_path, SHORT.format("1s") + "      - send:    ACK len=2\n- silence: 1s")
    hand.come("ACK seq=1 ack=1", after=0.5)
    assert len(hand.sent[-1].payload) == 2  # decided at once
    hand.passes()
    assert hand.talk.late.worst == 0


def test_a_bound_after_a_silence_counts_from_its_end_or_from_the_decision(tmp_path: Path) -> None:
    for after, bounds, ends_well in (
        (0.95, "850ms..1s", True),  # 850 ms after the silence, though decided 50 ms before
        (0.95, "860ms..1s", False),
        (1.8, "950ms", True),  # and late only from the decision on
        (1.8, "890ms", False),
    ):
        hand = opened(tmp_path, SHORT.format(bounds))
        hand.come("ACK seq=1 ack=1", after=after)
        assert (hand.finish().outcome is Outcome.PASS) is ends_well


def test_a_silence_of_a_kind_is_not_broken_by_another(tmp_path: Path) -> None:
    steps = """
- either:
    - - expect:  ACK ack=5
    - - silence: 1s
        of: RST
- expect: ACK
"""
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1", after=0.5)
    hand.passes()
    hand = opened(tmp_path, steps)
    hand.come("RST seq=1", after=0.5)
    hand.fails("a segment came that no branch begins with")


def test_no_branch_begins_with_what_comes(tmp_path: Path) -> None:
    hand = opened(tmp_path)
    hand.come("RST seq=1 win=0", after=0.1)
    failure = hand.fails("a segment came that no branch begins with")
    assert failure.expected == (
        "ACK seq=1 ack=1 within 200ms (permitted by RFC 5961)",
        "FIN,ACK seq=1 ack=1 within 300ms",
        "silence for 500ms",
    )
    assert failure.actual == "RST seq=1 win=0"


def test_nothing_comes_and_no_branch_is_silent(tmp_path: Path) -> None:
    steps = "- either:\n    - - expect: ACK\n    - - expect: RST\n        within: 3s"
    hand = opened(tmp_path, steps)
    failure = hand.fails("nothing came")
    assert failure.expected == ("ACK seq=1 ack=1", "RST seq=1 within 3s")


def test_the_branch_that_was_chosen_is_held_to_its_bound(tmp_path: Path) -> None:
    hand = opened(tmp_path)
    hand.come("ACK seq=1 ack=1", after=0.25)
    hand.fails("it came too late")


TIMED = """
- send: ACK
- either:
    - permits: the second
      steps:
        - expect: ACK seq=1
          within: 1s..2s
    - permits: the first
      steps:
        - expect: ACK seq=1
          within: 1s
    - permits: the third
      steps:
        - expect: ACK seq=1
          within: 2s..3s
"""


@pytest.mark.parametrize(("after", "branch"), [(0.5, "first"), (1.5, "second"), (2.5, "third")])
def test_of_branches_with_one_segment_its_time_tells(
    tmp_path: Path, after: float, branch: str
) -> None:
    hand = opened(tmp_path, TIMED)
    hand.come("ACK seq=1 ack=1", after=after)
    hand.passes()
    assert notes(hand) == [f"permitted by the {branch}"]


def test_a_segment_in_time_for_no_branch_is_held_to_the_first(tmp_path: Path) -> None:
    hand = opened(tmp_path, TIMED.replace("within: 1s\n", "within: 900ms\n"))
    hand.come("ACK seq=1 ack=1", after=0.95)
    hand.fails("it came too early")


def test_the_branch_that_was_chosen_has_to_be_kept(tmp_path: Path) -> None:
    hand = opened(tmp_path)
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.fails("another segment came")


def test_what_came_after_the_silence_does_not_choose(tmp_path: Path) -> None:
    """Told late: by its stamp the silence was over, and the silent branch it is."""
    hand = opened(tmp_path)
    cause = hand.now
    hand.jump(2.0)
    hand.come("ACK seq=1 ack=1", at=cause + 0.6)
    assert len(hand.sent[-1].payload) == 2


def test_an_allowed_segment_chooses_no_branch(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- allow: ACK seq=0\n" + EITHER)
    hand.come("ACK seq=0 ack=1", after=0.1)
    hand.come("FIN,ACK seq=1 ack=1", after=0.1)
    hand.come("ACK seq=2 ack=1", after=0.1)
    hand.passes()


def test_an_allowed_segment_moves_no_bound(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- allow: ACK seq=0\n" + EITHER)
    cause = hand.now
    hand.come("ACK seq=0 ack=1", after=0.25)
    hand.jump(0.2)
    hand.come("FIN,ACK seq=1 ack=1", at=cause + 0.35)
    hand.fails("it came too late")


def test_a_segment_of_another_connection_chooses_no_branch(tmp_path: Path) -> None:
    steps = """
- send:   SYN seq=0
  conn:   b
- expect: SYN,ACK seq=0 ack=1
  conn:   b
- either:
    - - expect: ACK seq=1
        conn:   b
      - silence: 1s
    - - expect: ACK seq=1
"""
    hand = opened(tmp_path, steps)
    hand.come("SYN,ACK seq=0 ack=1", conn="b")
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.passes()
    assert hand.now < 101.0


def test_a_state_is_chosen_when_nothing_comes(tmp_path: Path) -> None:
    steps = "- either:\n    - - expect: RST seq=1\n    - - state: {}\n    - - state: {}\n"
    steps += "      - silence: 5s"
    for first, second in (("CLOSED", "TIME-WAIT"), ("TIME-WAIT", "CLOSED")):
        hand = opened(tmp_path, steps.format(first, second))
        hand.state = State.CLOSED
        hand.passes()
        slept = hand.now > 105.0
        assert slept is (second == "CLOSED")


def test_segments_do_not_hinder_a_state(tmp_path: Path) -> None:
    steps = "- either:\n    - - expect: RST seq=1\n    - - state: CLOSED\n- expect: ACK seq=1"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.passes()


def test_a_branch_may_drop(tmp_path: Path) -> None:
    steps = (
        "- either:\n    - - drop: ACK len=1\n    - - expect: RST seq=1\n- send: ACK\n- silence: 1s"
    )
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1 len=1")
    hand.passes()
    assert len(hand.sent) == 3
    assert hand.sent[-1].ack == wrap(0xFFFFFFFE + 1)


# ---- set and icmp ----------------------------------------------------------------------------


def test_settings_change_in_written_order(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- set: {timestamps: off, nagle: on}\n- silence: 1s")
    done = [action for action in hand.done if isinstance(action, actions.SetOption)]
    assert [(a.name, a.value, a.raw) for a in done] == [
        ("timestamps", "off", False),
        ("nagle", "on", False),
    ]
    hand.passes()


def test_a_setting_that_is_refused(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- set: {nagle: on}\n- silence: 1s"), hold=["SetOption"])
    hand.open()
    hand.feed(events.OptionSet(hand.now, hand.last(actions.SetOption).number, "no such thing"))
    hand.fails("nagle cannot be set to on: no such thing", Outcome.ERROR)


def test_a_setting_that_nobody_answers(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- set: {nagle: on}\n- silence: 1s"), hold=["SetOption"])
    hand.open().fails("nagle cannot be set to on: no answer", Outcome.ERROR)


ICMP = "- expect: ACK\n  as: first\n- icmp: {{{}, quotes: first}}\n  after: 1s\n- silence: 1s"


@pytest.mark.parametrize(
    ("text", "ip", "sent"),
    [
        ("error: port-unreachable", 4, (3, 3, 0)),
        ("error: port-unreachable", 6, (1, 4, 0)),
        ("error: packet-too-big, mtu: 1000", 6, (2, 0, 1000)),
        ("type: 12, code: 2, pointer: 20", 4, (12, 2, 20)),
        ("type: 77, code: 0", 6, (77, 0, 0)),
    ],
)
def test_an_icmp_error_quotes_what_came(
    tmp_path: Path, text: str, ip: int, sent: tuple[int, int, int]
) -> None:
    hand = Hand(write_case(tmp_path, ICMP.format(text)), ip=ip).open()
    hand.come("ACK seq=1 ack=1 win=3")
    hand.pass_time(1.0)
    error = hand.last(actions.SendIcmp)
    assert isinstance(error, actions.SendIcmp)
    assert (error.type, error.code, error.value) == sent
    assert error.quoted == hand.segment("ACK seq=1 ack=1 win=3")
    hand.passes()


def test_an_error_that_this_ip_version_does_not_have_skips_the_case(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, ICMP.format("error: source-quench")), ip=6).open()
    hand.come("ACK seq=1 ack=1")
    hand.fails("IPv6 has no ICMP error source-quench", Outcome.SKIPPED)


GROWS = """
- send: ACK
- expect: FIN,ACK
- either:
    - - expect:  FIN,ACK seq=1
        within:  10s
        backoff: 1.7..2.3
    - without: rfc9293/SHLD-30
      steps:
        - expect: FIN,ACK seq=1
          within: 10s
"""


@pytest.mark.parametrize(("second", "remarked"), [(2.0, False), (1.0, True), (5.0, True)])
def test_an_interval_that_has_not_grown_is_of_another_branch(
    tmp_path: Path, second: float, remarked: bool
) -> None:
    hand = opened(tmp_path, GROWS)
    hand.come("FIN,ACK seq=1 ack=1", after=1.0)
    hand.come("FIN,ACK seq=1 ack=1", after=second)
    told = "it goes without rfc9293/SHLD-30, which no MUST demands"
    assert hand.finish().reason == (told if remarked else "")
