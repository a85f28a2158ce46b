"""``repeat``: rounds that must be, and rounds as long as there is time for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import PROFILE, Hand, write_case

from conformance.case.model import count_steps
from conformance.play.estimate import least, most
from conformance.play.record import MANY as MANY_PORTS
from conformance.play.verdict import Outcome
from conformance.report.ladder import ladder

THRICE = """
- repeat: 3
  steps:
    - expect: ACK seq=1
    - send:   ACK len=1
- silence: 500ms
"""
# What a round begins with has 300 ms.
A_SECOND = """
- repeat: 2..
  for: 1s
  steps:
    - expect: ACK seq=1
      within: 300ms
    - send:   ACK len=1
- silence: 500ms
"""


def opened(root: Path, steps: str) -> Hand:
    return Hand(write_case(root, steps)).open()


def rounds(hand: Hand, *after: float) -> None:
    for pause in after:
        hand.come(f"ACK seq=1 ack={hand.talk.conn('a').sent.end}", after=pause)


def test_so_many_rounds_are_played_and_no_more(tmp_path: Path) -> None:
    hand = opened(tmp_path, THRICE)
    rounds(hand, 0.1, 0.1, 0.1)
    assert [len(segment.payload) for segment in hand.sent[-3:]] == [1, 1, 1]
    hand.passes()


def test_a_round_too_few_fails(tmp_path: Path) -> None:
    hand = opened(tmp_path, THRICE)
    rounds(hand, 0.1, 0.1)
    hand.fails("nothing came within 0.55s")


def test_a_round_too_many_fails(tmp_path: Path) -> None:
    hand = opened(tmp_path, THRICE)
    rounds(hand, 0.1, 0.1, 0.1, 0.1)
    hand.fails("a segment came that no step foresees")


def test_rounds_go_on_while_there_is_time(tmp_path: Path) -> None:
    hand = opened(tmp_path, A_SECOND)
    rounds(hand, 0.2, 0.2, 0.2, 0.2, 0.1)  # none can be due before the second is over
    hand.passes()


def test_a_round_that_begins_when_the_time_is_over_is_none(tmp_path: Path) -> None:
    hand = opened(tmp_path, A_SECOND)
    rounds(hand, 0.25, 0.25, 0.25, 0.2, 0.15)
    hand.fails("a segment came that no step foresees")


def test_they_may_not_end_before_that(tmp_path: Path) -> None:
    """Or a sender that gives up after the third probe would pass for one that probes for ever."""
    hand = opened(tmp_path, A_SECOND)
    rounds(hand, 0.2, 0.2, 0.2)
    hand.fails("nothing came within 300ms")


def test_the_rounds_that_must_be_may_take_longer(tmp_path: Path) -> None:
    hand = opened(tmp_path, A_SECOND.replace("2..", "5..").replace("300ms", "700ms"))
    rounds(hand, 0.6, 0.6, 0.6, 0.6, 0.6)
    hand.passes()


def test_none_need_be(tmp_path: Path) -> None:
    steps = A_SECOND.replace("2..", "0..3").replace("300ms", "2s")
    hand = opened(tmp_path, steps)
    hand.pass_time(1)
    hand.passes()
    hand = opened(tmp_path, steps)
    rounds(hand, 0.1, 0.1, 0.1, 0.1)
    hand.fails("a segment came that no step foresees")


def test_a_round_may_begin_in_several_ways(tmp_path: Path) -> None:
    steps = """
- repeat: 1..
  for: 1s
  steps:
    - either:
        - - expect: ACK seq=1
            within: 1s
        - - expect: ACK seq=0
            within: 1s
    - send: ACK len=1
