"""One glue program as the harness speaks to it: requests out, replies and frames in.

Rules:

- Everything that the program says is hostile input. What is no protocol, no frame or no time ends
  the program's part with one sentence, a TargetError that closes with the last it wrote to stderr.
- Where the program is the stack, one that ends by itself or answers nothing any more is a
  TargetDied: the case says whether that is a finding.
- Nothing here waits, except :meth:`Glue.answer`, which is bounded.
- Requests have numbers of their own for the whole life of the program, so that a late word of one
  case is never taken for another's.
- A frame's stamp is the kernel's: on a socket pair it is the moment at which the program wrote.

The protocol's version is 1; ``README.md`` in the directory of glue programs describes it.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from conformance.errors import Death, TargetDied, TargetError
from conformance.live.clock import now, seconds
from conformance.live.frames import packet_socket
from conformance.live.frames.checksum_offload import finished
from conformance.live.glue.last_words import LastWords, printable
from conformance.live.glue.program import Program
from conformance.live.offset import Offset

PATIENCE: Final = 2.0  # seconds for an answer of a program that runs; it takes microseconds
FIRST_WORD: Final = 10.0  # seconds for the first answers: the program and its stack have to start
LARGEST_FRAME: Final = 65535
MOST_FRAMES: Final = 20_000  # of one case
FLOOD: Final = f"it floods its wire: more than {MOST_FRAMES} frames in one case"
AT_ONE_LOOK: Final = 256  # frames taken in one look, so that a flood cannot hold up other cases
UNWATCHED: Final = "the process that watches it was stopped"
BABBLE: Final = "a line that is no request"
_BABBLED: Final = 0  # its number; those of requests begin at 1
_READ: Final = 1 << 18
_LONGEST_LINE: Final = 1 << 24  # octets; eight million octets of text that one recv gave
_LATE_WORD: Final = 1.0  # seconds that an ended program's status may be on its way
_ANCILLARY: Final = 256
_DRAIN: Final = 0.02  # seconds without an answer after which the wire is looked at
# What a program does not do to itself: the kernel, short of memory, or a user does.
_BY_OTHERS: Final = frozenset(
    f"killed by SIG{name}" for name in ("KILL", "TERM", "INT", "HUP", "QUIT", "XCPU", "XFSZ")
)
_SKEW: Final = 0.02  # seconds by which a coarse clock may be behind


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; times in nanoseconds of the program's clock. ``next`` is None for never."""

    number: int
    started: int
    ended: int = 0
    pending: bool = False
    value: int = 0
    errno: str = ""
    data: bytes = b""
    text: str = ""
    now: int = 0
    next: int | None = None
    abilities: frozenset[str] | None = None


class WireTrouble(Exception):
    """What is wrong with the wire, in words; ``gone``: as when its program has just ended."""

    def __init__(self, what: str, *, gone: bool = False) -> None:
        super().__init__(what)
        self.gone = gone


