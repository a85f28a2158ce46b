"""What a timer of the target did against what it may: an entry of the story for each bound.

Only steps that write a bound have one: ``within``, ``backoff``, ``for``. It is told, never judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.case.step import Step

if TYPE_CHECKING:
    from conformance.play.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Timing:
    """``took`` seconds from the cause, which was ``cause`` seconds after the start.

    It may be from ``low`` to ``high``, seconds from the cause too; ``took`` is None where nothing
    came. ``before``: the interval that this one has to be ``backoff`` times of, or 0. ``stays``: a
    state that lasts to ``low`` at the least.
    """

    step: Step
    conn: str
    cause: float
    took: float | None
    low: float
    high: float
    before: float = 0.0
    stays: bool = False


def timed(play: Conversation, step: Step, at: float | None, earliest: float, latest: float) -> None:
    """Write down when what a step with a bound waited for came, by the lab's clock."""
    ratio, before = step.grows, play.intervals.get(step.conn, 0.0)
    if step.within is None and (ratio is None or not before):
        return
    low, high = max(0.0, earliest - play.cause), latest - play.cause
    if ratio is not None and before:
        low, high = max(low, before * ratio.low), min(high, before * ratio.high)
    took = None if at is None else at - play.cause
    _tell(play, Timing(step, step.conn, _since(play), took, low, high, before if ratio else 0.0))


def stayed(play: Conversation, step: Step, at: float, end: float) -> None:
    """A state was still there at ``at``, and has to be until ``end``."""
    took, low = at - play.cause, end - play.cause
    _tell(play, Timing(step, step.conn, _since(play), took, low, low, stays=True))


def _since(play: Conversation) -> float:
    return play.cause - play.record.started


def _tell(play: Conversation, timing: Timing) -> None:
    play.record.timings.append(timing)
