"""What the live lab tests share: a source of labs or a reason to skip, and a hand on the wire."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TypeVar

import pytest

from conformance.errors import EnvironmentProblem
from conformance.live.kernel.lab import PORTS, KernelLab, KernelLabs
from conformance.play.events import Arrived, CallPending, CallReturned, Event, StateReported
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

_E = TypeVar("_E")

BOUND = 60.0  # seconds; nothing here takes a hundredth of it, but on a machine that is busy
_bases = count(PORTS * 160, PORTS)
_numbers = count(1)


def open_source(*, trace: bool = True) -> Iterator[KernelLabs]:
    """A source of labs for a fixture, or a skip that says why there is none."""
    try:
        source = KernelLabs(trace=trace)
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))
    try:
        yield source
    finally:
        source.close()


class Hand:
    """Plays the peer by hand."""

    def __init__(self, source: KernelLabs, lab: KernelLab) -> None:
        self.source, self.lab = source, lab
        self.seen: list[Event] = []
        self._fresh: list[Event] = []  # nobody has waited for these yet
        self.seq, self.ack, self.tester_port, self.target_port = 1000, 0, lab.tester_port_base, 4000

    def until(self, kind: type[_E], fits: Callable[[_E], bool] = lambda _: True) -> _E:
        """The next event of this kind that nobody has waited for; those before it are skipped."""
        deadline = time.monotonic() + BOUND
        while True:
            for at, event in enumerate(self._fresh):
                if isinstance(event, kind) and fits(event):
                    before = [other for other in self._fresh[:at] if not isinstance(other, kind)]
                    self._fresh = before + self._fresh[at + 1 :]
                    return event
            assert time.monotonic() < deadline, f"no {kind.__name__} in time"
            select.select(self.lab.filenos() + self.source.filenos(), [], [], 0.05)
            self.look()

    def look(self) -> None:
        """Take what has come."""
        events = self.lab.poll()
        self.seen += events
        self._fresh += events

    def reaches(self, state: State) -> None:
        """The tuple gets to the state, by samples."""
        deadline = time.monotonic() + BOUND
        while (now := self.lab.read_state(self.target_port, self.tester_port)) is not state:
            assert time.monotonic() < deadline, f"{now}, not {state}"
            self.look()

    def path(self) -> list[State]:
        """The transitions of the tuple so far."""
        ours = (self.target_port, self.tester_port)
        return [
            event.state
            for event in self.seen
            if isinstance(event, StateReported) and (event.target_port, event.tester_port) == ours
        ]

    def gets_to(self, path: list[State]) -> None:
        """The whole path, as it was traced; nothing to say where there is no trace."""
        deadline = time.monotonic() + BOUND
        while self.lab.traced and self.path() != path and time.monotonic() < deadline:
            select.select(self.source.filenos(), [], [], 0.01)
            self.look()
        assert not self.lab.traced or self.path() == path

    def start(self, name: str, /, **args: int | str) -> int:
        number = next(_numbers)
        self.lab.call(number, name, args)
        return number

    def call(self, name: str, /, **args: int | str) -> CallReturned:
        number = self.start(name, **args)
        return self.until(CallReturned, lambda event: event.number == number)

    def pending(self, name: str, /, **args: int | str) -> int:
        number = self.start(name, **args)
        self.until(CallPending, lambda event: event.number == number)
        return number

    def returned(self, number: int) -> CallReturned:
        return self.until(CallReturned, lambda event: event.number == number)

    def send(self, flags: Flags, payload: bytes = b"") -> float:
        """A segment in sequence; the numbers move on."""
        ack = self.ack if Flags.ACK in flags else 0
        segment = Segment(
            self.tester_port, self.target_port, flags, self.seq, ack, 60000, payload=payload
        )
        self.seq += segment.length
        return self.lab.send(segment)[0]

    def receive(self, flags: Flags) -> Segment:
        """The next segment with all of these flags."""
        arrived = self.until(Arrived, lambda event: event.segment.has(flags))
        self.ack = arrived.segment.end
        return arrived.segment

    def listen(self) -> int:
        return self.call("listen", port=self.target_port).value

    def established(self) -> int:
        """Through the handshake; the handle of the target's socket."""
        accept = self.start("accept", socket=self.listen())
        self.send(Flags.SYN)
        self.receive(Flags.SYN | Flags.ACK)
        self.send(Flags.ACK)
        return self.returned(accept).value

    def connecting(self) -> int:
        """The target has sent its SYN; the number of its pending connect."""
        number = self.start("connect", port=self.tester_port)
        self.target_port = self.receive(Flags.SYN).sport
        return number


@contextmanager
def opened(source: KernelLabs, ip: int = 4, **sysctls: str) -> Iterator[Hand]:
    """A lab and a hand on it; sysctls by their last name."""
    settings = {f"net.ipv4.{name}": value for name, value in sysctls.items()}
    lab = source.open(ip=ip, sysctls=settings, tester_port_base=next(_bases))
    try:
        yield Hand(source, lab)
    finally:
        lab.close()
