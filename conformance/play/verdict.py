"""Verdicts and what a failure has to say for itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.case.model import Step


class Outcome(StrEnum):
    """How a case ended, from best to worst; the last two were never judged."""

    PASS = "pass"
    DEVIATES = "deviates"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ERROR = "error"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


ORDER = (
    Outcome.PASS,
    Outcome.SKIPPED,
    Outcome.DEVIATES,
    Outcome.INCONCLUSIVE,
    Outcome.BLOCKED,
    Outcome.FAIL,
    Outcome.ERROR,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not as it should be, both sides in the case's own numbers."""

    field: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong at a step.

    ``expected`` lists all that would have been accepted; ``actual`` is what came instead, in the
    notation. ``requirement`` is the id of a watch rule's requirement when no step asked for it.
    """

    message: str
    expected: tuple[str, ...] = ()
    actual: str = ""
    differences: tuple[Difference, ...] = ()
    requirement: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a conversation. ``step`` is the one it ended at, None after the last.

    ``lateness`` is the greatest measured delay of an action of the harness, in seconds;
    ``allowed`` the most that leaves the verdict sound.
    """

    outcome: Outcome
    reason: str = ""
    step: Step | None = None
    failure: Failure | None = None
    lateness: float = 0.0
    allowed: float = 0.0
