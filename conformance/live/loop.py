"""One loop that drives many conversations at once, each in a lab of its own.

Rules:

- An event is fed at the time it is stamped with, in order; a Tick is fed last, with the time read
  *before* the labs were drained. So a bound is judged by when a thing happened, never by when
  this process woke.
- The loop never spins: it sleeps in the selector until something comes or the next bound is due.
- A lab is opened only once its namespaces are there, and at most one between two looks at the
  others: no running case waits for another to begin.
- When an action left late the loop runs a quarter fewer cases at once, and one more after each
  that was in time: how many the machine can hold is found out, not guessed. A few it always can,
  for cases mostly wait; the next one shall not wait for the end of a long one.
"""

from __future__ import annotations

import gc
import select
import selectors
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from conformance.errors import CaseError, TargetError
from conformance.live.clock import now
from conformance.live.kernel.lab import KernelLab
from conformance.play import actions, events
from conformance.play.asides import Aside
from conformance.play.conversation import Conversation
from conformance.play.record import Record
from conformance.tcp.segment import Segment

_CALM: Final = 0.05  # seconds in which nothing is due: somebody may look on
_LOOK: Final = 0.5  # seconds between two looks
_SLEPT_THROUGH: Final = 1.0  # seconds; of a longer sleep 0.9 first, then it is looked again
_AHEAD: Final = 4  # labs that are made before they are asked for
_FEWEST: Final = 4  # cases at once, however late one was
_TRACE: Final = -1  # in the selector, beside the ports that stand for labs
_OPENABLE: Final = -2
BARREN: Final = 10.0  # seconds of wall time without a lab where nothing else goes on
_TOO_HIGH: Final = 1024  # FD_SETSIZE: what select() can hold

Settings = Callable[[str, str], Mapping[str, str]]


class Surroundings(Protocol):
    """What the loop needs of a lab; :class:`.kernel.lab.KernelLab` says what each means."""

    def filenos(self) -> list[int]: ...
    def send(self, segment: Segment) -> tuple[float, bytes]: ...
    def send_icmp(self, error: actions.SendIcmp) -> tuple[float, bytes]: ...
    def call(self, number: int, name: str, args: Mapping[str, int | str]) -> None: ...
    def poll(self) -> list[events.Event]: ...
    def last_words(self) -> tuple[Aside, ...]: ...
    def close(self) -> None: ...


class LabSource(Protocol):
    """What the loop needs of who makes labs; see :class:`.kernel.lab.KernelLabs`."""

    ports: deque[int]
    told: set[int]

    def prepare(self, count: int, /) -> None: ...
    def openable(self) -> int: ...
    def filenos(self) -> list[int]: ...
    def poll(self) -> set[int]: ...


class Playing(ABC):
    """One conversation in its lab."""

    def __init__(self, talk: Conversation, lab: Surroundings) -> None:
        self.talk = talk
        self.lab: Surroundings = lab

    @property
    def wake(self) -> float | None:
        """When it has to be looked at though nothing came."""
        return self.talk.wake

    def start(self) -> None:
        """Begin, and do what the first steps ask for."""
        self._do(self.talk.start(now()))

    def pump(self) -> None:
        """Feed all that has come, then the time."""
        time = now()
        self._feed(self.lab.poll(), time)

    def end(self) -> None:
        """It has its verdict: give the lab back, once it has said what it saw beside."""
        self.talk.record.asides = self.lab.last_words()
        self.lab.close()

    def _feed(self, found: list[events.Event], time: float | None) -> None:
        """These events, then the time; None while not all that came before it is known."""
        for event in found:
            self._do(self.talk.feed(event, event.at))
        wake = self.talk.wake
        if wake is not None and time is not None and wake <= time:
            self._do(self.talk.feed(events.Tick(time), time))

    def _do(self, todo: list[actions.Action]) -> None:
        queue = deque(todo)
        while queue:
            event = self._one(queue.popleft())
            if event is not None:
                queue.extend(self.talk.feed(event, event.at))

    def _one(self, action: actions.Action) -> events.Event | None:
        """Do one action; the event that answers it at once, if one does."""
        try:
            match action:
                case actions.SendSegment(number, segment):
                    at, frame = self.lab.send(segment)
                    return events.Sent(at, number, frame)
                case actions.SendIcmp():
                    at, frame = self.lab.send_icmp(action)
                    return events.Sent(at, action.number, frame)
                case actions.MakeCall(number, name, args):
                    self.lab.call(number, name, args)
                    return None
                case actions.ReadState():
                    return self._read(action)
                case actions.SetOption():
                    return self._set(action)
        except CaseError as error:
            return events.Lost(now(), f"the case is wrong: {error}", error.owner)
        except (OSError, TargetError) as error:
            return events.Lost(now(), f"the lab is gone: {error}")

    @abstractmethod
    def _read(self, action: actions.ReadState) -> events.Event | None:
        """Read a state; None when the lab will tell it."""

    @abstractmethod
    def _set(self, action: actions.SetOption) -> events.Event | None:
        """Change a setting; None when the lab will tell what came of it."""


class KernelPlaying(Playing):
    """One conversation in a lab of the running kernel."""

    lab: KernelLab

    def __init__(self, talk: Conversation, lab: KernelLab, settings: Settings) -> None:
        super().__init__(talk, lab)
        self._settings = settings

    def _read(self, action: actions.ReadState) -> events.Event:
        state = self.lab.read_state(action.target_port, action.tester_port, action.peer)
        return events.StateRead(now(), action.number, state)

    def _set(self, action: actions.SetOption) -> events.Event:
        settings = (
            {action.name: action.value} if action.raw else self._settings(action.name, action.value)
        )
        error = ""
        for name, value in settings.items():
            reason = self.lab.set_sysctl(name, value)
            if reason:
                error = f"{name}: {reason}"
                break
        return events.OptionSet(now(), action.number, error)


