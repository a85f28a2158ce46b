"""The programs that the supervisor starts, as the harness sees them (see ``live.workers``).

Nothing here waits for a program that starts: its descriptors are there at once, and what is written
to it before it runs is read when it does.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance import processes
from conformance.errors import EnvironmentProblem, TargetError
from conformance.live.kernel.netns_client import unavailable
from conformance.live.workers.program_supervisor import ORDER

if TYPE_CHECKING:
    pass

DESCRIPTORS: Final = 5  # that a program costs the harness
ANSWER: Final = 10.0  # seconds for the supervisor to start, or to take an order
END: Final = 10.0  # seconds for the supervisor to end all programs, each of which has its grace
_HELD: Final = 1.0  # seconds that it may be stopped before that is taken for meant
_UNKNOWN: Final = "the process that started it is gone"
_BUFFER: Final = 1 << 20  # octets that a wire may hold each way


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started. ``plan``: netlink messages for a wire in a namespace of its own."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    wire: str = "fd"
    plan: Mapping[str, Sequence[str]] | None = None


@dataclass(slots=True)
class Program:
    """One program: the harness's ends. ``wire`` is None until a namespace's packet socket came."""

    stdin: int
    stdout: int
    stderr: int
    channel: socket.socket
    wire: socket.socket | None
    supervisor: Supervisor | None = None
    ended: str = ""  # how, in words
    never_began: bool = False
    closed: bool = False

    @property
    def by_itself(self) -> bool:
        """Whether it ran and has ended, as far as who watched it knows."""
        return bool(self.ended) and not self.never_began and self.ended != _UNKNOWN

    def listen(self) -> None:
        """Take what the channel tells: a wire, how the program ended, why it did not start."""
        while not self.ended:
            try:
                data, descriptors, _, _ = socket.recv_fds(self.channel, 4096, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            told = json.loads(data) if data else {"ended": _UNKNOWN}
            if descriptors:
                self.wire = socket.socket(fileno=descriptors[0])
            self.never_began = "error" in told
            self.ended = str(told.get("error") or told.get("ended") or "")

    def wait_for_wire(self, seconds: float) -> None:
        """Wait so long at most until its namespace is made."""
        self.wait(seconds, until=lambda: self.wire is not None)

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Wait so long at most until it has ended, or until this is so."""
        deadline = time.monotonic() + seconds
        while not self.ended and not until() and (left := deadline - time.monotonic()) > 0:
            poll = select.poll()
            poll.register(self.channel, select.POLLIN)
            poll.poll(1000 * left)
            self.listen()

    @property
    def unwatched(self) -> bool:
        """Whether the supervisor was stopped, which this asks for; it goes on then."""
        return self.supervisor is not None and self.supervisor.held()

    def kill(self) -> None:
        """Have it and its group killed now."""
        with contextlib.suppress(OSError):
            self.channel.send(b"kill")

    def close(self) -> None:
        """Let go: it gets the end of its stdin, then the supervisor sees to its end."""
        if not self.closed:
            self.closed = True
            for descriptor in (self.stdin, self.stdout, self.stderr):
                os.close(descriptor)
            self.channel.close()
            if self.wire is not None:
                self.wire.close()


class Supervisor:
    """The supervisor as the harness sees it."""

    def __init__(self, *, namespaces: bool = False) -> None:
        """Start it; EnvironmentProblem where the namespaces that are asked for cannot be had."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            server = "conformance.live.workers.program_supervisor"
            self._process = processes.isolated(server, theirs)
        self.was_held = False  # whether somebody had stopped it, and no case was told
        self._control.settimeout(ANSWER)
        try:
            self._control.send(json.dumps({"namespaces": namespaces}).encode())
            answer = self._control.recv(ORDER)
        except OSError as error:
            self.close()
            raise EnvironmentProblem(_DEAF if isinstance(error, TimeoutError) else _GONE) from None
        told: dict[str, Any] = json.loads(answer) if answer else {"error": _GONE}
        if "error" in told:
            self.close()
            raise unavailable(told["error"])
        self.facts: dict[str, str] = told["facts"]

    def start(self, order: Order) -> Program:
        """Have a program started; never waits for it."""
        self.was_held |= self.held()  # its orders would heap up
        written = _written(order, 5 if order.wire == "fd" else 4)
        ours, theirs = _pipes()
        channel, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        wire: socket.socket | None = None
        handed = [*theirs, far.fileno()]
        ends: list[socket.socket] = [far]
        if order.wire == "fd":
            wire, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for end in (wire, other):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            handed.append(other.fileno())
            ends.append(other)
        channel.setblocking(False)
        try:
            socket.send_fds(self._control, [written], handed)
        except OSError as error:
            for descriptor in ours:
                os.close(descriptor)
            for sock in filter(None, (channel, wire)):
                sock.close()
            raise TargetError(_DEAF if isinstance(error, TimeoutError) else _GONE) from error
        finally:
            for end in ends:
                end.close()
            for descriptor in theirs:
                os.close(descriptor)
        return Program(*ours, channel, wire, self)

    def held(self) -> bool:
        """Whether somebody had stopped it; it goes on now."""
        return processes.held(self._process, _HELD)

    def close(self) -> None:
        """End every program, then the supervisor; nothing is left."""
        self._control.close()
        processes.end(self._process, END)


_GONE: Final = "The process that starts the programs has ended."
_DEAF: Final = f"The process that starts the programs has not answered within {ANSWER:g} s."


def _written(order: Order, handed: int) -> bytes:
    """The order for the supervisor; TargetError where it is longer than a system takes."""
    fields = {
        "handed": handed,
        "command": order.command,
        "environment": {**os.environ, **order.environment},
        "directory": str(order.directory),
        "wire": order.wire,
        "plan": order.plan,
    }
    octets = json.dumps(fields).encode()
    if len(octets) > ORDER:
        raise TargetError(
            f"{order.command[0][:100]} cannot be started: its command and its environment are "
            f"longer than {ORDER} octets."
        )
    return octets


def _pipes() -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The harness's ends of stdin, stdout and stderr, which never block, and the program's."""
    (stdin, to), (of, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
    for descriptor in (to, of, err):
        os.set_blocking(descriptor, False)
    return (to, of, err), (stdin, stdout, stderr)
