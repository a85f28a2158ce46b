"""How long a case takes on a target, told from its text: for ``--slow`` and for timeouts.

``least`` is what it takes when every answer comes as early as it may; ``most`` what it can take
before the last of its bounds has passed; both on the longest of the roads that it offers. Seconds
of the target's clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.case.model import Case
from conformance.case.step import Step
from conformance.play.profile import Profile


def least(case: Case, profile: Profile) -> float:
    """Waits, silences and the lower bounds of what has one."""
    return _sum(_steps(case, profile), profile, upper=False) + profile.settle


def most(case: Case, profile: Profile) -> float:
    """Waits, silences and every upper bound."""
    return _sum(_steps(case, profile), profile, upper=True) + profile.settle


def _steps(case: Case, profile: Profile) -> list[Step]:
    steps = list(case.all_steps)
    for deviation in case.deviations:
        if profile.is_called(deviation.target, deviation.versions):
            steps += deviation.instead
    return steps


def _sum(steps: Sequence[Step], profile: Profile, *, upper: bool) -> float:
    return _walk(steps, profile, 0.0, upper=upper)[0]


def _walk(
    steps: Sequence[Step], profile: Profile, before: float, *, upper: bool
) -> tuple[float, float]:
    """How long they take, and the bound of the last; ``before`` is that of the one before them."""
    total = 0.0
    for step in steps:
        if step.branches:
            took, before = _rounds(step, profile, before, upper=upper)
            total += took
            continue
        bound = _bound(step, profile, before, upper=upper)
        for length in (step.passes, step.after, step.lasts):
            if length is not None:
                total += length.seconds(profile.unit)
        total += bound
        before = bound if step.checks else before
    return total, before


def _rounds(step: Step, profile: Profile, before: float, *, upper: bool) -> tuple[float, float]:
    """Of a step with branches: as often as one is played, the longest of them."""
    total = 0.0
    least, most = step.rounds
    times = (most or least) if upper else least
    if step.lasts is not None:  # it goes on as long as that, and the last round may begin then
        total, times = step.lasts.seconds(profile.unit), int(upper)
    for _ in range(times):
        ends = [_walk(branch.steps, profile, before, upper=upper) for branch in step.branches]
        took, before = max(ends)
        total += took
    return total, before


def _bound(step: Step, profile: Profile, before: float, *, upper: bool) -> float:
    """The bound of a step; ``before`` is that of the one before, which ``backoff`` multiplies."""
    within, ratio = step.within, step.grows
    if within is not None:
        end = within.high if upper else within.low
        return float(end.seconds(profile.unit)) if end is not None else 0.0
    if ratio is not None and before:
        return before * (ratio.high if upper else ratio.low)
    return profile.patience if upper else 0.0
