"""What else the kernel traces: why it dropped a segment, why it sent a reset, what it sent again.

Rules:

- A reset and a retransmission are traced with their ports. A dropped buffer is not, so it is known
  by who dropped it and when: what the tester sends is taken in before ``send`` is back, by the same
  thread. What the kernel put off (to ksoftirqd, to the backlog of a socket that is in a call) is
  not known then, and not told.
- That thread is told by the number that the kernel itself gives it, which need not be the one that
  a container gives it: a mark that this process writes into the trace bears it.
- Nothing of this is looked at before a case ends: the lines wait, and so do the times of the sends.
- Counters are read when the case has ended, from the namespace of its agent.
"""

from __future__ import annotations

import re
import socket
import struct
from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import Final, NamedTuple

from conformance.live.clock import now
from conformance.play.asides import Aside, CountersMoved, Dropped, ResetSent, Retransmitted

MARK: Final = "conformance sends from here"
_HEAD: Final = re.compile(rb"-(\d+) +\[\d+\] \S+ +(\d+\.\d+): (\w+): (.*)")
_DROP: Final = re.compile(rb"location=(\S+) reason: (\w+)")
_ENDS: Final = re.compile(rb"src=\[?([^\] ]+?)\]?:(\d+) dest=\[?([^\] ]+?)\]?:(\d+)")
_PORTS: Final = re.compile(
    rb"sport=(\d+) dport=(\d+) saddr=\S+ daddr=(\S+) saddrv6=\S+ daddrv6=(\S+)"
)
_REASON: Final = re.compile(rb" reason=(\w+)")
_PLACE: Final = re.compile(rb"([A-Za-z_][\w.]*)\+0x")
_STEP: Final = 0.000002  # seconds; a stamp has whole microseconds
_UNTOLD: Final = b"NOT_SPECIFIED"
# What never moves, or is no counter.
_NO_COUNTERS: Final = frozenset({"RtoAlgorithm", "RtoMin", "RtoMax", "MaxConn", "CurrEstab"})


class TracedAside(NamedTuple):
    """One line: whose it is, by the tester's port, or, of a drop, who dropped it."""

    aside: Aside
    tester_port: int = 0
    thread: int = 0


def parse(line: bytes, offset: float, ours: frozenset[bytes]) -> TracedAside | None:
    """A line of the trace; ``offset`` from its clock to ours, ``ours`` are tester's addresses."""
    found = _HEAD.search(line)
    if found is None:
        return None
    thread, stamp, name, rest = found.groups()
    at = float(stamp) - offset
    if name == b"kfree_skb":
        return _drop(rest, at, int(thread))
    port = _tester_port(rest, ours)
    if port is None:
        return None
    if name == b"tcp_send_reset":
        why = _REASON.search(rest)
        told = why[1].decode() if why and why[1] != _UNTOLD else ""
        return TracedAside(ResetSent(at, port, told), port)
    if name in (b"tcp_retransmit_skb", b"tcp_retransmit_synack"):
        return TracedAside(Retransmitted(at, port), port)
    return None


def marked(line: bytes) -> int | None:
    """The thread whose mark this line is."""
    found = _HEAD.search(line)
    return int(found[1]) if found and MARK.encode() in found[4] else None


def _drop(rest: bytes, at: float, thread: int) -> TracedAside | None:
    found = _DROP.search(rest)
    if found is None:
        return None
    place = _PLACE.match(found[1])
    where = place[1].decode() if place else ""
    return TracedAside(Dropped(at, 0.0, found[2].decode(), where), 0, thread)


def _tester_port(rest: bytes, ours: frozenset[bytes]) -> int | None:
    """A kernel that resets without a socket has source and destination as they came."""
    if ends := _ENDS.search(rest):
        for address, port in ((ends[3], ends[4]), (ends[1], ends[2])):
            if address in ours:
                return int(port)
    elif (ports := _PORTS.search(rest)) and not ours.isdisjoint((ports[3], ports[4])):
        return int(ports[2])
    return None


class Sends:
    """When each lab's segments were taken in; ``base`` is the first of its ports."""

    def __init__(self) -> None:
        self._sends: list[tuple[float, float, int, float]] = []  # in their order
        self.thread = 0  # of this process, as the kernel counts them

    def note(self, begun: float, ended: float, base: int, at: float) -> None:
        """A segment that bears the stamp ``at`` was being sent for so long."""
        self._sends.append((begun - _STEP, ended + _STEP, base, at))

    def __len__(self) -> int:
        return len(self._sends)

    def claim(self, told: TracedAside) -> tuple[int, Aside] | None:
        """Whose drop it is, and of which segment."""
        drop = told.aside
        if not isinstance(drop, Dropped) or told.thread != self.thread:
            return None
        last = bisect_right(self._sends, drop.at, key=itemgetter(0)) - 1
        if last < 0 or drop.at > self._sends[last][1]:
            return None
        _, _, base, at = self._sends[last]
        return base, Dropped(drop.at, at, drop.why, drop.where)

    def forget(self) -> None:
        """Everything that these have led to has been read."""
        self._sends.clear()


def counters(agent: socket.socket) -> Iterator[CountersMoved]:
    """The counters of the namespace that the agent is in, if they can be read."""
    credentials = agent.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    (pid, _, _) = struct.unpack("3i", credentials)
    found: dict[str, str] = {}
    for name in ("snmp", "netstat"):
        try:
            with open(f"/proc/{pid}/net/{name}", encoding="ascii") as file:
                text = file.read()
        except OSError:
            return  # the agent is gone
        found |= _moved(text)
    yield CountersMoved(now(), found)


def _moved(text: str) -> dict[str, str]:
    lines = [line.split() for line in text.splitlines()]
    return {
        name: value
        for names, values in zip(lines[::2], lines[1::2], strict=False)
        if names[0] in ("Tcp:", "TcpExt:")
        for name, value in zip(names[1:], values[1:], strict=False)
        if value != "0" and name not in _NO_COUNTERS
    }
