"""``either`` and ``collect``: roads and segmentations that the RFC leaves open."""

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


# ---- collect ---------------------------------------------------------------------------------


def collecting(root: Path, siblings: str = "", count: int = 20) -> Hand:
    return opened(root, f"- collect: {count}{siblings}\n- expect: FIN,ACK seq=21")


@pytest.mark.parametrize("sizes", [[20], [10, 10], [1, 9, 4, 6], [1] * 20])
def test_any_segmentation_will_do(tmp_path: Path, sizes: list[int]) -> None:
    hand = collecting(tmp_path)
    at = 1
    for size in sizes:
        hand.come(f"PSH,ACK seq={at} ack=1 len={size}", after=0.9)
        at += size
    hand.come("FIN,ACK seq=21 ack=1")
    hand.passes()


@pytest.mark.parametrize(
    ("siblings", "acks"), [("", [11, 21]), ("\n  ack: each", [11, 21]), ("\n  ack: last", [21]),
                           ("\n  ack: none", [])]
)  # fmt: skip
def test_what_is_acknowledged(tmp_path: Path, siblings: str, acks: list[int]) -> None:
    hand = collecting(tmp_path, siblings)
    hand.come("ACK seq=1 ack=1 len=10")
    hand.come("ACK seq=11 ack=1 len=10")
    assert [segment.ack for segment in hand.sent[2:]] == [wrap(0xFFFFFFFE + ack) for ack in acks]
    hand.come("FIN,ACK seq=21 ack=1")
    hand.passes()


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ("FIN,ACK seq=11 ack=1 len=10", "its FIN came, and the step does not say then: FIN"),
        ("ACK,URG seq=11 ack=1 len=10 urg=1", "a segment came that is not plain text"),
        ("ACK seq=11 ack=1", "a segment came without text"),
        ("ACK seq=12 ack=1 len=9", "the text is not the next in order"),
        ("ACK seq=1 ack=1 len=10", "the text was acknowledged before"),
        ("ACK seq=11 ack=0 len=10", "the text does not acknowledge what was sent"),
    ],
)
def test_what_is_not_the_next_text(tmp_path: Path, segment: str, message: str) -> None:
    hand = collecting(tmp_path)
    hand.come("ACK seq=1 ack=1 len=10")
    hand.come(segment)
    failure = hand.fails(message)
    assert failure.expected == ("ACK seq=11 ack=1 len=1..10",)
    assert failure.actual == segment