class Wire:
    """Frames to and from the program: a socket pair or a packet socket. Never waits."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pair = sock.family == socket.AF_UNIX
        self.more = False  # whether the last look was cut short
        sock.setblocking(False)
        packet_socket.stamped(sock)
        self.finished = 0  # frames whose checksum nobody had filled in
        if sock.family == socket.AF_PACKET:
            packet_socket.tell_checksums(sock)

    def fileno(self) -> int:
        """For a selector."""
        return self._sock.fileno()

    def send(self, frame: bytes) -> float:
        """Put the frame on the wire; a time that is no later than it left."""
        at = now()
        try:
            self._sock.send(frame)
        except BlockingIOError:
            raise WireTrouble("it does not read its wire") from None
        except OSError as error:
            raise WireTrouble(f"its wire takes no frame: {error.strerror}", gone=True) from error
        return at

    def take(self, most: int = AT_ONE_LOOK) -> list[tuple[float, bytes]]:
        """The frames that have come, each with its stamp; ``most`` at a time."""
        frames: list[tuple[float, bytes]] = []
        self.more = False
        while len(frames) < most:
            try:
                frame, ancillary, flags = packet_socket.received(self._sock, LARGEST_FRAME)
            except BlockingIOError:
                return frames
            except ConnectionResetError:
                continue  # told once, before what it had sent
            except OSError as error:
                raise WireTrouble(f"its wire is gone: {error.strerror}", gone=True) from error
            stamp = packet_socket.stamp(ancillary)
            if not frame and stamp is None and self._pair and frames:
                return frames  # and the end of it is told once more
            if not frame and stamp is None and self._pair:
                raise WireTrouble("it has closed its wire", gone=True)
            if not frame:
                raise WireTrouble("it sent a frame of no octets")
            if flags & socket.MSG_TRUNC:
                raise WireTrouble(f"it sent a frame of more than {LARGEST_FRAME} octets")
            if packet_socket.unfinished(ancillary):
                frame = finished(frame)
                self.finished += 1
            frames.append((seconds(stamp or time.time_ns()), frame))
        self.more = True
        return frames

    def close(self) -> None:
        """Give the socket back."""
        self._sock.close()


class GlueChannel:
    """One program and what it has said."""

    def __init__(self, program: Program, name: str, offset: Offset | None = None) -> None:
        """``offset``: the program runs on another machine, whose clock is not ours."""
        self._program, self._name, self._offset = program, name, offset
        self._inbox = b""
        self._words = LastWords()
        self._asked = 0
        self._open: dict[int, str] = {}  # calls that were not answered yet
        self._waiting: set[int] = set()  # those of them that said so
        self.wordless = False  # whether its stderr has ended
        self._stale: set[int] = set()  # those of cases that are over
        self._poll = select.poll()
        for descriptor in self.filenos():
            self._poll.register(descriptor, select.POLLIN)
        self.dead = False  # whether it has failed; nothing is asked of it any more
        self.told = ""  # name and version of the stack, once it said so

    # ---- out -------------------------------------------------------------------------------------

    def ask(self, call: str, args: Mapping[str, int | str] | None = None) -> int:
        """Send a request; its number."""
        self._asked += 1
        number = self._asked
        line = json.dumps({"id": number, "call": call, "args": dict(args or {})}).encode() + b"\n"
        self._open[number] = call
        if self._offset is not None:
            self._offset.asked(number, call, time.time_ns())
        self._write(line)
        return number

    def babble(self) -> int:
        """Send a line that is no request; the number that the answer to it will have."""
        self._open[_BABBLED] = BABBLE
        self._write(b"this is no request\n")
        return _BABBLED

    def _write(self, line: bytes) -> None:
        try:
            taken = os.write(self._program.stdin, line)
        except BlockingIOError:
            taken = 0
        except OSError:
            self.fail("it takes no requests any more", gone=True)
        if taken < len(line):
            self.fail("it does not read its requests")

    def forget(self) -> None:
        """The case is over: what is open needs no answer any more, but may still get one."""
        self._stale.update(self._open)
        self._open.clear()
        if self._offset is not None:
            self._offset.forget()

    # ---- in --------------------------------------------------------------------------------------

    def filenos(self) -> list[int]:
        """Where it speaks: stdout, stderr."""
        return [self._program.stdout, self._program.stderr]

    def replies(self) -> list[Reply]:
        """What it has said since the last look."""
        self._hear_words()
        try:
            data = os.read(self._program.stdout, _READ)
        except BlockingIOError:
            return []
        if not data:
            self.fail("", gone=True)
        *lines, self._inbox = (self._inbox + data).split(b"\n")
        if len(self._inbox) > _LONGEST_LINE:
            self.fail(f"it wrote a line of more than {_LONGEST_LINE} octets")
        replies = [self._reply(line) for line in lines if line.strip()]
        return [reply for reply in replies if reply.number not in self._stale]

    def answer(
        self,
        number: int,
        others: list[Reply],
        bound: float = PATIENCE,
        *,
        first: bool = False,
        drain: Callable[[], None] | None = None,
    ) -> Reply:
        """Wait for the final reply to a request (``first``: or that it is pending).

        What else comes meanwhile goes to ``others``. ``drain`` takes what is on the wire: a
        program that has filled it can go on then.
        """
        deadline = time.monotonic() + bound
        call = self._open[number]
        while True:
            left = deadline - time.monotonic()
            if not self._poll.poll(1000 * max(0.0, min(left, _DRAIN))) and drain is not None:
                drain()
            found = None
            for reply in self.replies():
                if reply.number == number:
                    found = reply if first else self.must_be_final(reply, call)
                else:
                    others.append(reply)
            if found is not None:
                return found
            if left <= 0:  # said after a last look: it may be us who were stopped
                self.fail(f"it has not answered {call} within {bound:g} s", hung=True)

    def must_be_final(self, reply: Reply, call: str) -> Reply:
        """The reply to what never waits."""
        if reply.pending:
            self.fail(f"it says that {call} is pending, which never waits")
        return reply

    def chatter(self) -> bool:
        """Read what a program says that speaks no protocol; false when its stdout has ended."""
        self._hear_words()
        try:
            return bool(os.read(self._program.stdout, _READ))
        except BlockingIOError:
            return True

    def _hear_words(self) -> None:
        try:
            words = b"" if self.wordless else os.read(self._program.stderr, _READ)
        except BlockingIOError:
            return
        if not words and not self.wordless:
            self.wordless = True
            self._poll.unregister(self._program.stderr)
        self._words.add(words)

    def _reply(self, line: bytes) -> Reply:
        try:
            fields = json.loads(line)
            if fields["id"] is None and _BABBLED in self._open:
                fields["id"] = _BABBLED
            elif fields["id"] is None:
                self.fail(f"it did not understand a request ({_text(fields, 'errno')})")
            reply = _read(fields)
        except (ValueError, KeyError, TypeError, RecursionError):
            self.fail(f"it answers what is no protocol: {line[:80]!r}")
        if reply.number not in self._open and reply.number not in self._stale:
            self.fail(f"it answers request {reply.number}, which is not open")
        if reply.pending and reply.number in self._waiting:
            self.fail(f"it says twice that request {reply.number} is pending")
        if reply.pending:
            self._waiting.add(reply.number)
        else:
            self._open.pop(reply.number, None)
            self._waiting.discard(reply.number)
        return reply if self._offset is None else self._on_our_clock(self._offset, reply)

    def _on_our_clock(self, offset: Offset, reply: Reply) -> Reply:
        ended = reply.started if reply.pending else reply.ended
        started, ended = offset.heard(reply.number, reply.started, ended, time.time_ns())
        return replace(reply, started=started, ended=ended)

    def hold_to_time(self, reply: Reply, asked: float) -> tuple[float, float]:
        """Start and end in seconds, with the real clock; what lies outside the call is no time."""
        started = seconds(reply.started)
        ended = started if reply.pending else seconds(reply.ended)
        if not asked - _SKEW <= started <= ended <= now() + _SKEW:
            self.fail("it stamps a call with a time outside it: its clock is not CLOCK_REALTIME")
        return max(started, asked), min(max(ended, asked), now())

    def hold_to_watch(self) -> None:
        """A program that stops the process that watches it ends its case."""
        if self._program.unwatched:
            self.fail(UNWATCHED)

    # ---- the end ---------------------------------------------------------------------------------

    def fail(self, what: str, *, gone: bool = False, hung: bool = False) -> NoReturn:
        """Raise the one sentence: what it did, how it ended, the last that it wrote.

        ``gone``: as when it has just ended; ``hung``: it lives, and does not answer.
        """
        program = self._program
        program.listen()
        if gone and not program.ended:
            program.wait(_LATE_WORD)
        how, death = what, Death.HANGS if hung else None
        if program.ended:
            end = program.ended
            told = f"cannot be started: {end}" if program.never_began else f"has ended ({end})"
            # A wire that is gone says no more than that its program is.
            alone = gone or hung or not what
            what = f"it {told}" if alone else f"{what}; it {told}"
            by_itself = alone and program.by_itself and end not in _BY_OTHERS
            how, death = end, Death.CRASHED if by_itself else None
        else:
            what = what or "it has closed its stdout"
            if program.unwatched:
                what, death = f"{what}; {UNWATCHED}", None
        words = self.last_words()
        told = printable(f"{what}; its last words: {words}" if words else what)
        program.kill()
        self.dead = True
        sentence = f"The glue program of {self._name}: {told}."
        if death is None or self._offset is not None:  # or it only speaks for the stack
            raise TargetError(sentence)
        raise TargetDied(sentence, death, how, words)

    def last_words(self) -> str:
        """The last that it wrote to stderr, on one line; empty when that is nothing."""
        self._hear_words()
        return self._words.text()


def _read(fields: dict[str, Any]) -> Reply:
    """The fields of one line; ValueError, KeyError or TypeError for what is none."""
    number, started = _integer(fields, "id"), _integer(fields, "started", 0)
    if type(fields.get("pending", False)) is not bool:
        raise ValueError("pending")
    if fields.get("pending") is True:
        return Reply(number, started, pending=True)
    abilities = fields.get("abilities")
    if abilities is not None and not (
        isinstance(abilities, list) and all(isinstance(one, str) for one in abilities)
    ):
        raise ValueError("abilities")
    nothing = fields.get("next") is None
    return Reply(
        number,
        started,
        _integer(fields, "ended", started),
        False,
        _integer(fields, "value", 0),
        _text(fields, "errno"),
        bytes.fromhex(_text(fields, "data")),
        _text(fields, "text"),
        _integer(fields, "now", 0),
        None if nothing else _integer(fields, "next"),
        None if abilities is None else frozenset(abilities),
    )


def _integer(fields: dict[str, Any], name: str, default: int | None = None) -> int:
    value = fields[name] if default is None else fields.get(name, default)
    if type(value) is not int or abs(value) >= 1 << 63:
        raise ValueError(name)
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise TypeError(name)
    return value
