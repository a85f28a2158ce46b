"""``state: TIME-WAIT``: the target gets there; ``for:`` it stays; ``via:`` the way it took.

A state is sampled by 4-tuple, so no descriptor is needed. CLOSED means that no TCB is left: a
listener on the same port is another socket, so LISTEN counts as CLOSED, and only ``state:
LISTEN`` asks for the listener. ``for`` counts from the cause of the step, the last thing that
was sent, called or received: whatever restarted the target's timer.

Where nobody can tell a state it is taken for granted and counted, and the verdict says so: the
segments around it are judged all the same. (A case in which more hangs on it than a look is not
played there, see :mod:`conformance.play.needs`.)
"""

from __future__ import annotations

from collections.abc import Generator

from conformance.case.verbs.state import InState
from conformance.play.conversation import Conversation, Flow
from conformance.play.events import StateRead
from conformance.play.profile import Ability
from conformance.play.record import What
from conformance.play.timing import stayed, timed
from conformance.play.verdict import Failure, Stopped, too_early
from conformance.steps.expect import bounds
from conformance.tcp.states import State

_FIRST_POLL = 0.001
_SLOWEST_POLL = 0.1
_ROUNDING = 1e-6  # a sample so near the end is the end: sums of fractions do not meet it
_SAMPLES = 60  # of one ``for``; a target that can, reports each transition besides


def run(play: Conversation, step: InState) -> Flow:
    """Wait for the state, then hold it to its way and to its duration."""
    earliest, latest = bounds(play, step)
    lasts = step.lasting
    end = play.cause + play.profile.least(lasts) if lasts else None
    if Ability.STATE not in play.profile.abilities:
        yield from _grant(play, step, end)
    else:
        yield from _reach(play, step, earliest, latest)
        if step.via:
            yield from _way(play, step, latest)
        if end is not None:
            yield from _stay(play, step, end)
    if step.value in (State.CLOSED, State.TIME_WAIT):
        play.conn(step.conn).closed = True


def _grant(play: Conversation, step: InState, end: float | None) -> Flow:
    """Nobody can read it; that nothing comes while it lasts can be seen all the same."""
    play.unread += 1
    play.note(What.NOTE, f"{step.value}, which nobody can read", step.conn)
    if end is not None:
        yield from play.quiet(end)
        play.caused(end)


def same(wanted: State, found: State) -> bool:
    """Whether a sample is the state; no TCB is CLOSED, listener or not."""
    return found is wanted or (wanted is State.CLOSED and found is State.LISTEN)


def read(play: Conversation, step: InState, due: float) -> Generator[float | None, None, StateRead]:
    """A sample of the state of the step's connection, due at ``due``."""
    number = play.read_state(play.conn(step.conn), due)
    answer = yield from play.answer(number)
    assert isinstance(answer, StateRead)
    return answer


def _reach(play: Conversation, step: InState, earliest: float, latest: float) -> Flow:
    pause, due = _FIRST_POLL, play.ready
    before = due
    while True:
        sample = yield from read(play, step, due)
        if same(step.value, sample.state) and sample.at >= earliest:
            play.late.noticed(before, sample.at)
            timed(play, step, sample.at, earliest, latest)
            play.ready = sample.at
            return
        if same(step.value, sample.state) or play.now >= latest:
            early = sample.at if same(step.value, sample.state) else None
            timed(play, step, early, earliest, latest)
            _missed(play, step, sample, earliest)
        before = sample.at
        # Poll ever more slowly, but for the last time at the bound itself.
        due = min(play.now + pause, latest)
        yield due
        pause = min(pause * 2, _SLOWEST_POLL)


def _missed(play: Conversation, step: InState, sample: StateRead, earliest: float) -> None:
    after = f"{sample.at - play.cause:.3f}s after its cause"
    if same(step.value, sample.state):
        message = f"{step.value} was reached too early, {after}"
        expected = f"{step.value} not before {earliest - play.cause:.3f}s"
        failure = Failure(message, (expected,), str(sample.state))
        failure = too_early(failure, sample.at, earliest, play.cause)
    else:
        message, expected = f"the state is {sample.state}, {after}", str(step.value)
        failure = Failure(message, (expected,), str(sample.state), timed=True)
    raise Stopped(failure)


def _way(play: Conversation, step: InState, latest: float) -> Flow:
    """The path of states must end in ``via`` and the state itself, with nothing between."""
    way = [*step.via, step.value]
    conn = play.conn(step.conn)
    # A target that reports its transitions may report the last one after the sample.
    while not same(step.value, (conn.path or [State.CLOSED])[-1]) and play.now < latest:
        yield latest
    ended = conn.path[-len(way) :]
    if len(ended) != len(way) or not all(same(x, y) for x, y in zip(way, ended, strict=True)):
        shown = " ".join(conn.path[-len(way) - 1 :]) or "none"
        raise Stopped(
            Failure("it went another way", (" ".join(way),), shown),
        )


def _stay(play: Conversation, step: InState, until: float) -> Flow:
    """Sample all the while; what comes meanwhile must be allowed."""
    pause = max((until - play.now) / _SAMPLES, _FIRST_POLL)
    while True:
        due = play.now + pause
        due = due if due < until - _ROUNDING else until
        yield from play.quiet(due, until)
        if play.now >= until:
            if due < until:
                play.late.was_due(due, play.now)  # a sample that was never taken
            # The timer may end exactly now: the sample before this one was the last to count.
            stayed(play, step, until, until)
            play.caused(until)
            return
        sample = yield from read(play, step, due)
        if not same(step.value, sample.state):
            stayed(play, step, sample.at, until)
            told = f"{sample.state} after {sample.at - play.cause:.3f}s"
            wanted = f"{step.value} for {until - play.cause:.3f}s"
            slack = until - sample.at
            raise Stopped(Failure("the state did not last", (wanted,), told, slack=slack))