Opener = Callable[[int], Playing | Record]
Watch = Callable[[Sequence[Conversation]], None]


class LabLoop:
    """Drives what it is given; one loop a run."""

    def __init__(self, source: LabSource, at_once: int, watch: Watch | None = None) -> None:
        """``watch`` is shown what is being played, now and then, while nothing else is due."""
        self._watch, self._looked = watch, 0.0
        self._source = source
        self._limit = self._most = max(1, at_once)
        self._fewest = min(_FEWEST, self._most)
        self._selector = selectors.DefaultSelector()
        self._live: dict[int, Playing] = {}  # by the first of their tester ports
        self._ports = source.ports
        for descriptor in source.filenos():
            self._selector.register(descriptor, selectors.EVENT_READ, _TRACE)

    def run(self, openers: Sequence[Opener], ended: Callable[[Record], None]) -> None:
        """Open and play everything, in order; ``ended`` is told of each, as it ends.

        An opener is called with the first of the tester ports that are its own, and opens one
        lab.
        """
        waiting = deque(openers)
        self._source.prepare(min(len(waiting), _AHEAD))
        born_at = time.monotonic()
        with _no_pauses():
            try:
                while waiting or self._live:
                    room = bool(waiting and self._ports) and len(self._live) < self._limit
                    busy = bool(self._live)  # a turn may last for minutes, and end the last case
                    openable = self._turn(ended, room)
                    if openable or self._live or busy:
                        born_at = time.monotonic()
                    elif time.monotonic() - born_at > BARREN:
                        raise TargetError(f"No case can begin: no lab comes within {BARREN:g} s.")
                    if room and openable:
                        if len(waiting) > _AHEAD:
                            self._source.prepare(1)
                        self._open(waiting.popleft(), ended)
            finally:
                for port, live in self._live.items():
                    live.lab.close()
                    self._ports.append(port)
                self._live.clear()
                self._selector.close()

    def _open(self, opener: Opener, ended: Callable[[Record], None]) -> None:
        port = self._ports.popleft()
        live = opener(port)
        if isinstance(live, Record):
            self._ports.appendleft(port)
            ended(live)
            return
        self._live[port] = live
        for descriptor in live.lab.filenos():
            self._selector.register(descriptor, selectors.EVENT_READ, port)
        live.start()
        self._settle(port, ended)

    def _turn(self, ended: Callable[[Record], None], room: bool) -> bool:
        """Wait for the next thing to happen, serve whoever it happened to; is a lab ready?"""
        openable = self._source.openable()
        if room:
            self._selector.register(openable, selectors.EVENT_READ, _OPENABLE)
        wakes = [wake for live in self._live.values() if (wake := live.wake) is not None]
        pause = min(wakes, default=now() + _SLEPT_THROUGH) - now()
        nap = 0.0 if self._source.told else _nap(pause)
        ready = _select(self._selector, self._shown(nap) if self._watch else nap)
        if room:
            self._selector.unregister(openable)
        touched = {key.data for key, _ in ready}
        # One lab's look at the trace brings the records of others, too. Each lab looks itself.
        touched |= self._source.poll() if _TRACE in touched else self._source.told
        read = now()
        for port, live in list(self._live.items()):
            wake = live.wake
            if port in touched or (wake is not None and wake <= read):
                live.pump()
                self._settle(port, ended)
        return _OPENABLE in touched

    def _shown(self, nap: float) -> float:
        """Let somebody look on, if it is time and there is time; how long to sleep then."""
        at = time.monotonic()
        if self._watch and nap > _CALM and at - self._looked >= _LOOK:
            self._looked = at
            self._watch([live.talk for live in self._live.values()])
            return max(0.0, min(nap - (time.monotonic() - at), _LOOK))
        return min(nap, _LOOK)

    def _settle(self, port: int, ended: Callable[[Record], None]) -> None:
        live = self._live[port]
        verdict = live.talk.verdict
        if verdict is None:
            return
        for descriptor in live.lab.filenos():
            self._selector.unregister(descriptor)
        live.end()
        del self._live[port]
        self._ports.append(port)
        if verdict.lateness > verdict.allowed / 2:
            self._limit = max(self._fewest, min(self._limit, len(self._live)) * 3 // 4)
        elif self._limit < self._most:
            self._limit += 1
        live.talk.forget()
        ended(live.talk.record)


def _select(
    selector: selectors.BaseSelector, pause: float
) -> list[tuple[selectors.SelectorKey, int]]:
    """What is ready within ``pause`` seconds.

    Python's epoll rounds a timeout up to whole milliseconds, as late as an answer may be on
    average. ``select`` does not, and can wait for the epoll descriptor itself; for numbers that it
    cannot hold the rounding stays.
    """
    descriptor = selector.fileno() if isinstance(selector, selectors.EpollSelector) else _TOO_HIGH
    if pause > 0 and descriptor < _TOO_HIGH:
        select.select([descriptor], [], [], pause)
        pause = 0.0
    return selector.select(pause)


def _nap(pause: float) -> float:
    """How long to sleep at once, seconds, when there is nothing to do for so long.

    The selector does not keep the harness's clock, which may be slewed while it sleeps; hours of
    virtual time are slept in a few steps all the same.
    """
    return max(0.0, min(pause, max(_SLEPT_THROUGH, 0.9 * pause)))


@contextmanager
def _no_pauses() -> Iterator[None]:
    """No garbage collection while cases run: a full one takes longer than an answer may."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
