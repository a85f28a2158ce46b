"""Verdicts and what a failure has to say for itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from conformance.case.step import Step
from conformance.errors import Death, Owner


class Outcome(StrEnum):
    """How a case ended, from best to worst; the last two were never judged."""

    PASS = "pass"
    DEVIATES = "deviates"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ERROR = "error"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


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

    Where time is concerned: a harness that was ``slack`` seconds late or more from ``since`` on
    (on the lab's clock) would explain it; ``timed`` when a bound was overrun, which a machine that
    is late itself would explain, by how much nobody measures. ``never``: no TCP may do it, so no
    time explains it. ``death``: its program crashed or hangs, ``words`` are the last it wrote.
    """

    message: str
    expected: tuple[str, ...] = ()
    actual: str = ""
    differences: tuple[Difference, ...] = ()
    requirement: str = ""
    slack: float | None = None
    since: float = 0.0
    timed: bool = False
    never: bool = False
    death: Death | None = None
    words: str = ""


def too_early(failure: Failure, at: float, earliest: float, cause: float) -> Failure:
    """Of what came at ``at`` and not before ``earliest``, which counts from ``cause``.

    Where the target's timer began before the cause, our lateness between the two makes it early.
    That timer is as long as the bound; how much longer is its own affair, so we look back twice
    as far.
    """
    return replace(failure, slack=earliest - at, since=at - 2 * (earliest - cause))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a conversation. ``step`` is the one it ended at, None after the last.

    ``lateness`` is how late the harness was at the worst, in seconds (see play.lateness);
    ``allowed`` the most that leaves the verdict sound. ``doubted`` is the outcome of a case that is
    inconclusive because its failure has to be seen twice before it is believed. ``owner``: whose
    fault an error is. ``tolerated`` names what was let by on the way (see play.tolerances).
    ``without``: ids of the rules that no MUST demands and that the target set aside. ``let_by``:
    all that it deviates by was tolerated, so every step was asserted. ``disputed``: the author of
    the target's file holds that the case is wrong. ``new``: the case is younger than that file.
    """

    outcome: Outcome
    reason: str = ""
    step: Step | None = None
    failure: Failure | None = None
    lateness: float = 0.0
    allowed: float = 0.0
    doubted: Outcome | None = None
    owner: Owner | None = None
    tolerated: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    let_by: bool = False
    disputed: bool = False
    new: bool = False

    def believed(self) -> Verdict:
        """The same, its failure seen a second time."""
        if self.doubted is None:
            return self
        told = self.failure.message if self.failure else self.reason
        return replace(self, outcome=self.doubted, reason=told, doubted=None)


class Stopped(Exception):
    """A step ended the case; ``outcome`` and ``failure`` say how, ``owner`` whose error it is."""

    def __init__(
        self, failure: Failure, outcome: Outcome = Outcome.FAIL, owner: Owner | None = None
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.outcome = outcome
        self.owner = owner


def case_is_wrong(why: str) -> Stopped:
    """What its steps ask for cannot be, whatever the target does."""
    return Stopped(Failure(f"the case is wrong: {why}"), Outcome.ERROR, Owner.CASE)
