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
    total = before = 0.0
    for step in steps:
        bound = _bound(step, profile, before, upper=upper)
        total += _passes(step, profile, upper=upper) + bound
        before = bound if step.checks else before
    return total


def _passes(step: Step, profile: Profile, *, upper: bool) -> float:
    if step.branches:
        branches = [_sum(branch.steps, profile, upper=upper) for branch in step.branches]
        if upper and step.lasts is not None:  # the last round may begin as late as that
            return step.lasts.seconds(profile.unit) + max(branches)
        least, most = step.rounds
        return (most or least) * max(branches) if upper else least * min(branches)
    lengths = (step.passes, step.after, step.lasts)
    return float(sum(one.seconds(profile.unit) for one in lengths if one is not None))


def _bound(step: Step, profile: Profile, before: float, *, upper: bool) -> float:
    """The bound of a step; ``before`` is that of the one before, which ``backoff`` multiplies."""
    within, ratio = step.within, step.grows
    if step.branches:
        return 0.0
    if within is not None:
        end = within.high if upper else within.low
        return float(end.seconds(profile.unit)) if end is not None else 0.0
    if ratio is not None and before:
        return before * (ratio.high if upper else ratio.low)
    return profile.response if upper else 0.0
