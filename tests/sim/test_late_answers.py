"""Each answer of the reference, 0.85 s late: what forbids it, on which target.

An ACK of text, a FIN or a gap may be delayed by less than half a second (RFC 9293 section 3.8.6.3,
MUST-40), so every target fails. No RFC has a number for a SYN,ACK, a RST or a challenge ACK: there
a target is held to its own word, the ``response`` of its profile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.case.load import load
from conformance.play.profile import PATIENCE
from conformance.play.verdict import Outcome
from conformance.sim.world import Tamper
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

CASES = Path(__file__).parents[2] / "cases"
Picks = Callable[[Segment], bool]


class Late(Tamper):
    """The ``nth`` segment of a kind leaves later, and what follows not before it."""

    def __init__(self, picks: Picks, nth: int, by: float) -> None:
        self._picks, self._left, self._by = picks, nth, by
        self.late, self._until = 0.0, 0.0

    def segment(self, segment: Segment, at: float) -> list[tuple[float, Segment]]:
        self._left -= self._picks(segment)
        if not self._left and not self.late:
            self.late, self._until = self._by, at + self._by
        return [(max(at, self._until), segment)]


def _bare(segment: Segment) -> bool:
    return segment.flags == Flags.ACK and not segment.payload


def _flags(wanted: Flags) -> Picks:
    return lambda segment: segment.has(wanted)


SMOKE = "smoke/handshake-and-close.yaml"
IN_3_10_7_4 = "rfc9293/3.10.7.4-segment-arrives"
# An answer: the case in which it is seen, the kind of segment and its place among those.
DELAYED: dict[str, tuple[str, Picks, int]] = {
    "ACK of text": (SMOKE, _bare, 1),
    "ACK of a FIN": (SMOKE, _bare, 2),
    "ACK of the SYN,ACK": ("rfc9293/3.5-establish/active-open.yaml", _bare, 1),
    "ACK of what is behind a gap": ("rfc9293/3.8-data/out-of-order.yaml", _bare, 1),
}
AT_ONCE: dict[str, tuple[str, Picks, int]] = {
    "SYN,ACK": (SMOKE, _flags(Flags.SYN), 1),
    "FIN": (SMOKE, _flags(Flags.FIN), 1),
    "text": (SMOKE, lambda segment: bool(segment.payload), 1),
    "RST of a port that is closed": (
        "rfc9293/3.10.7.1-closed/without-ack.yaml", _flags(Flags.RST), 1,
    ),
    "challenge ACK": (f"{IN_3_10_7_4}/syn.yaml", _bare, 2),
    "ACK of what was there before": (f"{IN_3_10_7_4}/old-text.yaml", _bare, 1),
}  # fmt: skip


def outcome(answer: tuple[str, Picks, int], by: float, response: float) -> Outcome:
    file, picks, nth = answer
    cases, faults = load([CASES / file], CASES)
    assert not faults
    case = next((one for one in cases if "state=ESTABLISHED" in one.id), cases[0])
    target = Reference()
    target.profile = replace(target.profile, response=response)
    late = Late(picks, nth, by)
    verdict = target.play(Job(case, 4), late).verdict
    assert verdict is not None
    assert late.late == by  # there was one
    return verdict.outcome


@pytest.mark.parametrize("response", [0.01, PATIENCE])
@pytest.mark.parametrize("answer", DELAYED)
def test_an_ack_that_late_is_forbidden_to_all(answer: str, response: float) -> None:
    assert outcome(DELAYED[answer], 0.85, response) in (Outcome.FAIL, Outcome.BLOCKED)


@pytest.mark.parametrize("answer", DELAYED)
def test_an_ack_may_be_delayed_by_less_than_half_a_second(answer: str) -> None:
    assert outcome(DELAYED[answer], 0.29, 0.01) is Outcome.PASS


@pytest.mark.parametrize("answer", AT_ONCE)
def test_what_needs_no_timer_fails_where_the_target_says_so(answer: str) -> None:
    assert outcome(AT_ONCE[answer], 0.85, 0.01) in (Outcome.FAIL, Outcome.BLOCKED)
    assert outcome(AT_ONCE[answer], 0.85, PATIENCE) is Outcome.PASS
