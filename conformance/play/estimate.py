"""How long a case takes on a target, told from its text: for ``--slow`` and for timeouts.

``least`` is what it takes when every answer comes as early as it may; ``most`` what it can take
before the last of its bounds has passed. Seconds of the target's clock.
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
    return sum(_step(step, profile, upper=upper) for step in steps)


def _step(step: Step, profile: Profile, *, upper: bool) -> float:
    unit = profile.unit
    total = 0.0
    if step.branches:
        branches = [_sum(branch.steps, profile, upper=upper) for branch in step.branches]
        return float(max(branches) if upper else min(branches))
    for length in (step.passes, step.after, step.lasts):
        if length is not None:
            total += length.seconds(unit)
    within = step.within
    if within is not None and upper:
        total += within.high.seconds(unit)
    elif within is not None and within.low is not None:
        total += within.low.seconds(unit)
    elif upper:
        total += profile.response
    return float(total)
