"""A world in which waiting costs nothing: the clock jumps to whatever happens next.

One conversation, one stack, a network with a fixed delay between them. Everything happens in the
order of its time, and at one time in the order in which it was caused; a Tick comes last, because
it promises that all before it was told. A :class:`Tamper` stands between stack and conversation:
it is how a test changes what the target answers.

The stack is the reference, or any other whose clock is ours: it is :class:`AnyStack`. One that dies
does nothing more; what it had sent arrives, and then its death is told.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from conformance.case.icmp import ERRORS
from conformance.errors import Owner, TargetDied
from conformance.play import actions, events
from conformance.play.asides import MOST_NOTICED, Noticed
from conformance.play.conversation import Conversation
from conformance.play.verdict import Outcome, Verdict
from conformance.reference.machine import (
    HOST,
    Emitted,
    Output,
    Pending,
    Returned,
    Stack,
    StateEntered,
)
from conformance.tcp.addresses import OTHER
from conformance.tcp.ip import IpFields
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

DELAY: Final = 0.0001  # seconds, each way
EPOCH: Final = 1000.0
_MOST_EVENTS: Final = 200_000  # a conversation that never ends is an error of ours


@dataclass(frozen=True, slots=True)
class Framed:
    """A frame for the network; ``content`` is its segment, or says why there is none."""

    content: Segment | str
    frame: bytes


class AnyStack(Protocol):
    """A stack that the world can play. Times are seconds of the world's clock."""

    @property
    def next_timer(self) -> float | None:
        """When it has something to do by itself, or earlier; None: never."""

    def advance(self, now: float, limit: float) -> float:
        """Do what is due by ``now``, or go on until something came out, or until ``limit``.

        The time that was reached.
        """

    def frame(self, action: actions.SendSegment | actions.SendIcmp) -> bytes:
        """What stands on the wire; empty without a wire."""

    def arrive(self, action: actions.SendSegment, frame: bytes, now: float) -> None:
        """A segment of the tester reaches it."""

    def icmp(self, action: actions.SendIcmp, frame: bytes, now: float) -> None:
        """An ICMP error of the tester reaches it."""

    def call(self, number: int, name: str, args: Mapping[str, int | str], now: float) -> None:
        """A socket call."""

    def state(self, local_port: int, remote_port: int, now: float, peer: str) -> State:
        """The state of a pair of ports, where ``peer`` names it a third host's."""

    def set_option(self, name: str, value: str, now: float) -> None:
        """Change a setting; ValueError says why it could not be."""

    def outputs(self) -> Sequence[Output | Framed | Noticed]:
        """What came out since the last call of this, in order."""


class InProcess:
    """The reference as the world plays it."""

    def __init__(self, stack: Stack, *, six: bool) -> None:
        self._stack, self._six = stack, six
        self.call = stack.call

    @property
    def next_timer(self) -> float | None:
        return self._stack.next_timer

    def advance(self, now: float, limit: float) -> float:
        self._stack.advance(now)
        return now

    def frame(self, action: actions.SendSegment | actions.SendIcmp) -> bytes:
        return b""

    def arrive(self, action: actions.SendSegment, frame: bytes, now: float) -> None:
        segment = action.segment
        if _delivered(segment.ip, six=self._six):
            if segment.ip.sender == OTHER:
                ip = replace(segment.ip, sender="")
                segment = replace(segment, sport=segment.sport + HOST, ip=ip)
            self._stack.arrive(segment, now)

    def outputs(self) -> Sequence[Output | Framed]:
        found = self._stack.outputs()
        return [_addressed(one) if isinstance(one, Emitted) else one for one in found]

    def icmp(self, action: actions.SendIcmp, frame: bytes, now: float) -> None:
        pair = (action.type, action.code)
        kinds = (error.kind for error in ERRORS if (error.v6 if self._six else error.v4) == pair)
        ip = 6 if self._six else 4
        quoted = action.quoted
        if quoted.ip.receiver == OTHER:
            quoted = replace(quoted, dport=quoted.dport + HOST)
        self._stack.icmp(next(kinds, "soft"), quoted, now, action.value, ip)

    def state(self, local_port: int, remote_port: int, now: float, peer: str) -> State:
        return self._stack.state(local_port, remote_port + (HOST if peer == OTHER else 0))

    def set_option(self, name: str, value: str, now: float) -> None:
        self._stack.set_option(name, value)


def _addressed(output: Emitted) -> Emitted:
    """To the third host, which the reference knows by ports beyond the others."""
    segment = output.segment
    if segment.dport < HOST:
        return output
    ip = replace(segment.ip, receiver=OTHER)
    return Emitted(replace(segment, dport=segment.dport - HOST, ip=ip))


def _delivered(fields: IpFields, *, six: bool) -> bool:
    """Whether the IP layer of the reference hands a packet up.

    One whose length is wrong it does not: the rest is missing, or the checksum does not fit. Of
    IPv6 none whose fragments overlap (RFC 5722 section 4); RFC 791 puts those of IPv4 together.
    None that is addressed to somebody else (RFC 1122 section 3.2.1.3).
    """
    overlaps = six and fields.fragments is not None and fields.fragments.overlap > 0
    foreign = fields.receiver in ("loopback", "nobody")
    return not fields.length and not overlaps and not foreign


class Tamper:
    """Changes nothing; a test overrides what it wants to change."""

    def segment(self, segment: Segment, at: float) -> list[tuple[float, Segment]]:
        """What arrives instead of the target's segment, and when."""
        return [(at, segment)]

    def state(self, state: State, talk: Conversation) -> State:
        """What the tester reads instead of the target's state."""
        return state

    def transition(self, state: State) -> list[State]:
        """What the target reports instead of having entered ``state``."""
        return [state]

    def told(self, text: str, talk: Conversation) -> str:
        """What the target tells of itself by name instead of this."""
        return text

    def errno(self, errno: str) -> str:
        """What a call returns instead of this error (empty: of success)."""
        return errno


