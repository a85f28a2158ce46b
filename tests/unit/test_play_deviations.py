"""Deviations of a case: seen, gone, of another target, in a branch."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand
from test_play_conversation import opened

from conformance.play.verdict import Outcome

DEVIATION = """
- send: ACK
- expect: ACK
  as: answer
- expect: FIN,ACK
  as: fin
- silence: 1s
- send: ACK
"""
HEAD = """\
deviations:
  {}:
    - step: answer
      {}instead: [{{expect: RST seq=1}}]
      because: it is old
"""


def deviating(root: Path, target: str = "hand", through: str = "") -> Hand:
    return opened(root, DEVIATION, head=HEAD.format(target, through))


def test_a_deviation_that_is_seen(tmp_path: Path) -> None:
    hand = deviating(tmp_path)
    hand.come("RST seq=1")
    hand.come("FIN,ACK seq=1 ack=1")
    verdict = hand.finish()
    assert (verdict.outcome, verdict.reason) == (Outcome.DEVIATES, "it is old")


def test_a_deviation_that_is_no_longer_seen_fails(tmp_path: Path) -> None:
    hand = deviating(tmp_path)
    hand.come("ACK seq=1 ack=1")
    assert hand.fails("another segment came").expected == ("RST seq=1",)


def test_a_deviation_may_replace_several_steps(tmp_path: Path) -> None:
    hand = deviating(tmp_path, through="through: fin\n      ")
    hand.come("RST seq=1")
    assert hand.finish().outcome is Outcome.DEVIATES
    assert len(hand.sent) == 4, "what follows them is played"


def test_another_target_does_not_deviate(tmp_path: Path) -> None:
    hand = deviating(tmp_path, "linux")
    hand.come("ACK seq=1 ack=1")
    hand.come("FIN,ACK seq=1 ack=1")
    hand.passes()
    hand = deviating(tmp_path, "linux")
    hand.come("RST seq=1")
    hand.fails("another segment came")


def test_a_case_that_deviates_may_still_fail(tmp_path: Path) -> None:
    hand = deviating(tmp_path)
    hand.come("RST seq=1")
    hand.fails("nothing came within 1s")


IN_A_BRANCH = """
- send: ACK
- either:
    - - expect: ACK
        as: answer
      - send: ACK
    - - expect: FIN,ACK
- silence: 1s
"""


@pytest.mark.parametrize(
    ("segment", "outcome"),
    [("RST seq=1", Outcome.DEVIATES), ("ACK seq=1 ack=1", Outcome.FAIL)],
)
def test_a_deviation_inside_a_branch(tmp_path: Path, segment: str, outcome: Outcome) -> None:
    hand = opened(tmp_path, IN_A_BRANCH, head=HEAD.format("hand", ""))
    hand.come(segment)
    assert hand.finish().outcome is outcome


def test_a_deviation_in_a_branch_that_was_not_played_was_not_seen(tmp_path: Path) -> None:
    hand = opened(tmp_path, IN_A_BRANCH, head=HEAD.format("hand", ""))
    hand.come("FIN,ACK seq=1 ack=1")
    hand.fails("hand did not deviate at answer")
