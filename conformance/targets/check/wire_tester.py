"""A tester on the wire of one program: asks, sends and looks, in real and in virtual time.

What :mod:`.probe` proves a wiring with, before any case is played on it. Rules:

- What a run takes for a broken protocol is one here too, by the same functions: an answer that is
  late, a stamp outside its call, a flood. It is a TargetError; what only was not seen is Failed.
- While it waits all that the program says is taken: a full pipe would block it, and the diagnosis
  would be false.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Final

from conformance.errors import TargetError
from conformance.live.clock import NANO, now
from conformance.live.frames.arp_nd import Noise, Tester
from conformance.live.frames.codec import IcmpError
from conformance.live.glue.channel import FLOOD, MOST_FRAMES, PATIENCE, Reply, Wire, WireTrouble
from conformance.live.glue.replies import STUCK, hold_to_clock
from conformance.targets.kinds.programs import Started
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap

BOUND: Final = 2.0  # seconds of the target's clock for what needs no long timer
_ISS: Final = 1000
_BETWEEN: Final = 0.1  # seconds between two looks in virtual time
_MOST_ROUNDS: Final = 10_000  # of which nothing came, that fell short of their time


class Failed(Exception):
    """What was to be seen was not; the argument says what was."""


class Missing(Failed):
    """A call that is not there."""

    def __init__(self, call: str, told: str) -> None:
        super().__init__(told)
        self.call = call


class Otherwise(Exception):
    """It is wired, and its TCP does otherwise; the argument says what, and the RFC's place."""


