"""A wire without a kernel behind it: what all labs of glue programs have in common.

Rules:

- A lab never waits. It begins while its program still starts: ``ready`` says when the case can be
  played, ``deadline`` by when something is due. No running case waits for another.
- Every event carries the stamp of its cause: the kernel's for frames.
- A flood is taken in pieces. While there is more, time is not told to the conversation: a Tick
  promises that all before it was told.
- What goes wrong is told as one :class:`Lost` or :class:`Died`, after all that came before it, or
  as ``lacks`` where the stack has not what the case asks for; then nothing more.
"""

from __future__ import annotations

import contextlib
import os
import select
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from conformance.errors import TargetDied, TargetError
from conformance.live.clock import now
from conformance.live.frames.arp_nd import Noise, Tester, told
from conformance.live.frames.codec import IcmpError
from conformance.live.glue.channel import FLOOD, MOST_FRAMES, GlueChannel, Wire, WireTrouble
from conformance.live.glue.program import Program
from conformance.live.loop import Playing
from conformance.play import actions
from conformance.play.asides import MOST_NOTICED, Aside, Noticed
from conformance.play.conversation import Conversation
from conformance.play.events import Arrived, Died, Event, Garbage, Lost
from conformance.play.verdict import Outcome
from conformance.tcp.segment import Segment


class FrameLab:
    """A wire without a kernel behind it."""

    def __init__(
        self, program: Program | None, glue: GlueChannel | None, wire: Wire | None, tester: Tester
    ) -> None:
        self._program, self._glue, self._wire, self._tester = program, glue, wire, tester
        self._epoll = select.epoll()
        self._events: list[Event] = []
        self._frames = 0
        self._noticed: list[Aside] = []
        self.lost = self._closed = False
        self.ready = False
        self.lacks = ""
        self._watch()

    def _watch(self) -> None:
        found = [self._wire.fileno()] if self._wire else []
        if self._program is not None:
            found += [self._program.stdout, self._program.stderr, self._program.channel.fileno()]
        for descriptor in found:
            self._epoll.register(descriptor, select.EPOLLIN)

    def _deaf(self, descriptor: int) -> None:
        """Nothing more will come here: it must not wake us again."""
        with contextlib.suppress(FileNotFoundError):
            self._epoll.unregister(descriptor)

    def filenos(self) -> list[int]:
        """One descriptor for all that the lab listens to: when it is readable, poll."""
        return [self._epoll.fileno()]

    @property
    def deadline(self) -> float | None:
        """By when something is due of it that the conversation does not know of."""
        return None

    @property
    def untold(self) -> bool:
        """Whether something happened here that no descriptor wakes anybody for."""
        return bool(self._events or self.lacks)

    @property
    def more(self) -> bool:
        """Whether frames that have come were not looked at yet."""
        return not self.lost and self._wire is not None and self._wire.more

    @abstractmethod
    def call(self, number: int, name: str, args: Mapping[str, int | str]) -> None:
        """Have a socket call made; ``poll`` tells what came of it."""

    def send(self, segment: Segment) -> tuple[float, bytes]:
        """Put a segment on the wire: when it left, and its last frame."""
        *before, frame = self._tester.codec.frames(segment)
        for fragment in before:
            self._put(fragment)
        return self._put(frame), frame

    def send_icmp(self, error: actions.SendIcmp) -> tuple[float, bytes]:
        """Send an ICMP error that quotes a segment of the target."""
        frame = self._tester.codec.icmp(error)
        return self._put(frame), frame

    def _put(self, frame: bytes) -> float:
        try:
            if self._wire is not None and not self.lost:
                return self._wire.send(frame)
        except WireTrouble as trouble:
            self._lose(self._trouble(str(trouble), gone=trouble.gone))
        return now()

    def poll(self) -> list[Event]:
        """Everything that has come, by its stamp; never waits."""
        if self._closed:
            return []
        try:
            self._look()
        except WireTrouble as trouble:
            self._lose(self._trouble(str(trouble), gone=trouble.gone))
        except TargetError as error:
            self._lose(error)
        events, self._events = self._events, []
        return sorted(events, key=lambda event: event.at)

    def _look(self) -> None:
        if self.lost:
            return
        if self._program is not None and self._wire is None:
            self._program.listen()
            if self._program.wire is not None:
                self._wire = Wire(self._program.wire)
                self._epoll.register(self._wire.fileno(), select.EPOLLIN)
        self._take_or_hear()  # before the case begins: what came until then is not of it
        self._listen()
        self._take_or_hear()  # what a call that has returned sent is there

    def _take_or_hear(self) -> None:
        try:
            self._take()
        except WireTrouble as trouble:
            if trouble.gone:  # what it said before
                self._listen()
            raise

    def _take(self) -> None:
        for at, frame in self._wire.take() if self._wire is not None else []:
            self._frame(at, frame)

    def _listen(self) -> None:
        """What the program says."""

    def _frame(self, at: float, frame: bytes) -> None:
        self._frames += 1
        if self._frames > MOST_FRAMES:
            raise WireTrouble(FLOOD)
        noise, answer = self._tester.neighbours.look(frame)
        if noise is not Noise.NONE and self.ready and len(self._noticed) < MOST_NOTICED:
            self._noticed.append(Noticed(at, told(frame)))
        if noise is Noise.ANSWERED and self._wire is not None:
            self._wire.send(answer)
        elif noise is Noise.HERE:
            self._here()
        elif noise is Noise.NONE:
            content = self._tester.codec.decode(frame)
            if isinstance(content, Segment):
                if self.ready:
                    self._segment(at, content, frame)
                else:
                    self._unready(content)
                return
            if not self.ready:
                return
            if isinstance(content, IcmpError):
                content = f"ICMP type {content.type} code {content.code}"
            self._events.append(Garbage(at, content, frame))

    def last_words(self) -> tuple[Aside, ...]:
        """What the target asked the link in this case."""
        return tuple(self._noticed)

    def _here(self) -> None:
        """The target has said that it is there."""

    def _unready(self, segment: Segment) -> None:
        """A segment came before the case has begun: of the one before it, or an answer."""

    def _segment(self, at: float, segment: Segment, frame: bytes) -> None:
        self._events.append(Arrived(at, segment, frame))

    def overdue(self) -> None:
        """The deadline has passed."""

    def _trouble(self, what: str, *, gone: bool = False, hung: bool = False) -> TargetError:
        """What happened, with all that is known of the program."""
        if self._glue is None:
            return TargetError(f"The target: {what}.")
        try:
            self._glue.fail(what, gone=gone, hung=hung)
        except TargetError as error:
            return error

    def _lose(self, error: TargetError) -> None:
        if self.lost:
            return
        if isinstance(error, TargetDied):
            with contextlib.suppress(WireTrouble):  # what it sent before
                self._take()
            died = Died(now(), error.death, error.how, error.words, str(error))
            self._events.append(died)
        else:
            self._events.append(Lost(now(), str(error)))
        self.lost = True

    def close(self) -> None:
        """Give everything back; what the program is, its owner sees to."""
        if not self._closed:
            self._closed = True
            self._epoll.close()


