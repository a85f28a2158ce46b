"""The target's own account of its states: the tracepoint sock:inet_sock_set_state.

Rules:

- One tracefs instance a run, named by pid, removed at the end; one that a killed run left is
  removed by the next. Where tracefs is not allowed there is simply no trace.
- All labs of a run share it and are told apart by their tester ports; runs by the tester's
  address, which is why each run on a machine has one of its own (:func:`claim_slot`).
- Its clock is "tai", CLOCK_REALTIME plus whole seconds: stamps need no calibration.

What the kernel traces is its own path, not the RFC's; :class:`Path` makes one of the other:

- SYN-RECEIVED of a passive open is a request socket, which is not traced. It is sampled by
  sock_diag after every SYN that the tester sent, until a full socket shows or it is gone; if the
  handshake was over sooner, the child's SYN_RECV -> ESTABLISHED implies it.
- TIME-WAIT, and FIN-WAIT-2 of a closed socket, are mini-sockets: the trace shows the full socket
  going to CLOSE. A sample right then tells which of them, or whether it is CLOSED in earnest; from
  there on samples, at every poll, tell how it goes on.
- An active open is traced before its port is chosen; its first segment gives the port.

A socket that outlives its lab as an orphan is traced when it ends, perhaps a minute later, under
ports that another lab has by then: a record of CLOSE counts only if the socket is gone.

What is not nice: a state of a request or mini-socket that comes and goes between two polls is
missed, and its stamp is that of the poll.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
import socket
import time
from collections.abc import Callable
from typing import Final, NamedTuple, NoReturn

from conformance.tcp.states import State

Key = tuple[int, int]  # target port, tester port

_ROOT: Final = "/sys/kernel/tracing"
_NAME: Final = "conformance-"
_NEWNS, _MS_REC, _MS_PRIVATE = 0x00020000, 0x4000, 0x40000
_CLOCK_TAI: Final = 11
_SLOTS: Final = 200
_TRIES: Final = 500  # a hundredth of a second apart
_YOUNG: Final = 60.0  # seconds
_MOST: Final = 1 << 20  # descriptors, where there is no limit
_SYN_WATCH: Final = 1.0  # so long after a SYN a request socket may show up
_LINE: Final = re.compile(
    rb" (?P<stamp>\d+\.\d+): inet_sock_set_state: family=AF_INET6? protocol=IPPROTO_TCP "
    rb"sport=(?P<sport>\d+) dport=(?P<dport>\d+) saddr=\S+ daddr=(?P<daddr>\S+) "
    rb"saddrv6=\S+ daddrv6=(?P<daddrv6>\S+) oldstate=TCP_(?P<old>\w+) newstate=TCP_(?P<new>\w+)"
)
_STATES: Final = {
    b"ESTABLISHED": State.ESTABLISHED,
    b"SYN_SENT": State.SYN_SENT,
    b"SYN_RECV": State.SYN_RECEIVED,
    b"FIN_WAIT1": State.FIN_WAIT_1,
    b"FIN_WAIT2": State.FIN_WAIT_2,
    b"TIME_WAIT": State.TIME_WAIT,
    b"CLOSE": State.CLOSED,
    b"CLOSE_WAIT": State.CLOSE_WAIT,
    b"LAST_ACK": State.LAST_ACK,
    b"LISTEN": State.LISTEN,
    b"CLOSING": State.CLOSING,
    b"NEW_SYN_RECV": State.SYN_RECEIVED,
}


# The netns server's half


def open_instance(libc: ctypes.CDLL) -> tuple[str, Keeper | None, list[int]]:
    """Make a tracing instance: what to say of it, who keeps it, and what to hand over.

    That is its pipe and an end of the keeper's line.
    """
    try:
        if not os.path.isdir(f"{_ROOT}/instances"):
            # Not mounted: mount it where nobody else sees it. Needs root, so refusal is normal.
            if libc.unshare(_NEWNS) or libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
                return f"no tracefs: {os.strerror(ctypes.get_errno())}", None, []
            if libc.mount(b"nodev", _ROOT.encode(), b"tracefs", 0, None):
                return f"no tracefs: {os.strerror(ctypes.get_errno())}", None, []
        _sweep()
        path = f"{_ROOT}/instances/{_NAME}{os.urandom(8).hex()}"
        os.mkdir(path)
    except OSError as error:
        return f"no tracefs: {error.strerror}", None, []
    keeper = Keeper(path)
    event = f"{path}/events/sock/inet_sock_set_state"
    try:
        _write(f"{path}/trace_clock", "tai")
        _write(f"{path}/buffer_percent", "0")  # wake a reader at the first event
        _write(f"{event}/filter", "protocol == 6 && dport != 0")
        pipe = os.open(f"{path}/trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        _write(f"{event}/enable", "1")
    except OSError as error:
        keeper.end()
        return f"no trace of states: {error.strerror}", None, []
    return "sock:inet_sock_set_state", keeper, [pipe, keeper.line]


class Keeper:
    """A process that removes the instance once nobody holds its line: however they ended.

    Netns server and harness hold it. Who kills both leaves it, for a moment.
    """

    def __init__(self, path: str) -> None:
        ours, self.line = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _keep(path, ours)
        os.close(ours)

    def end(self) -> None:
        """Let go of the line, and wait until the instance is gone."""
        os.close(self.line)
        os.waitpid(self.pid, 0)


def _keep(path: str, line: int) -> NoReturn:
    """The keeper's life. It holds nothing else: whoever waits for the end of a pipe is told it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.closerange(0, line)
    os.closerange(line + 1, most if most != resource.RLIM_INFINITY else _MOST)
    os.read(line, 1)  # ends when nobody holds the other end
    for _ in range(_TRIES):  # a harness that dies gives its pipe back a moment after the line
        with contextlib.suppress(OSError):
            os.rmdir(path)
        if not os.path.isdir(path):
            break
        time.sleep(0.01)
    os._exit(0)


