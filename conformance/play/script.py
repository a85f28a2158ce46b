"""What is played of a case on one target: its steps, the target's deviations in their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.case.lint import deviate, every_step
from conformance.case.model import Case, Deviation
from conformance.case.step import Step
from conformance.case.verbs.counters import Counters
from conformance.notation.amount import Amount
from conformance.play.lateness import Lateness
from conformance.play.profile import Profile
from conformance.play.verdict import Outcome

if TYPE_CHECKING:
    from conformance.play.conversation import Conversation

_INSTANT: Final = 1e-6  # seconds: four times 50 ms are not less than 200 ms, whatever floats say


def deviations(case: Case, profile: Profile) -> tuple[Deviation, ...]:
    """What this target is known to do instead."""
    return tuple(one for one in case.deviations if profile.is_called(one.target, one.versions))


def script(case: Case, instead: tuple[Deviation, ...]) -> Iterator[tuple[Step, bool]]:
    """The steps of ``given`` and of the case, each with whether it stands for one of ``given``.

    A deviation's steps replace those that it names, in the branches of an ``either`` too.
    """
    yield from ((step, False) for step in _first_count(case, instead))
    found = ((one.place(case.all_steps), one) for one in instead)
    places = {place[0]: (place[1], one) for place, one in found if place is not None}
    inner = tuple(one for one in instead if one.place(case.all_steps) is None)
    upto = -1  # the last that is replaced
    for at, step in enumerate(case.all_steps):
        given = at < len(case.given)
        if at <= upto:
            continue
        if at not in places:
            yield _in_branches(step, inner), given
            continue
        upto, deviation = places[at]
        for other in deviation.instead:
            yield other, given


def _first_count(case: Case, instead: tuple[Deviation, ...]) -> Iterator[Step]:
    """Where the case looks at counters: a step that reads all of them as they are, and no more."""
    steps = [*case.all_steps, *(step for one in instead for step in one.instead)]
    counts = [step for step in every_step(steps) if isinstance(step, Counters)]
    if counts:
        names = dict.fromkeys((name for step in counts for name in step.value), Amount(None, None))
        yield Counters(counts[0].span, counts[0].text, names)


def _in_branches(step: Step, instead: tuple[Deviation, ...]) -> Step:
    for deviation in instead if step.branches else ():
        changed = deviate((step,), deviation)
        if changed is not None:
            (step,) = changed
    return step


def unseen(deviation: Deviation) -> str:
    """What is said where the steps of a deviation were never come to."""
    return f"{deviation.target} did not deviate at {deviation.step}"


def good_end(seen: tuple[Deviation, ...], told: Conversation) -> tuple[Outcome, str]:
    """How a case ends of which every step held, and what is to be said of it all the same."""
    because = [deviation.because for deviation in seen]
    used = told.tolerating.used.items()
    because += [f"tolerated: {name} ({why})" for name, why in used]
    if because:
        return Outcome.DEVIATES, "; ".join(because)
    plural = "s were" if told.unread > 1 else " was"
    unread = [f"{told.unread} state{plural} not read"] if told.unread else []
    return Outcome.PASS, "; ".join([*unread, *told.remarks])


@dataclass(frozen=True, slots=True)
class Allowed:
    """How late the harness may be: half of the shortest time that anything depends on, seconds.

    ``once``: of a bound. ``quiet``: also of a silence, in which a timer of the target may fire
    where it began late, and of what pauses together leave of the target's shortest timer for a
    retransmission, which may have begun before the first of them; ``piled``: of that alone.
    """

    once: float
    quiet: float
    piled: float

    def nearest(self, late: Lateness, outcome: Outcome) -> tuple[float, float]:
        """How late it was and how late it may be, where it comes nearest to that.

        A timer that ran out because of delays makes a case fail: what passed had none, and a
        silence that began late lasted as long, after all that came before it.
        """
        if outcome in (Outcome.FAIL, Outcome.BLOCKED):
            pairs = (late.worst, self.quiet), (late.piled, self.piled)
            return max(*pairs, key=lambda pair: pair[0] / pair[1])
        return late.worst, self.once


def allowed(case: Case, profile: Profile) -> Allowed:
    """How late the harness may be in this case."""
    timers = [profile.min_rto, *_left(_pauses(case, profile), profile.min_rto)]
    bounds, silences = [profile.response, profile.min_rto], list[float]()
    for step in every_step(case.all_steps):
        if step.within is not None:
            bounds.append(step.within.high.seconds(profile.unit))
        if step.passes is not None and step.checks:
            silences.append(step.passes.seconds(profile.unit))
    return Allowed(min(bounds) / 2, min(*bounds, *silences, *timers) / 2, min(timers) / 2)


def _pauses(case: Case, profile: Profile) -> list[float]:
    """How long nothing is sent, each time, in order; seconds."""
    passing = (step.passes for step in every_step(case.all_steps))
    return [pause.seconds(profile.unit) for pause in passing if pause is not None]


def _left(pauses: list[float], timer: float) -> Iterator[float]:
    """What each run of pauses that is shorter than the timer leaves of it."""
    for first in range(len(pauses)):
        left = timer
        for pause in pauses[first:]:
            left -= pause
            if left < _INSTANT:
                break
            yield left
