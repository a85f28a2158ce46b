"""``either:``: the first branch whose first step matches is the one that is played.

Only a step that something can decide may come first: expect, drop, silence or state.
"""

from __future__ import annotations

from collections.abc import Generator

from conformance.case.step import Branch, Step
from conformance.case.verbs.either import Either
from conformance.case.verbs.expect import Expect
from conformance.case.verbs.silence import Silence
from conformance.case.verbs.state import InState
from conformance.notation.printer import print_bounds, print_duration
from conformance.play.conversation import Conversation, Flow
from conformance.play.match import Arrival
from conformance.play.record import What
from conformance.play.verdict import Failure, Stopped
from conformance.steps.expect import bounds, compare, wanted
from conformance.steps.state import read, same

_Heard = tuple[Branch, Expect]
_Silent = tuple[Branch, Silence | InState]


def run(play: Conversation, step: Either) -> Flow:
    """Decide by what comes first, then play that branch."""
    branch = yield from _choose(play, step.value)
    if branch.permits:
        play.note(What.NOTE, f"permitted by {branch.permits}", step.conn)
    for inner in branch.steps:
        yield from play.run(inner)


def _choose(
    play: Conversation, branches: tuple[Branch, ...]
) -> Generator[float | None, None, Branch]:
    firsts = [(branch, branch.steps[0]) for branch in branches]
    silent = [(branch, one) for branch, one in firsts if isinstance(one, Silence | InState)]
    heard = [(branch, one) for branch, one in firsts if isinstance(one, Expect)]
    latest = max((_latest(play, branch.steps[0]) for branch in branches), default=play.now)
    while True:
        for arrival in list(play.inbox):
            if silent and arrival.at > latest:
                return (yield from _by_state(play, silent, latest))
            for branch, first in heard:
                if arrival.conn == first.conn and not compare(play, first, arrival):
                    return branch
            if not play.allowance(arrival):
                _none_matches(play, heard, silent, arrival)
        if play.now >= latest:
            break
        yield latest
    if silent:
        return (yield from _by_state(play, silent, latest))
    told = tuple(_wanted(play, *one) for one in heard)
    raise Stopped(Failure("nothing came", told, timed=True))


def _by_state(
    play: Conversation, silent: list[_Silent], latest: float
) -> Generator[float | None, None, Branch]:
    """Nothing came: the first silence, or the first state that the target is in."""
    for branch, first in silent:
        if isinstance(first, Silence):
            # It ends when all others had their time: it is its length at least.
            play.ready = max(play.ready, latest - _length(play, first))
            return branch
        play.ready = max(play.ready, latest)  # a state is looked for then
        if len(silent) == 1:
            return branch
        sample = yield from read(play, first, play.ready)
        if same(first.value, sample.state):
            return branch
    return silent[0][0]


def _length(play: Conversation, silence: Silence) -> float:
    return float(silence.value.seconds(play.profile.unit))


def _latest(play: Conversation, first: Step) -> float:
    if isinstance(first, Silence):
        return play.ready + _length(play, first)
    if isinstance(first, InState):
        return play.ready
    return bounds(play, first)[1]


def _none_matches(
    play: Conversation, heard: list[_Heard], silent: list[_Silent], arrival: Arrival
) -> None:
    if silent and isinstance(silent[0][1], InState):
        return
    told = [_wanted(play, *one) for one in heard]
    told += [_quiet(first) for _, first in silent]
    text = play.text(arrival, window=True)
    raise Stopped(Failure("a segment came that no branch begins with", tuple(told), text))


def _wanted(play: Conversation, branch: Branch, first: Expect) -> str:
    within = f" within {print_bounds(first.within)}" if first.within else ""
    told = wanted(play, first) + within
    return f"{told} (permitted by {branch.permits})" if branch.permits else told


def _quiet(first: Silence | InState) -> str:
    if isinstance(first, Silence):
        return f"silence for {print_duration(first.value)}"
    return f"state {first.value}"