def _sweep() -> None:
    """Remove what is left where even the keeper was killed.

    What anybody has open cannot be removed; what is young may be about to be opened.
    """
    for name in os.listdir(f"{_ROOT}/instances"):
        path = f"{_ROOT}/instances/{name}"
        with contextlib.suppress(OSError):
            if name.startswith(_NAME) and time.time() - os.stat(path).st_mtime > _YOUNG:
                os.rmdir(path)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# The harness's half


def claim_slot() -> tuple[int, socket.socket | None]:
    """A number that no other run on this machine has, and the socket that holds it."""
    for slot in range(_SLOTS):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0tcp-conformance-slot-{slot}")
        except OSError:
            claim.close()
        else:
            return slot, claim
    return 0, None


class TraceRecord(NamedTuple):
    """One line of the trace, the kernel's states as the RFC spells them.

    No dataclass: the process that makes namespaces imports this module, and need not import those.
    """

    at: float
    target_port: int
    tester_port: int
    old: State
    new: State


class Trace:
    """The pipe of this run's instance."""

    def __init__(self, pipe: int, tester_addresses: tuple[str, ...]) -> None:
        self._pipe = pipe
        self._rest = b""
        self._ours = frozenset(address.encode() for address in tester_addresses)
        self._offset = round(time.clock_gettime(_CLOCK_TAI) - time.time())
        self.lost = False

    def fileno(self) -> int:
        """For a selector."""
        return self._pipe

    def read(self) -> list[TraceRecord]:
        """What the kernel has traced since the last reading, in its order."""
        records = []
        while True:
            try:
                data = os.read(self._pipe, 65536)
            except BlockingIOError:
                break
            if not data:
                break
            *lines, self._rest = (self._rest + data).split(b"\n")
            records += [record for line in lines if (record := self._parse(line))]
        return records

    def _parse(self, line: bytes) -> TraceRecord | None:
        found = _LINE.search(line)
        if found is None:
            self.lost = self.lost or b"LOST" in line
            return None
        if self._ours.isdisjoint((found["daddr"], found["daddrv6"])):
            return None
        at = float(found["stamp"]) - self._offset
        old, new = _STATES.get(found["old"]), _STATES.get(found["new"])
        if old is None or new is None:
            return None
        return TraceRecord(at, int(found["sport"]), int(found["dport"]), old, new)

    def close(self) -> None:
        """Give the pipe back, so that the netns server can remove the instance."""
        if self._pipe >= 0:
            os.close(self._pipe)
        self._pipe = -1


