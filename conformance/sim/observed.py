"""What a play brought the reference into: each event, by the row and column of section 3.10.

A case claims rows of it (``verifies: [rfc9293/EV-LISTEN-...]``). Whether its play bears the claim
out is seen here: an event of that kind has to have met a connection in that state. It is a
necessary thing, not proof that the answer was looked at; the mutants of answers see to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.reference.config import Config
from conformance.reference.machine import Stack
from conformance.reference.tcb import Timer
from conformance.reference.timers import next_due
from conformance.reference.transitions import TABLE
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

Event = tuple[State, str]

_CALLS: Final = {
    "connect": "OPEN-ACTIVE",
    "listen": "OPEN-PASSIVE",
    "send": "SEND",
    "recv": "RECEIVE",
    "close": "CLOSE",
    "abort": "ABORT",
    "getsockopt": "STATUS",
    "atmark": "STATUS",
    "pending": "STATUS",
    "getsockname": "STATUS",
    "getpeername": "STATUS",
}
# Giving up may come of three timers: R2, the last SYN, the last keep-alive.
_TIMERS: Final = {
    Timer.RETRANSMIT: ("RTX-TIMEOUT", "USER-TIMEOUT"),
    Timer.USER: ("USER-TIMEOUT",),
    Timer.KEEPALIVE: ("USER-TIMEOUT",),
    Timer.TIME_WAIT: ("TIME-WAIT-TIMEOUT",),
}
_BITS: Final = ((Flags.SYN, "SYN"), (Flags.RST, "RST"), (Flags.ACK, "ACK"), (Flags.FIN, "FIN"),
                (Flags.URG, "URG"))  # fmt: skip


class Observed(Stack):
    """The reference, writing down what happens to it. The state is the one before the event."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, TABLE)
        self.seen: set[Event] = set()

    def call(self, number: int, name: str, args: Mapping[str, int | str], now: float) -> None:
        super().advance(now)
        called, sock = name, self._sockets.handles.get(int(args.get("socket", 0)))
        if name == "close" and sock is not None and sock.options.get("LINGER") == 0:
            name = "abort"
        shut = name == "shutdown" and args.get("how", "WR") != "RD"
        cell = "CLOSE" if shut else _CALLS.get(name, "")
        if cell:
            taken = self._ctx.listeners.get(int(args.get("port", 0)))
            tcb = sock.tcb if sock is not None else taken
            self.seen.add((tcb.state if tcb is not None else State.CLOSED, cell))
        super().call(number, called, args, now)

    def arrive(self, segment: Segment, now: float) -> None:
        self.advance(now)
        state = self.state(segment.dport, segment.sport)
        cells = {name for bit, name in _BITS if bit in segment.flags}
        cells |= {"TEXT"} if segment.payload else set()
        if not {Flags.SYN, Flags.RST} & {*segment.flags}:
            cells.add("ACK")  # the fifth check is about a bit that is off, too
        self.seen |= {(state, cell) for cell in cells | {"SEQ", "OTHER"}}
        super().arrive(segment, now)

    def advance(self, now: float) -> None:
        while (due := next_due(self._ctx)) is not None and due[0] <= now:
            at, tcb, timer = due
            self.seen |= {(tcb.state, cell) for cell in _TIMERS.get(timer, ())}
            super().advance(at)
        super().advance(now)