class WireTester:
    """The tester of one stack, step by step. ``clock`` is None with the real clock."""

    def __init__(self, started: Started, wire: Wire, end: Tester, clock: int | None) -> None:
        self.started, self.end, self.clock = started, end, clock
        self._wire = wire
        self.segments: list[Segment] = []
        self.odd = ""  # the first frame that is no segment of a case, in words
        self.here = False
        self.replies: dict[int, Reply] = {}
        self._asked: dict[int, float] = {}  # when each request was made
        self._rounds = self._taken = 0
        self._mute = False  # whether the program's stdout has ended

    # ---- requests --------------------------------------------------------------------------------

    def ask(self, call: str, **args: int | str) -> Reply:
        """A request that needs nothing of the tester; its final reply."""
        return self.final(self.begin(call, **args), call)

    def ask_all(self, call: str, **args: int | str) -> Reply:
        """The same, whatever the reply says."""
        return self.reply(self.begin(call, **args), call)

    def begin(self, call: str, **args: int | str) -> int:
        """A request that may have to wait; its number. That it waits has to be said at once."""
        glue, asked = self.started.speaker, now()
        number = glue.ask(call, args)
        self._asked[number] = asked
        others: list[Reply] = []
        others.append(glue.answer(number, others, first=True, drain=self._frames))
        self._keep(others)
        return number

    def reply(self, number: int, call: str) -> Reply:
        """The final reply to a request, whatever it says; Failed when there is none."""
        self.until(lambda: number in self.replies)
        reply = self.replies.pop(number, None)
        if reply is None:
            raise Failed(f"{call} does not return")
        return reply

    def final(self, number: int, call: str) -> Reply:
        """The final reply to a request; Failed when there is none, or an errno."""
        reply = self.reply(number, call)
        if reply.errno == "ENOSYS":
            raise Missing(call, f"{call} returns ENOSYS")
        if reply.errno:
            raise Failed(f"{call} returns {reply.errno}")
        return reply

    # ---- segments --------------------------------------------------------------------------------

    def send(self, segment: Segment) -> None:
        """Put a segment on the wire."""
        self.put(self.end.codec.encode(segment))

    def put(self, frame: bytes) -> None:
        """Put a frame on the wire."""
        try:
            self._wire.send(frame)
        except WireTrouble as trouble:
            self._broken(trouble)

    def expect(self, what: str, fits: Callable[[Segment], bool], bound: float = BOUND) -> Segment:
        """The next segment that fits; those before it are forgotten."""
        self.until(lambda: any(map(fits, self.segments)), bound)
        while self.segments:
            segment = self.segments.pop(0)
            if fits(segment):
                return segment
        raise Failed(f"no {what} comes")

    # ---- time ------------------------------------------------------------------------------------

    def until(self, there: Callable[[], bool], bound: float = BOUND) -> bool:
        """Let time pass until this is so, for so many seconds at most."""
        if self.clock is not None:
            return self._virtually(there, bound)
        deadline = time.monotonic() + bound
        while not there():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            poll = select.poll()
            for descriptor in (self._wire.fileno(), *self._voices()):
                poll.register(descriptor, select.POLLIN)
            poll.poll(1000 * left)
            self.look()
        return True

    def _virtually(self, there: Callable[[], bool], bound: float) -> bool:
        assert self.clock is not None
        end, glue = self.clock + round(bound * NANO), self.started.speaker
        others: list[Reply] = []
        until = self.clock  # first what is there already, then in steps
        while True:
            reply = glue.answer(
                glue.ask("advance", {"until": until}), others, PATIENCE, drain=self._frames
            )
            at = hold_to_clock(glue, reply, self.clock, until)
            short = at < until or at == self.clock
            came, taken = bool(others), self._taken
            self.clock = at
            self._keep(others)
            self._frames()
            came |= self._taken > taken
            self._rounds = self._rounds + 1 if short and not came else 0
            if self._rounds > _MOST_ROUNDS:
                glue.fail(STUCK)
            if there() or self.clock >= end:
                return there()
            if self.clock >= until:
                until = min(end, self.clock + round(_BETWEEN * NANO))

    def look(self) -> None:
        """Take what is there."""
        self._frames()
        if self.started.glue is None or self.started.program is None:
            return
        if self.clock is None and self.speaks:
            self._keep(self.started.glue.replies())
        elif self.clock is None:
            self._mute = not self.started.glue.chatter()

    speaks = True  # whether the program speaks the protocol

    def _voices(self) -> list[int]:
        """Where the program may still say something."""
        glue = self.started.glue
        if glue is None:
            return []
        out, words = glue.filenos()
        return [out] * (not self._mute) + [words] * (not glue.wordless)

    def _keep(self, replies: list[Reply]) -> None:
        for reply in replies:
            asked = self._asked.get(reply.number)  # none: of before a reset
            if self.clock is None and asked is not None:
                self.started.speaker.hold_to_time(reply, asked)
            if not reply.pending:
                self.replies[reply.number] = reply
        replies.clear()

    def _frames(self) -> None:
        try:
            for _, frame in self._wire.take():
                self._frame(frame)
        except WireTrouble as trouble:
            self._broken(trouble)

    def _frame(self, frame: bytes) -> None:
        self._taken += 1
        if self._taken > MOST_FRAMES:
            raise WireTrouble(FLOOD)
        noise, answer = self.end.neighbours.look(frame)
        if noise is Noise.ANSWERED:
            self._wire.send(answer)
        self.here |= noise is Noise.HERE
        content = self.end.codec.decode(frame) if noise is Noise.NONE else ""
        if isinstance(content, Segment):
            self.segments.append(content)
            return
        if isinstance(content, IcmpError):
            content = f"ICMP type {content.type} code {content.code}"
        self.odd = self.odd or content

    def _broken(self, trouble: WireTrouble) -> None:
        if self.started.glue is not None:
            self.started.glue.fail(str(trouble), gone=trouble.gone)
        raise TargetError(f"The target: {trouble}.")


class Peer:
    """The tester's end of one connection."""

    def __init__(self, tester: WireTester, port: int, target_port: int) -> None:
        self.tester, self.port, self.target_port = tester, port, target_port
        self.seq, self.ack = _ISS, 0

    def send(self, flags: Flags, payload: bytes = b"") -> None:
        """The next segment in order."""
        ack = self.ack if Flags.ACK in flags else 0
        segment = Segment(self.port, self.target_port, flags, self.seq, ack, 65535, payload=payload)
        self.tester.send(segment)
        self.seq = wrap(self.seq + segment.length)

    def expect(
        self, what: str, flags: Flags, *, length: int | None = None, bound: float = BOUND
    ) -> Segment:
        """The next segment of the connection with these flags; our ACK number follows it."""

        def fits(segment: Segment) -> bool:
            ours = segment.dport == self.port and segment.sport == self.target_port
            right = segment.has(flags) and (length is None or len(segment.payload) == length)
            return ours and right

        found = self.tester.expect(what, fits, bound)
        self.ack = found.end
        return found

    def open(self) -> None:
        """A handshake that we begin."""
        self.send(Flags.SYN)
        self.expect("SYN,ACK", Flags.SYN | Flags.ACK)
        self.send(Flags.ACK)