Step = tuple[float, Key, State]  # a 4-tuple entered a state


class Path:
    """The RFC's path of every 4-tuple of one lab, out of records and samples."""

    def __init__(self, read_state: Callable[[int, int], State]) -> None:
        self._read_state = read_state
        self._told: dict[Key, State] = {}
        self._sampled: dict[Key, float] = {}  # not traced at present; since
        self._unbound: list[tuple[float, int]] = []  # active opens whose port is not known yet
        self._steps: list[Step] = []

    def sent_syn(self, target_port: int, tester_port: int, at: float) -> None:
        """The tester sent a SYN: a request socket may come of it."""
        self._sampled.setdefault((target_port, tester_port), at)

    def came(self, target_port: int, tester_port: int) -> None:
        """A segment of the target came: it gives an active open its port."""
        for at, port in self._unbound:
            if port == tester_port:
                self._unbound.remove((at, port))
                self._tell(at, (target_port, tester_port), State.SYN_SENT)
                return

    def sample(self) -> list[tuple[Key, State]]:
        """Samples of what the trace does not show, to be taken before the trace is read."""
        return [(key, self._read_state(*key)) for key in self._sampled]

    def advance(
        self, now: float, samples: list[tuple[Key, State]], records: list[TraceRecord]
    ) -> list[Step]:
        """The states entered since the last time; the trace goes before a sample."""
        traced = {(record.target_port, record.tester_port) for record in records}
        for key, state in samples:
            if key not in traced and key in self._sampled:
                self._judge(now, key, state)
        for record in records:
            self._follow(record)
        steps, self._steps = self._steps, []
        return steps

    def _tell(self, at: float, key: Key, state: State) -> None:
        if self._told.get(key, State.CLOSED) is not state:
            self._told[key] = state
            self._steps.append((at, key, state))

    def _judge(self, now: float, key: Key, state: State) -> None:
        told = self._told.get(key, State.CLOSED)
        if state is State.SYN_RECEIVED:
            self._tell(min(now, self._sampled[key]) if told is not state else now, key, state)
        elif state in (State.FIN_WAIT_2, State.TIME_WAIT):
            self._tell(now, key, state)
        elif state in (State.CLOSED, State.LISTEN):
            waiting = told is State.CLOSED and now - self._sampled[key] < _SYN_WATCH
            if not waiting:
                del self._sampled[key]
                self._tell(now, key, State.CLOSED)
        else:
            del self._sampled[key]  # a full socket: the trace shows it

    def _follow(self, record: TraceRecord) -> None:
        if not record.target_port:
            self._unbound.append((record.at, record.tester_port))
            return
        key = (record.target_port, record.tester_port)
        self.came(*key)
        if record.new is not State.CLOSED:
            if record.old is State.SYN_RECEIVED:
                self._tell(record.at, key, State.SYN_RECEIVED)
            self._sampled.pop(key, None)
            self._tell(record.at, key, record.new)
            return
        state = self._read_state(*key)
        if state in (State.FIN_WAIT_2, State.TIME_WAIT):
            self._sampled[key] = record.at
        elif state is self._told.get(key):
            return  # ours is still there: it was the orphan of a lab that had these ports before
        else:
            state = State.CLOSED
        self._tell(record.at, key, state)