- silence: 500ms
"""
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=0 ack=1", after=0.1)
    hand.come("ACK seq=1 ack=2", after=0.1)
    hand.passes()


def test_what_begins_no_round_is_told_how_long_the_silence_had_to_last(tmp_path: Path) -> None:
    steps = "- repeat: 0..\n  for: 1s\n  steps:\n    - expect: ACK seq=1\n- silence: 500ms\n"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1", after=0.25)
    hand.come("ACK seq=1 ack=1 len=5", after=0.25)
    failure = hand.fails("a segment came that no branch begins with")
    assert failure.expected[-1] == "silence for 0.75s"


def test_a_label_is_that_of_the_last_round(tmp_path: Path) -> None:
    steps = """
- repeat: 2
  steps:
    - expect: ACK seq=1 len=*
      as: it
    - send:   ACK
- send:   ACK seq=1 ack=it.end
- silence: 500ms
"""
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1 len=5", after=0.1)
    hand.come("ACK seq=1 ack=1 len=9", after=0.1)
    assert hand.talk.conn("a").numbers.target_number(10) == hand.sent[-1].ack
    hand.passes()


@pytest.mark.parametrize(
    ("count", "shortest", "longest"),
    [("3", 0.6, 3 * 0.5), ("2..4", 2.0, 2.0 + 0.5), ("0..", 2.0, 2.0 + 0.5)],
)
def test_how_long_it_takes(tmp_path: Path, count: str, shortest: float, longest: float) -> None:
    during = "  for: 2s\n" if ".." in count else ""
    steps = f"- repeat: {count}\n{during}  steps:\n    - expect: ACK\n      within: 200ms..500ms"
    case = write_case(tmp_path, steps, given="")
    assert least(case, PROFILE) == pytest.approx(shortest + PROFILE.settle)
    assert most(case, PROFILE) == pytest.approx(longest + PROFILE.settle)


def test_the_longest_road_says_how_long_it_takes(tmp_path: Path) -> None:
    steps = "- either:\n    - - expect: ACK\n      - wait: 290s\n    - - expect: RST"
    assert least(write_case(tmp_path, steps, given=""), PROFILE) == 290 + PROFILE.settle


def test_a_wait_that_grows_grows_from_round_to_round(tmp_path: Path) -> None:
    steps = """
- expect: ACK
  within: 1s..2s
- repeat: 3
  steps:
    - expect: ACK
      backoff: 2..3"""
    case = write_case(tmp_path, steps, given="")
    assert least(case, PROFILE) == pytest.approx(1 + 2 + 4 + 8 + PROFILE.settle)
    assert most(case, PROFILE) == pytest.approx(2 + 6 + 18 + 54 + PROFILE.settle)


MANY = """
- repeat: 70
  each: peer
  steps:
    - conn: peer
      send: SYN seq=0
- repeat: 70
  each: peer
  steps:
    - conn: peer
      either:
        - - conn: peer
            expect: SYN,ACK seq=0 ack=1
        - - conn: peer
            expect: RST,ACK seq=0 ack=1
"""


def test_each_round_has_a_connection_of_its_own(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, MANY, given=""))
    ports = [one.sport for one in hand.sent]
    assert len(set(ports)) == len(ports) == 70
    assert ports[59:61] == [40000 + 59, MANY_PORTS + 60]
    for number in range(1, 71):
        hand.come("SYN,ACK seq=0 ack=1", conn=f"peer.{number}")
    hand.passes()


def test_a_ladder_shows_a_few_of_many_and_the_guilty_one(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, MANY, given=""))
    for number in range(1, 71):
        answer = "ACK seq=0 ack=1" if number == 33 else "SYN,ACK seq=0 ack=1"
        if hand.outcome is None:
            hand.come(answer, conn=f"peer.{number}")
    assert hand.finish().outcome is Outcome.FAIL
    story = ladder(hand.talk.record)
    told = {word for word in story.split() if word.startswith("peer.")}
    assert told == {"peer.1", "peer.2", "peer.3", "peer.33", "peer.70"}
    assert "and 66 more of peer" in story


def test_rounds_of_many_connections_count_a_tenth(tmp_path: Path) -> None:
    case = write_case(tmp_path, MANY, given="")
    assert count_steps(case.steps) == 1 + 70 // 10 + 1 + 70 * (1 + 2) // 10