def test_a_count_need_not_end_where_a_segment_does(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- collect: 15\n- collect: 2\n- collect: 13\n- expect: FIN,ACK seq=31")
    hand.come("ACK seq=1 ack=1 len=10")
    hand.come("ACK seq=11 ack=1 len=10")
    hand.come("ACK seq=21 ack=1 len=10")
    hand.come("FIN,ACK seq=31 ack=1")
    hand.passes()


def test_a_count_begins_after_what_another_step_took(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- collect: 15\n- expect: ACK len=10\n- collect: 5\n- silence: 1s")
    for at in (1, 11, 21):
        hand.come(f"ACK seq={at} ack=1 len=10")
    assert hand.outcome is None
    hand.come("ACK seq=31 ack=1 len=5")
    hand.passes()


def test_what_is_missing_may_be_sent_again_in_other_segments(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- drop: ACK len=10\n- collect: 20\n  ack: last\n- silence: 1s")
    hand.come("ACK seq=1 ack=1 len=10")  # lost
    hand.come("ACK seq=11 ack=1 len=5")
    hand.come("ACK seq=1 ack=1 len=7", after=0.9)
    hand.come("ACK seq=6 ack=1 len=15", after=0.9)
    assert [segment.ack for segment in hand.sent[2:]] == [wrap(0xFFFFFFFE + 21)]
    hand.passes()


def test_what_comes_again_and_brings_nothing_widens_no_bound(tmp_path: Path) -> None:
    hand = collecting(tmp_path, "\n  ack: none")
    hand.come("ACK seq=1 ack=1 len=10")
    hand.come("ACK seq=1 ack=1 len=10", after=0.6)
    hand.come("ACK seq=11 ack=1 len=10", after=0.6)
    assert hand.fails("too few octets came").actual == "10 octets"


@pytest.mark.parametrize(("after", "ends"), [(0.009, True), (0.011, False)])
def test_no_timer_is_so_short_that_text_comes_twice_at_once(
    tmp_path: Path, after: float, ends: bool
) -> None:
    hand = collecting(tmp_path, "\n  ack: none")
    hand.come("ACK seq=1 ack=1 len=10")
    hand.come("ACK seq=4 ack=1 len=5", after=after)
    assert (hand.outcome is Outcome.FAIL) is ends


def test_the_octet_of_a_probe_is_not_taken_and_comes_again(tmp_path: Path) -> None:
    steps = (
        "- send: ACK win=0\n- expect: ACK len=1\n- send: ACK win=50\n- collect: 5\n- silence: 1s"
    )
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1 len=1")
    assert hand.sent[-1].ack == wrap(0xFFFFFFFE + 1)
    hand.come("ACK seq=1 ack=1 len=5")
    hand.passes()


def test_text_that_fits_is_taken_though_a_window_update_was_lost(tmp_path: Path) -> None:
    steps = (
        "- send: ACK win=0\n- drop: ACK win=50\n  from: tester\n- expect: ACK len=1\n"
        "- send: ACK\n- silence: 1s"
    )
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1 len=1")
    assert hand.sent[-1].ack == wrap(0xFFFFFFFE + 2)
    hand.passes()


THEN = "- collect: 20\n  then: FIN\n- silence: 1s"


@pytest.mark.parametrize(
    "segments",
    [
        ("ACK seq=1 ack=1 len=20", "FIN,ACK seq=21 ack=1"),
        ("FIN,ACK seq=1 ack=1 len=20",),
        ("ACK seq=1 ack=1 len=10", "FIN,PSH,ACK seq=11 ack=1 len=10"),
        ("ACK seq=1 ack=1 len=20", "FIN,ACK seq=11 ack=1 len=10"),
    ],
)
def test_the_fin_comes_on_the_last_text_or_after_it(
    tmp_path: Path, segments: tuple[str, ...]
) -> None:
    hand = opened(tmp_path, THEN.replace("then", "ack: last\n  then"))
    for segment in segments:
        assert hand.outcome is None
        hand.come(segment)
    assert [segment.ack for segment in hand.sent[2:]] == [wrap(0xFFFFFFFE + 22)]
    hand.passes()


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ("FIN,ACK seq=11 ack=1", "its FIN is at 11, and the stream ends at 21"),
        ("ACK seq=11 ack=1 len=11", "more octets came than there are"),
        ("FIN,ACK seq=11 ack=1 len=11", "its FIN is at 22, and the stream ends at 21"),
    ],
)
def test_a_fin_at_the_wrong_place(tmp_path: Path, segment: str, message: str) -> None:
    hand = opened(tmp_path, THEN)
    hand.come("ACK seq=1 ack=1 len=10")
    hand.come(segment)
    assert hand.fails(message).expected == (
        "ACK seq=11 ack=1 len=1..10",
        "FIN,ACK seq=21 ack=1",
    )


def test_a_fin_that_stays_away(tmp_path: Path) -> None:
    hand = opened(tmp_path, THEN)
    hand.come("ACK seq=1 ack=1 len=20")
    assert hand.fails("its FIN did not come").expected == ("FIN after 20 octets",)


def test_more_than_was_written_is_no_text_of_the_stream(tmp_path: Path) -> None:
    steps = "- call: socket() = c\n- call: send(c, 20)\n- collect: 15"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1 len=21")
    hand.fails("more octets came than there are")


def test_too_few_octets(tmp_path: Path) -> None:
    hand = collecting(tmp_path, "\n  within: 5s")
    hand.come("ACK seq=1 ack=1 len=10", after=4.9)
    failure = hand.fails("too few octets came")
    assert (failure.expected, failure.actual) == (("20 octets",), "10 octets")
    assert hand.now == pytest.approx(100.01 + 4.9 + 5.0)


def test_a_text_that_came_too_late_is_not_counted(tmp_path: Path) -> None:
    hand = collecting(tmp_path)
    cause = hand.now
    hand.jump(9.0)
    hand.come("ACK seq=1 ack=1 len=20", at=cause + 1.1)
    assert hand.fails("too few octets came").actual == "0 octets"


def test_collect_checks_octets_through_the_rules(tmp_path: Path) -> None:
    hand = collecting(tmp_path)
    segment = hand.segment("ACK seq=1 ack=1 len=20", payload=bytes(20))
    hand.feed(events.Arrived(hand.now, segment))
    hand.fails("no TCP may send this: octet 2 of the stream is 0x00, and was written as 0x01")


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
