"""``either:``: the first branch whose first step matches is the one that is played.

Only a step that something can decide may come first: expect, drop, silence, state, or info, which
the others then begin with too: they are asked one after the other. A silence is
chosen as soon as no other branch can be: when all had their time, or something else came after its
own end. What follows can be done no earlier; a bound after it counts from its end, or from then.
Of branches that begin with the same segment it is the first whose bounds the arrival keeps.
"""

from __future__ import annotations

import math
from collections.abc import Generator

from conformance.case.step import Branch, Step
from conformance.case.verbs.either import Either
from conformance.case.verbs.expect import Expect
from conformance.case.verbs.info import Info
from conformance.case.verbs.silence import Silence
from conformance.case.verbs.state import InState
from conformance.notation.printer import print_bounds, print_duration
from conformance.play.conversation import Conversation, Flow
from conformance.play.foreseen import foreseen
from conformance.play.match import Arrival, Unwritten
from conformance.play.profile import Ability
from conformance.play.record import What
from conformance.play.verdict import Difference, Failure, Stopped
from conformance.steps.expect import bounds, compare, in_time, wanted
from conformance.steps.info import holds
from conformance.steps.state import read, same

_Heard = tuple[Branch, Expect]
_Silent = tuple[Branch, Silence | InState]
_Asking = tuple[Branch, Info]


def run(play: Conversation, step: Either) -> Flow:
    """Decide by what comes first, then play that branch."""
    branch, decided = yield from choose(play, step.value)
    if branch.permits:
        play.note(What.NOTE, f"permitted by {branch.permits}", step.conn)
    if branch.without:
        told = f"it goes without {branch.without}, which no MUST demands"
        play.remark(told, branch.without, step.conn, play.now)
    yield from go(play, branch, decided)


def go(play: Conversation, branch: Branch, decided: float | None) -> Flow:
    """Play the branch that was chosen; ``decided`` is what :func:`choose` told of it."""
    first, *others = branch.steps
    yield from play.run(first)
    if decided is not None:
        # The silence was over before: what follows could not be done until it was chosen.
        play.caused(play.cause, decided, ended=max(play.cause, decided))
    for inner in others:
        yield from play.run(inner)


def choose(
    play: Conversation, branches: tuple[Branch, ...], until: float = math.inf
) -> Generator[float | None, None, tuple[Branch, float | None]]:
    """The branch; with it, if it begins with a silence, when it was known to be this one.

    None begins after ``until``, but a silence.
    """
    firsts = [(branch, branch.steps[0]) for branch in branches]
    asking = [(branch, one) for branch, one in firsts if isinstance(one, Info)]
    if asking:
        return (yield from _by_telling(play, asking)), None
    silent = [(branch, one) for branch, one in firsts if isinstance(one, Silence | InState)]
    heard = [(branch, one) for branch, one in firsts if isinstance(one, Expect)]
    latest = max((begins(play, first) for _, first in firsts), default=play.now)
    latest = min(latest, until)
    if not any(isinstance(one, Silence) for _, one in silent):
        patience = play.tolerating.patience
        latest = min((patience(one, one.value, latest) for _, one in heard), default=latest)
    while True:
        for arrival in list(play.inbox):
            if silent and arrival.at > latest:
                return (yield from _by_silence(play, heard, silent, latest))
            if play.tolerating.early(arrival):
                continue
            mine = [one for one in heard if one[1].conn == arrival.conn]
            for differ in (_exactly, compare):  # before what is tolerated
                if fits := [one for one in mine if not differ(play, one[1], arrival)]:
                    return _timely(play, fits, arrival), None
            if not foreseen(play, arrival):
                silent = _unbroken(play, heard, silent, arrival)
                over = next((one for one in silent if _over(play, one[1], arrival)), None)
                if over is not None and all(one.conn == arrival.conn for _, one in heard):
                    return over[0], arrival.at
        if play.now >= latest:
            break
        yield latest
    if silent:
        return (yield from _by_silence(play, heard, silent, latest))
    for branch, first in heard:  # its step is played as missing
        if play.tolerating.may_miss(first, first.value):
            return branch, None
    told = tuple(_wanted(play, *one) for one in heard)
    raise Stopped(Failure("nothing came", told, timed=True))


