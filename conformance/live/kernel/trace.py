"""The target's own account of its states: the tracepoint sock:inet_sock_set_state.

What else the kernel traces (:mod:`.reasons`) comes by the same pipe.

Rules:

- One tracefs instance a run (``workers.trace_keeper`` makes and removes it). Where tracefs is not
  allowed there is simply no trace.
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

import os
import re
import socket
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from conformance.live.kernel import reasons
from conformance.tcp.states import State

Key = tuple[int, int]  # target port, tester port

_CLOCK_TAI: Final = 11
_SLOTS: Final = 200
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
    """One line of the trace, the kernel's states as the RFC spells them."""

    at: float
    target_port: int
    tester_port: int
    old: State
    new: State


class Trace:
    """The pipe of this run's instance."""

    def __init__(self, pipe: int, tester_addresses: tuple[str, ...], mark: int = -1) -> None:
        """``mark``: where this process says in the trace who it is; given back at once."""
        if mark >= 0:
            os.write(mark, reasons.MARK.encode())
            os.close(mark)
        self._pipe = pipe
        self._rest = b""
        self._ours = frozenset(address.encode() for address in tester_addresses)
        self._offset = round(time.clock_gettime(_CLOCK_TAI) - time.time())
        self.lost = False
        self.thread = 0  # this one, as the kernel counts
        self._beside: list[bytes] = []  # what else was read, until somebody asks for it

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
            self._beside.append(line)
            return None
        if self._ours.isdisjoint((found["daddr"], found["daddrv6"])):
            return None
        at = float(found["stamp"]) - self._offset
        old, new = _STATES.get(found["old"]), _STATES.get(found["new"])
        if old is None or new is None:
            return None
        return TraceRecord(at, int(found["sport"]), int(found["dport"]), old, new)

    @property
    def beside(self) -> int:
        """How many lines wait that are no change of a state."""
        return len(self._beside)

    def told(self) -> list[reasons.TracedAside]:
        """What the kernel said in them; a step that waits for an answer does not wait for this."""
        lines, self._beside = self._beside, []
        told = []
        for line in lines:
            if one := reasons.parse(line, self._offset, self._ours):
                told.append(one)
            elif thread := reasons.marked(line):
                self.thread = thread
        return told

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