class World:
    """Plays one conversation to its end."""

    def __init__(
        self, conversation: Conversation, stack: Stack | AnyStack, tamper: Tamper | None = None
    ) -> None:
        self._conversation = conversation
        six = conversation.addressing.ip == 6
        self._stack: AnyStack = InProcess(stack, six=six) if isinstance(stack, Stack) else stack
        self._tamper = tamper or Tamper()
        self._now = EPOCH
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._called: dict[int, float] = {}
        self.dead = False  # whether the stack has died

    def run(self) -> Verdict:
        """Play to the verdict."""
        talk = self._conversation
        self._live(lambda: self._do(talk.start(self._now)))
        for _ in range(_MOST_EVENTS):
            if talk.verdict is not None:
                return talk.verdict
            self._live(self._next)
        talk.abandon(Outcome.ERROR, "the conversation does not end", Owner.HARNESS)
        assert talk.verdict is not None
        return talk.verdict

    def _live(self, do: Callable[[], None]) -> None:
        try:
            do()
        except TargetDied as died:
            self.dead = True
            self._collect()
            end = (died.death, died.how, died.words, str(died))
            self._later(self._now + DELAY, lambda: self._feed(events.Died(self._now, *end)))

    def _next(self) -> None:
        timer = None if self.dead else self._stack.next_timer
        wake = self._conversation.wake
        due = self._queue[0][0] if self._queue else None
        times = [at for at in (due, timer, wake) if at is not None]
        if not times:
            why = "nothing is left that could happen"
            self._conversation.abandon(Outcome.ERROR, why, Owner.HARNESS)
            return
        self._now = max(self._now, min(times))
        if due is not None and due <= self._now:
            heapq.heappop(self._queue)[2]()
        elif timer is not None and timer <= self._now:
            limit = min((at for at in (due, wake) if at is not None), default=timer)
            self._now = self._stack.advance(self._now, limit)
            self._collect()
        else:
            self._feed(events.Tick(self._now))

    def _later(self, at: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at, next(self._order), do))

    def _feed(self, event: events.Event) -> None:
        self._do(self._conversation.feed(event, self._now))

    def _tell(self, event: events.Event) -> None:
        self._later(self._now, lambda: self._feed(event))

    def _do(self, todo: list[actions.Action]) -> None:
        for action in todo:
            match action:
                case actions.ReadState() | actions.SetOption() if self.dead:
                    pass  # nobody answers
                case actions.SendSegment() | actions.SendIcmp():
                    frame = self._stack.frame(action)
                    self._tell(events.Sent(self._now, action.number, frame))
                    self._later(self._now + DELAY, lambda a=action, f=frame: self._deliver(a, f))  # type: ignore[misc]
                case actions.MakeCall():
                    # An agent is as far away as the network: what was sent before is there first.
                    self._later(self._now + DELAY, lambda a=action: self._call(a))  # type: ignore[misc]
                case actions.ReadState(number, target_port, tester_port, peer):
                    state = self._stack.state(target_port, tester_port, self._now, peer)
                    state = self._tamper.state(state, self._conversation)
                    self._tell(events.StateRead(self._now, number, state))
                case actions.SetOption():
                    self._set(action)

    def _set(self, action: actions.SetOption) -> None:
        error = ""
        try:
            if not action.raw:  # a sysctl of Linux: as in a case's head, the others are without
                self._stack.set_option(action.name, action.value, self._now)
        except ValueError as refused:
            error = str(refused)
        self._tell(events.OptionSet(self._now, action.number, error))

    def _call(self, action: actions.MakeCall) -> None:
        if self.dead:
            return
        self._called[action.number] = self._now
        self._stack.call(action.number, action.name, action.args, self._now)
        self._collect()

    def _deliver(self, action: actions.SendSegment | actions.SendIcmp, frame: bytes) -> None:
        if self.dead:
            return
        if isinstance(action, actions.SendSegment):
            self._stack.arrive(action, frame, self._now)
        else:
            self._stack.icmp(action, frame, self._now)
        self._collect()

    def _collect(self) -> None:
        for output in self._stack.outputs():
            match output:
                case Emitted(segment):
                    for at, changed in self._tamper.segment(segment, self._now + DELAY):
                        self._later(at, lambda s=changed: self._arrive(s))  # type: ignore[misc]
                case Framed(content, frame):
                    self._later(
                        self._now + DELAY,
                        lambda c=content, f=frame: self._arrive(c, f),  # type: ignore[misc]
                    )
                case Noticed(what=what):
                    self._notice(what)
                case Returned(number, value, errno, data, text):
                    started, errno = self._called[number], self._tamper.errno(errno)
                    said = (value, errno, data, self._told(text))
                    self._tell(events.CallReturned(self._now, number, started, *said))
                case Pending(number):
                    self._tell(events.CallPending(self._called[number], number))
                case StateEntered(local, remote, state) if remote:
                    for told in self._tamper.transition(state):
                        self._tell(events.StateReported(self._now, local, remote, told))

    def _notice(self, what: str) -> None:
        record = self._conversation.record
        if len(record.asides) < MOST_NOTICED:
            record.asides = (*record.asides, Noticed(self._now + DELAY, what))

    def _told(self, text: str) -> str:
        return self._tamper.told(text, self._conversation) if text else ""

    def _arrive(self, content: Segment | str, frame: bytes = b"") -> None:
        if isinstance(content, str):
            self._feed(events.Garbage(self._now, content, frame))
        else:
            self._feed(events.Arrived(self._now, content, frame))
