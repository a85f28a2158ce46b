"""``collect``: octets of the stream, in segmentations that the RFC leaves open."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand, write_case

from conformance.play import events
from conformance.play.verdict import Outcome
from conformance.tcp.options import Sack
from conformance.tcp.seq import wrap


def opened(root: Path, steps: str) -> Hand:
    return Hand(write_case(root, steps)).open()


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


# ---- losses --------------------------------------------------------------------------------------

LOSING = "- collect: 40\n  lose: [2]\n  ack: {ack}\n- expect: FIN,ACK seq=41"
ISS = 0xFFFFFFFE


def acks(hand: Hand) -> list[int]:
    """What the tester acknowledged, relative, since the handshake."""
    return [(segment.ack - ISS) % 2**32 for segment in hand.sent[2:]]


def text(hand: Hand, *seqs: int) -> None:
    for seq in seqs:
        hand.come(f"ACK seq={seq} ack=1 len=10", after=0.1)


@pytest.mark.parametrize(
    ("ack", "told"),
    [("each", [11, 11, 11, 41]), ("second", [11, 11, 41]), ("last", [41]), ("none", [])],
)
def test_what_is_lost_is_not_acknowledged_until_it_comes_again(
    tmp_path: Path, ack: str, told: list[int]
) -> None:
    hand = opened(tmp_path, LOSING.format(ack=ack))
    text(hand, 1, 11, 21, 31, 11)
    assert acks(hand) == told
    hand.come("FIN,ACK seq=41 ack=1")
    hand.passes()


def test_what_never_comes_again_is_too_few(tmp_path: Path) -> None:
    hand = opened(tmp_path, LOSING.format(ack="each"))
    text(hand, 1, 11, 21, 31)
    hand.fails("too few octets came")


def test_every_second_is_acknowledged_and_the_last(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- collect: 50\n  ack: second\n- expect: FIN,ACK seq=51")
    text(hand, 1, 11, 21, 31, 41)
    assert acks(hand) == [21, 41, 51]


def test_where_segments_are_lost_text_may_come_again(tmp_path: Path) -> None:
    """Its ACK may be on its way; without losses it is wrong (above)."""
    hand = opened(tmp_path, LOSING.format(ack="each"))
    text(hand, 1, 11, 21)
    hand.come("ACK seq=21 ack=1 len=10")
    hand.come("ACK seq=1 ack=1 len=10")
    text(hand, 31, 11)
    hand.come("FIN,ACK seq=41 ack=1")
    hand.passes()


def test_with_sack_each_ack_says_what_came_the_last_first(tmp_path: Path) -> None:
    steps = """
- send:    SYN seq=0 <mss 100, sackOK>
- expect:  SYN,ACK seq=0 ack=1 <sackOK, ...>
- send:    ACK
- collect: 60
  lose: [2, 4]
- expect: FIN,ACK seq=61
"""
    hand = Hand(write_case(tmp_path, steps, given=""))
    hand.come("SYN,ACK seq=0 ack=1 <sackOK>")
    text(hand, 1, 11, 21, 31, 41, 51)
    told = [segment.option(Sack) for segment in hand.sent[2:]]
    blocks = [
        [tuple((edge - ISS) % 2**32 for edge in block) for block in one.blocks] if one else []
        for one in told
    ]
    assert blocks == [[], [(21, 31)], [(41, 51), (21, 31)], [(41, 61), (21, 31)]]
    text(hand, 11, 31)
    assert acks(hand)[-2:] == [31, 61]
    hand.come("FIN,ACK seq=61 ack=1")
    hand.passes()


def test_beside_timestamps_three_blocks_find_room(tmp_path: Path) -> None:
    steps = """
- send:    SYN seq=0 <mss 100, sackOK, TS 1/0>
- expect:  SYN,ACK seq=0 ack=1 <sackOK, TS */*, ...>
- send:    ACK
- collect: 100
  lose: [2, 4, 6, 8]
- silence: 1s
"""
    hand = Hand(write_case(tmp_path, steps, head="unwatched: [ts-echo]\n", given=""))
    hand.come("SYN,ACK seq=0 ack=1 <sackOK, TS 7/1>")
    for seq in range(1, 101, 10):
        hand.come(f"ACK seq={seq} ack=1 len=10 <TS 7/1>", after=0.1)
    last = hand.sent[-1].option(Sack)
    assert last is not None
    ends = [(right - ISS) % 2**32 for _, right in last.blocks]
    assert ends == [101, 31, 51]


def test_what_was_not_permitted_is_not_sent(tmp_path: Path) -> None:
    hand = opened(tmp_path, LOSING.format(ack="each"))
    text(hand, 1, 11, 21, 31)
    assert [segment.option(Sack) for segment in hand.sent[2:]] == [None] * 3
    text(hand, 11)
    hand.come("FIN,ACK seq=41 ack=1")
    hand.passes()
