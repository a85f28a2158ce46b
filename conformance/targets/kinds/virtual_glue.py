"""A glue program's stack in virtual time, as the world plays it.

Rules:

- One request at a time, each a round trip. So the stack's clock is moved only when something is
  to happen to it, and then as far as it may go: the program itself stops where something comes
  out, which makes hours of timers one round trip.
- The program's clock runs on when it is reset; the world's begins anew with each case. Both count
  nanoseconds, and only this module knows both.
- A program that claims what cannot be (time that runs back, a timer that is for ever due, more
  frames than any stack would send) ends the case with its sentence.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from conformance.live.clock import NANO
from conformance.live.frames.arp_nd import Noise, Tester, told
from conformance.live.frames.codec import IcmpError
from conformance.live.glue.channel import (
    FLOOD,
    MOST_FRAMES,
    GlueChannel,
    Reply,
    Wire,
    WireTrouble,
)
from conformance.live.glue.replies import STUCK, hold_to_clock, lacking, read_state, setting_refused
from conformance.play import actions
from conformance.play.asides import Noticed
from conformance.reference.machine import Output, Pending, Returned
from conformance.sim.world import DELAY, EPOCH, Framed
from conformance.tcp.states import State

_SOON: Final = round(1.5 * DELAY * NANO)
_MOST_IDLE: Final = 1000  # requests in a row of which nothing came, that fell short of their time
CASE_BOUND: Final = 60.0  # seconds of wall time for one case; each takes a fraction of one,
_PACE: Final = 60.0  # but where time is long: so much faster than real time any stack gets on
_MOST_ROUNDS: Final = 64  # of questions for the tester's address at one time


class Lacking(Exception):
    """The stack has not what the case asks for; the reason for which it is skipped."""


class VirtualGlue:
    """The stack of one program, from ``use`` on."""

    def __init__(
        self,
        glue: GlueChannel,
        wire: Wire,
        tester: Tester,
        settings: Mapping[str, str],
        began: int,
        takes: float = 0.0,
    ) -> None:
        """``settings``: abstract names to the program's; ``began``: nanoseconds of its clock.

        ``takes``: seconds of that clock which the case takes.
        """
        self._glue, self._wire, self._settings = glue, wire, settings
        self._codec, self._neighbours = tester.codec, tester.neighbours
        self._origin = began - round(EPOCH * NANO)
        self._clock = began
        self._next: int | None = began + _SOON
        self._calls: dict[int, int] = {}
        self._out: list[Output | Framed | Noticed] = []
        self._others: list[Reply] = []
        self._idle = 0  # moves of the clock that fell short and gave nothing
        self._frames = 0
        self._bound = CASE_BOUND + takes / _PACE
        self._deadline = time.monotonic() + self._bound

    # ---- time ------------------------------------------------------------------------------------

    @property
    def next_timer(self) -> float | None:
        """When the stack may have something to do.

        After a call that is not known. What is on its way then goes first: it is there within a
        tenth of a millisecond, and takes the clock along.
        """
        return None if self._next is None else (self._next - self._origin) / NANO

    def advance(self, now: float, limit: float) -> float:
        """Let the stack run until something comes out, or the limit."""
        until = round(max(now, limit) * NANO) + self._origin
        if self._next is not None and (self._next - self._origin) / NANO <= now:
            until = max(until, self._next)  # what the world takes for due is due
        self._move(until)
        return max(now, limit) if self._clock >= until else max(now, self._time())

    def _time(self) -> float:
        return (self._clock - self._origin) / NANO

    def _to(self, now: float) -> None:
        """Have the clock at ``now``; the world has seen to it that no timer is due before."""
        until = round(now * NANO) + self._origin
        for _ in range(_MOST_IDLE):
            if self._clock >= until:
                return
            self._move(until)
        self._glue.fail(STUCK)

    def _move(self, until: int) -> None:
        """One ``advance``, and more while the stack asks for the tester's address."""
        for _ in range(_MOST_ROUNDS):
            reply = self._round("advance", {"until": until})
            now = hold_to_clock(self._glue, reply, self._clock, until)
            if reply.next is not None and reply.next < self._origin:
                self._glue.fail(f"its next timer was due at {reply.next}, before the case began")
            short = now < until or now == self._clock
            self._clock, self._next = now, reply.next
            before = self._frames, len(self._out)
            answered = self._take()
            came = before != (self._frames, len(self._out))
            self._idle = self._idle + 1 if short and not came else 0
            if self._idle > _MOST_IDLE:
                self._glue.fail(STUCK)
            if not answered:
                return
            until = self._clock  # it takes the answers now, at the time of its question
        self._glue.fail("it asks for the tester's address again and again")

    # ---- what the world does to it ---------------------------------------------------------------

    def frame(self, action: actions.SendSegment | actions.SendIcmp) -> bytes:
        """What stands on the wire."""
        if isinstance(action, actions.SendSegment):
            return self._codec.encode(action.segment)  # in fragments as ``arrive`` sends them
        return self._codec.icmp(action)

    def arrive(self, action: actions.SendSegment, frame: bytes, now: float) -> None:
        """A frame of the tester is there, or each of its fragments."""
        if action.segment.ip.fragments is None:
            self._arrive(frame, now)
            return
        for fragment in self._codec.frames(action.segment):
            self._arrive(fragment, now)

    def icmp(self, action: actions.SendIcmp, frame: bytes, now: float) -> None:
        """So is an ICMP error."""
        self._arrive(frame, now)

    def _arrive(self, frame: bytes, now: float) -> None:
        try:
            self._wire.send(frame)
        except WireTrouble as trouble:
            self._glue.fail(str(trouble), gone=trouble.gone)
        until = round(now * NANO) + self._origin
        self._move(until)
        if self._clock < until:  # a timer came first; the frame is taken when its time has come
            self._to(now)

    def call(self, number: int, name: str, args: Mapping[str, int | str], now: float) -> None:
        """A socket call; its results come among the outputs."""
        self._to(now)
        mine = self._glue.ask(name, args)
        self._calls[mine] = number
        reply = self._glue.answer(mine, self._others, first=True, drain=self._drain)
        lacks = lacking(self._glue, reply, name, args)
        if lacks:
            raise Lacking(lacks)
        self._others.append(reply)
        self._next = self._clock + _SOON  # the call may have started a timer
        if self._take():
            self._move(self._clock)

    def state(self, local_port: int, remote_port: int, now: float, peer: str) -> State:
        """The state of a pair of ports, whoever the peer is."""
        self._to(now)
        reply = self._round("state", {"local": local_port, "remote": remote_port})
        self._take()
        return read_state(self._glue, reply)

    def set_option(self, name: str, value: str, now: float) -> None:
        """Change a setting, by its abstract name; ValueError says why not."""
        self._to(now)
        reason = setting_refused(self._round("set", {"name": self._settings[name], "value": value}))
        if reason:
            raise ValueError(reason)

    def outputs(self) -> Sequence[Output | Framed | Noticed]:
        """What came out since the last call of this, in order."""
        if self._glue.dead:
            self._last()
        done, self._out = self._out, []
        return done

    def _last(self) -> None:
        """What it had sent and said before it died."""
        with suppress(WireTrouble):
            for _, frame in self._wire.take(MOST_FRAMES):
                self._look(frame)
        self._settle()

    # ---- the program -----------------------------------------------------------------------------

    def _round(self, name: str, args: Mapping[str, int | str]) -> Reply:
        self._glue.hold_to_watch()
        if time.monotonic() > self._deadline:
            self._glue.fail(f"its case has not ended within {self._bound:.0f} s of wall time")
        mine = self._glue.ask(name, args)
        return self._glue.answer(mine, self._others, drain=self._drain)

    def _drain(self) -> None:
        """Take frames from a program that may be waiting for room on its wire."""
        self._take(answer=False)

    def _take(self, *, answer: bool = True) -> bool:
        """What came with a reply, to the outputs; whether the link's questions were answered."""
        answered = False
        while True:
            try:
                taken = self._wire.take()
                for _, frame in taken:
                    answered |= self._look(frame)
            except WireTrouble as trouble:
                self._glue.fail(str(trouble), gone=trouble.gone)
            self._frames += len(taken)
            if self._frames > MOST_FRAMES:
                self._glue.fail(FLOOD)
            if not self._wire.more:
                break
        if answer:
            self._settle()
        return answered

    def _look(self, frame: bytes) -> bool:
        noise, answer = self._neighbours.look(frame)
        if noise is not Noise.NONE:
            self._out.append(Noticed(0.0, told(frame)))
        if noise is Noise.ANSWERED:
            self._wire.send(answer)
            return True
        if noise is Noise.NONE:
            content = self._codec.decode(frame)
            if isinstance(content, IcmpError):
                content = f"ICMP type {content.type} code {content.code}"
            self._out.append(Framed(content, frame))
        return False

    def _settle(self) -> None:
        """Replies to calls, to the outputs."""
        others, self._others = self._others, []
        for reply in others:
            number = self._calls.get(reply.number)
            if number is None:
                continue
            if reply.pending:
                self._out.append(Pending(number))
            else:
                del self._calls[reply.number]
                self._out.append(Returned(number, reply.value, reply.errno, reply.data, reply.text))
