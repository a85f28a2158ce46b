"""A congestion control that a kernel was built without skips the case; nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand, write_case

from conformance.play import actions, events
from conformance.play.verdict import Outcome

LISTEN = "- call: listen() = l\n"


def _returns(hand: Hand, value: int = 0, errno: str = "") -> None:
    call = hand.last(actions.MakeCall)
    hand.feed(events.CallReturned(hand.now, call.number, hand.now, value, errno))


@pytest.mark.parametrize(
    ("call", "errno", "outcome"),
    [
        ("setsockopt(l, CONGESTION, nosuch) = 0", "ENOENT", Outcome.SKIPPED),
        ("setsockopt(l, CONGESTION, nosuch)", "ENOENT", Outcome.SKIPPED),
        ("setsockopt(l, CONGESTION, nosuch) = 0", "EPERM", Outcome.FAIL),
        ("setsockopt(l, CONGESTION, nosuch) = EINVAL", "ENOENT", Outcome.FAIL),
        ("setsockopt(l, CONGESTION, nosuch) = ENOENT", "ENOENT", Outcome.PASS),
        ("setsockopt(l, NODELAY, 1) = 0", "ENOENT", Outcome.FAIL),
    ],
)
def test_what_the_errno_of_an_unknown_algorithm_means(
    tmp_path: Path, call: str, errno: str, outcome: Outcome
) -> None:
    hand = Hand(write_case(tmp_path, f"{LISTEN}- call: {call}", given=""), hold=["MakeCall"])
    _returns(hand, 11)
    _returns(hand, errno=errno)
    assert hand.finish().outcome is outcome
