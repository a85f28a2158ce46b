"""What ``info`` and ``counters`` share: the target is asked until it tells what it should.

A step only looks, as ``state`` does: it takes no segment and is no cause. What is asked is asked
again until the bound, because a segment that has just left may not have been looked at yet. The
target answers with a text of ``name=value``; a name that is not there it has not got, and a case
that needs it cannot be played.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.case.step import Step
from conformance.errors import Owner
from conformance.play import actions
from conformance.play.conversation import Conversation, Flow
from conformance.play.events import CallReturned
from conformance.play.record import What
from conformance.play.verdict import Difference, Failure, Outcome, Stopped, too_early
from conformance.steps.expect import bounds

_FIRST_POLL: Final = 0.001
_SLOWEST_POLL: Final = 0.1

# What is told comes to this, each name with what is wanted and what it is; None: all is right.
Hold = Callable[[Mapping[str, str]], list[Difference]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of whom: a call of the agent's; ``names`` are those the answer must have."""

    call: str
    args: Mapping[str, int | str]
    names: tuple[str, ...]
    what: str  # of which the names are, for messages


def reach(play: Conversation, step: Step, question: Question, hold: Hold) -> Flow:
    """Ask until ``hold`` finds nothing wrong, or the bound has passed."""
    earliest, latest = bounds(play, step)
    pause, due = _FIRST_POLL, play.ready
    before = due
    while True:
        returned = yield from _ask(play, question, due)
        wrong = hold(_told(play, question, returned))
        if not wrong and returned.at >= earliest:
            play.late.noticed(before, returned.at)
            play.ready = returned.at
            return
        if not wrong:
            after = f"after {returned.at - play.cause:.3f}s"
            failure = Failure(f"{question.what} is so too early", (step.drawn,), after)
            raise Stopped(too_early(failure, returned.at, earliest, play.cause))
        if play.now >= latest:
            raise Stopped(_failure(wrong))
        before = returned.at
        due = min(play.now + pause, latest)
        yield due
        pause = min(pause * 2, _SLOWEST_POLL)


def _failure(wrong: list[Difference]) -> Failure:
    told = ", ".join(f"{one.field} is {one.actual}" for one in wrong)
    expected = ", ".join(f"{one.field}: {one.expected}" for one in wrong)
    actual = ", ".join(f"{one.field}: {one.actual}" for one in wrong)
    return Failure(told, (expected,), actual, timed=True)


def _ask(
    play: Conversation, question: Question, due: float
) -> Generator[float | None, None, CallReturned]:
    number = play.number(due)
    play.act(actions.MakeCall(number, question.call, question.args, due))
    returned = yield from play.answer(number, due + play.profile.patience + play.profile.grace)
    if not isinstance(returned, CallReturned):
        raise _broken(f"it does not tell {question.what}")
    if returned.errno:
        raise _broken(f"asked for {question.what} it answers {returned.errno}")
    return returned


def _told(play: Conversation, question: Question, returned: CallReturned) -> dict[str, str]:
    told = {}
    for word in returned.text.split():
        name, _, value = word.partition("=")
        told[name] = value
    missing = [name for name in question.names if name not in told]
    if missing:
        why = f"{play.profile.name} tells no {', '.join(missing)} of {question.what}"
        raise Stopped(Failure(why), Outcome.SKIPPED)
    return told


def whole(name: str, value: str) -> int:
    """The number that is told; else the target is broken."""
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        raise _broken(f"it tells {name}={value[:40]!r}, which is no number")
    return int(value)


def _broken(what: str) -> Stopped:
    return Stopped(Failure(f"the target: {what}"), Outcome.ERROR, Owner.TARGET)


def note(play: Conversation, step: Step, text: str) -> None:
    """What was told, in the ladder."""
    play.note(What.NOTE, text, step.conn, play.ready)