class FramePlaying(Playing):
    """One conversation in such a lab."""

    lab: FrameLab

    def __init__(self, talk: Conversation, lab: FrameLab, name: str) -> None:
        super().__init__(talk, lab)
        self._name = name
        self._begun = False

    def start(self) -> None:
        """Begin when the program is ready."""
        self.pump()

    @property
    def wake(self) -> float | None:
        if self.lab.untold:
            return 0.0
        times = [at for at in (self.talk.wake, self.lab.deadline) if at is not None]
        return min(times, default=None)

    def pump(self) -> None:
        """Feed all that has come, then the time, if all that came before it was told."""
        time = now()
        found = self.lab.poll()
        deadline = self.lab.deadline
        if deadline is not None and deadline <= time and not self.lab.more and not found:
            self.lab.overdue()
            found = self.lab.poll()
        if self.lab.lacks:
            self.talk.abandon(Outcome.SKIPPED, f"{self._name} {self.lab.lacks}")
            return
        if not self._begun:
            for event in found:
                if isinstance(event, Lost | Died):
                    self.talk.abandon(Outcome.ERROR, event.reason, event.owner)
                    return
            if not self.lab.ready:
                return
            self._begun = True
            super().start()
        self._feed(found, None if self.lab.more else time)


class ProgramSource:
    """What the loop asks of who makes labs; programs start by themselves, one is always there."""

    def __init__(
        self, ports: Sequence[int], ahead: Callable[[int], None], room: Callable[[], bool]
    ) -> None:
        """``ahead`` has so many programs started; ``room``: whether one more may be starting."""
        self.ports = deque(ports)
        self.told: set[int] = set()
        self.prepare = ahead
        self._room = room
        self._always, self._never = os.eventfd(1), os.eventfd(0)

    def filenos(self) -> list[int]:
        """Nothing beside the labs is listened to."""
        return []

    def openable(self) -> int:
        """Readable as long as there is room for one more program that starts."""
        return self._always if self._room() else self._never

    def poll(self) -> set[int]:
        """No lab hears of another."""
        return self.told

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._always)
        os.close(self._never)
