"""A case's surroundings when nobody makes the target's calls: the wire tier.

The stack runs servers (see :mod:`conformance.play.servers`). The harness itself answers the only
calls that such a case may make: ``listen()``, because a server listens already, ``accept()``, which
returns once the tester's ACK has completed the handshake, ``recv()`` and ``send()``, because the
server reads and writes whatever it can; that it did, the segments show.

Rules:

- A case begins when the server is there: the target has answered for its address (ARP or ND), and a
  SYN with a SYN,ACK, which is then reset.
- What a case leaves open is reset at its end: a small stack has few connections.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from conformance.errors import TargetError
from conformance.live.clock import now
from conformance.live.frames.arp_nd import Tester
from conformance.live.glue.channel import FIRST_WORD, GlueChannel, Wire, WireTrouble
from conformance.live.glue.frame_lab import FrameLab, FramePlaying
from conformance.live.glue.program import Program
from conformance.play import actions
from conformance.play.events import CallPending, CallReturned, Event, OptionSet
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap

_AGAIN: Final = 0.1  # seconds until the next question to a target that is not there yet
_PROBE: Final = 63  # the last of a lab's tester ports: no case has so many connections
_ISS: Final = 1000


class ServerLab(FrameLab):
    """The surroundings of one case, with a server that reads and forgets on ``port``."""

    def __init__(
        self,
        program: Program | None,
        glue: GlueChannel | None,
        wire: Wire | None,
        tester: Tester,
        ports: tuple[int, int],
    ) -> None:
        """``ports``: that of a server, and the first of the tester's."""
        self._port, self._base = ports
        self._until = now() + FIRST_WORD
        self._asks = 0.0  # when the target is asked next
        self._there = False
        self._half: dict[int, int] = {}  # the target's ISS by tester port, before our ACK
        self._last: dict[int, int] = {}  # what the target acknowledged last, by tester port
        self._accepted: deque[int] = deque()  # handles that nobody has accepted yet
        self._accepting: deque[tuple[int, float]] = deque()
        self._handles = 1
        super().__init__(program, glue, wire, tester)
        self._ask()

    # ---- is it there? ----------------------------------------------------------------------------

    @property
    def deadline(self) -> float | None:
        return None if self.ready else min(self._asks, self._until)

    def overdue(self) -> None:
        """Ask again, or give up."""
        if now() < self._until:
            self._ask()
        elif self._there:
            self._lose(self._trouble(f"nobody listens on its port {self._port}"))
        else:
            self._lose(self._trouble("it does not answer for its address"))

    def _ask(self) -> None:
        self._asks = now() + _AGAIN
        if self._wire is None:
            return
        if not self._there:
            self._put(self._tester.neighbours.question())
        else:
            syn = Segment(self._base + _PROBE, self._port, Flags.SYN, _ISS, window=1024)
            self._put(self._tester.codec.encode(syn))

    def _here(self) -> None:
        if not self._there:
            self._there = True
            self._ask()

    def _unready(self, segment: Segment) -> None:
        both = Flags.SYN | Flags.ACK
        if self._there and segment.dport == self._base + _PROBE and segment.has(both):
            self._reset(segment.dport, segment.ack)
            self.ready = True

    def _reset(self, port: int, seq: int) -> None:
        segment = Segment(port, self._port, Flags.RST, seq)
        self._put(self._tester.codec.encode(segment))

    # ---- the server ------------------------------------------------------------------------------

    def call(self, number: int, name: str, args: Mapping[str, int | str]) -> None:
        """``accept`` waits for a handshake; all else the server does, or has done already."""
        at = now()
        if name != "accept":
            value = int(args["count"]) if "count" in args else 1
            self._events.append(CallReturned(at, number, at, value))
        elif self._accepted:
            handle = self._accepted.popleft()
            self._events.append(CallReturned(at, number, at, handle))
        else:
            self._accepting.append((number, at))
            self._events.append(CallPending(at, number))

    def send(self, segment: Segment) -> tuple[float, bytes]:
        """Put a segment on the wire; the ACK of a SYN,ACK completes the handshake."""
        at, frame = super().send(segment)
        first = self._half.get(segment.sport)
        plain = Flags.ACK in segment.flags and not segment.flags & (Flags.SYN | Flags.RST)
        if first is not None and plain and segment.ack == wrap(first + 1):
            del self._half[segment.sport]
            self._handles += 1
            if self._accepting:
                number, started = self._accepting.popleft()
                self._events.append(CallReturned(at, number, started, self._handles))
            else:
                self._accepted.append(self._handles)
        return at, frame

    def _segment(self, at: float, segment: Segment, frame: bytes) -> None:
        super()._segment(at, segment, frame)
        if segment.has(Flags.SYN | Flags.ACK):
            self._half[segment.dport] = segment.seq
        if Flags.RST in segment.flags:
            self._last.pop(segment.dport, None)
        elif Flags.ACK in segment.flags:
            self._last[segment.dport] = segment.ack

    # ---- the program -----------------------------------------------------------------------------

    def _listen(self) -> None:
        if self._glue is None or self._program is None:
            return
        out, words = self._glue.filenos()
        if not self._glue.chatter():
            self._deaf(out)
        if self._glue.wordless:
            self._deaf(words)
        self._program.listen()
        if self._program.ended:
            self._glue.fail("")

    def close(self) -> None:
        """Reset what is still open, then give everything back."""
        if not self._closed and not self.lost:
            for port, seq in self._last.items():
                try:
                    self._reset(port, seq)
                except WireTrouble:
                    break
        super().close()


class ServerPlaying(FramePlaying):
    """One conversation with such a server."""

    lab: ServerLab

    def _read(self, action: actions.ReadState) -> Event:
        raise TargetError("nobody can be asked for a state")

    def _set(self, action: actions.SetOption) -> Event:
        return OptionSet(now(), action.number, "nobody can be asked")