def _by_telling(play: Conversation, asking: list[_Asking]) -> Generator[float | None, None, Branch]:
    """The first that the target tells; where it tells none the first, which says what it is."""
    for branch, first in asking:
        if (yield from holds(play, first)):
            return branch
    return asking[0][0]


def _timely(play: Conversation, fits: list[_Heard], arrival: Arrival) -> Branch:
    """The first that it is in time for; where there is none the first, which tells how late."""
    for branch, first in fits:
        if in_time(play, first, arrival):
            return branch
    return fits[0][0]


def _exactly(play: Conversation, first: Expect, arrival: Arrival) -> list[Difference]:
    return play.differ(first.value, arrival)


def _by_silence(
    play: Conversation, heard: list[_Heard], silent: list[_Silent], latest: float
) -> Generator[float | None, None, tuple[Branch, float | None]]:
    """Nothing came: that is said by a branch, or its answer is missing and that is tolerated.

    Where both may be, the state tells: without its answer the connection stays as it is.
    """
    branch, decided = yield from _by_state(play, silent, latest)
    states = [step for step in branch.steps[:2] if isinstance(step, InState)]
    missing = [one for one, first in heard if play.tolerating.may_miss(first, first.value)]
    if not states or not missing or Ability.STATE not in play.profile.abilities:
        return branch, decided
    play.ready = max(play.ready, latest)
    sample = yield from read(play, states[0], play.ready)
    return (branch, decided) if same(states[0].value, sample.state) else (missing[0], None)


def _by_state(
    play: Conversation, silent: list[_Silent], latest: float
) -> Generator[float | None, None, tuple[Branch, float | None]]:
    """Nothing came: the first silence, or the first state that the target is in."""
    for branch, first in silent:
        if isinstance(first, Silence):
            return branch, latest  # all others had their time
        play.ready = max(play.ready, latest)  # a state is looked for then
        if len(silent) == 1:
            return branch, None
        sample = yield from read(play, first, play.ready)
        if same(first.value, sample.state):
            return branch, None
    return silent[0][0], None


def _length(play: Conversation, silence: Silence) -> float:
    return float(silence.value.seconds(play.profile.unit))


def _over(play: Conversation, first: Silence | InState, arrival: Arrival) -> bool:
    """Whether it is a silence that was over when this came."""
    return isinstance(first, Silence) and arrival.at > play.ready + _length(play, first)


def begins(play: Conversation, first: Step) -> float:
    """When a step has begun at the latest that may be the first of a branch."""
    if isinstance(first, Silence):
        return play.ready + _length(play, first)
    if isinstance(first, InState):
        return play.ready
    if isinstance(first, Either):
        return max(begins(play, branch.steps[0]) for branch in first.value)
    return bounds(play, first)[1]


def _unbroken(
    play: Conversation, heard: list[_Heard], silent: list[_Silent], arrival: Arrival
) -> list[_Silent]:
    """The branches that may still begin so, though this came; Stopped when there is none."""

    def stands(first: Silence | InState) -> bool:
        if isinstance(first, InState) or _over(play, first, arrival):
            return True
        return first.of is not None and bool(play.differ(first.of, arrival, Unwritten.LOOSE))

    left = [one for one in silent if stands(one[1])]
    if not left:
        told = [_wanted(play, *one) for one in heard]
        told += [_quiet(first) for _, first in silent]
        text = play.text(arrival, window=True)
        raise Stopped(Failure("a segment came that no branch begins with", tuple(told), text))
    return left


def _wanted(play: Conversation, branch: Branch, first: Expect) -> str:
    within = f" within {print_bounds(first.within)}" if first.within else ""
    told = wanted(play, first) + within
    if branch.without:
        return f"{told} (without {branch.without})"
    return f"{told} (permitted by {branch.permits})" if branch.permits else told


def _quiet(first: Silence | InState) -> str:
    if isinstance(first, Silence):
        return f"silence for {print_duration(first.value)}"
    return f"state {first.value}"
