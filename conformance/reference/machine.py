"""The reference TCP as one object: calls, segments, ICMP errors and time in; outputs out.

It does no I/O and owns no clock: ``now``, in seconds, comes with every event, and never runs back.
Timers that are due by then run first, in order, each at its own time. A remote end is its port; the
third host's are ``HOST`` beyond.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.reference.arrives import arrive
from conformance.reference.calls import CALLS
from conformance.reference.config import Config, changed
from conformance.reference.moves import fire
from conformance.reference.outputs import HOST, Emitted, Output, Pending, Returned, StateEntered
from conformance.reference.path import lower
from conformance.reference.sender import output
from conformance.reference.sockets import AppSockets
from conformance.reference.tcb import StackContext, Tcb
from conformance.reference.timers import expire, next_due
from conformance.reference.transitions import TABLE, Input, Table, rows
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff
from conformance.tcp.states import State


class Stack:
    """A TCP of one address; ``table`` may lack rows, and then the stack has that fault."""

    def __init__(self, config: Config, table: Table = TABLE) -> None:
        self._ctx = StackContext(config, rows(table))
        self._sockets = AppSockets(self._ctx, CALLS)

    def call(self, number: int, name: str, args: Mapping[str, int | str], now: float) -> None:
        """A socket call; Returned, or Pending and later Returned, repeats ``number``."""
        self.advance(now)
        self._sockets.call(number, name, args)
        self._settle()

    def arrive(self, segment: Segment, now: float) -> None:
        """A segment: its ``sport`` is the remote port, its ``dport`` ours."""
        self.advance(now)
        arrive(self._ctx, segment)
        self._settle()

    def icmp(self, kind: str, quoted: Segment, now: float, mtu: int = 0, ip: int = 4) -> None:
        """An ICMP error ("hard", "soft", "size") that quotes a segment of ours (3.9.2.2).

        ``mtu`` is what one of kind "size" reports, octets; ``ip`` is the version.
        """
        self.advance(now)
        tcb = self._ctx.tcbs.get((quoted.sport, quoted.dport))
        if tcb is not None and tcb.state is not State.TIME_WAIT and _in_flight(tcb, quoted):
            self._report(tcb, kind, mtu, ip)
            output(self._ctx, tcb)
        self._settle()

    def _report(self, tcb: Tcb, kind: str, mtu: int, ip: int) -> None:
        """MUST-56: a soft error never aborts, and is told to who asks for it (MUST-47, SHLD-20).

        SHLD-26: a hard one aborts before ESTABLISHED.
        """
        if kind == "size":
            lower(self._ctx, tcb, mtu, ip)
        elif kind == "hard" and tcb.state in (State.SYN_SENT, State.SYN_RECEIVED):
            fire(self._ctx, tcb, Input.HARD_ERROR)
        elif tcb.reports and tcb.established:
            tcb.error = "EHOSTUNREACH"

    def advance(self, now: float) -> None:
        """Run every timer that is due at or before ``now``, in order."""
        ctx = self._ctx
        while (due := next_due(ctx)) is not None and due[0] <= now:
            ctx.now = max(ctx.now, due[0])
            expire(ctx, due[1], due[2])
            self._settle()
        ctx.now = max(ctx.now, now)

    def _settle(self) -> None:
        if self._sockets.waiting:
            self._sockets.poll()

    @property
    def next_timer(self) -> float | None:
        """When :meth:`advance` has something to do, seconds; None: never by itself."""
        due = next_due(self._ctx)
        return due[0] if due else None

    def outputs(self) -> list[Output]:
        """What happened since the last call of this, in order."""
        done, self._ctx.outputs = self._ctx.outputs, []
        return done

    def state(self, local_port: int, remote_port: int) -> State:
        """The state of the pair's TCB; without one LISTEN if the port has a listener."""
        tcb = self._ctx.tcbs.get((local_port, remote_port))
        if tcb is not None:
            return tcb.state
        return State.LISTEN if local_port in self._ctx.listeners else State.CLOSED

    def tcb(self, local_port: int, remote_port: int) -> Tcb | None:
        """The pair's TCB, to look at."""
        return self._ctx.tcbs.get((local_port, remote_port))

    def set_option(self, name: str, value: str) -> None:
        """Change a setting by its abstract name; ValueError for a name or value that is none."""
        self._ctx.config = changed(self._ctx.config, name, value)


def _in_flight(tcb: Tcb, quoted: Segment) -> bool:
    """RFC 5927 4.1: an error about what is not outstanding is a forgery, or old."""
    return bool(tcb.unacked) and 0 <= diff(quoted.seq, tcb.snd_una) < diff(tcb.snd_nxt, tcb.snd_una)


__all__ = ["HOST", "Config", "Emitted", "Output", "Pending", "Returned", "Stack", "StateEntered"]
