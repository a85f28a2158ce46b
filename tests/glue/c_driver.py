"""The other side of a glue program: its stdin, its stdout and its wire, nothing of the harness.

Frames go through the harness's own codec, with one pair of addresses per IP version. Every wait is
bounded and says for what; nothing sleeps.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
from collections import deque
from pathlib import Path
from typing import Any

from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.tcp.flags import Flags
from conformance.tcp.options import Mss
from conformance.tcp.segment import Segment

LAB = {
    4: WireEnds(4, "192.0.2.1", "192.0.2.2", "02:00:00:00:00:01", "02:00:00:00:00:02"),
    6: WireEnds(6, "2001:db8::1", "2001:db8::2", "02:00:00:00:00:01", "02:00:00:00:00:02"),
}
BOUND = 60.0  # seconds; a machine that is busy is no fault of the program's
SECOND = 10**9
BEGINNING = 1000 * SECOND
NAMES = {"F": "FIN", "S": "SYN", "R": "RST", "P": "PSH", "A": "ACK"}


class Driver:
    """One program and what it has said."""

    def __init__(self, program: Path, *, clock: str = "virtual", ip: int = 4) -> None:
        self.addresses = LAB[ip]
        self.codec = FrameCodec(self.addresses)
        self.wire, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[other.fileno()],
            env={
                "CONFORMANCE_WIRE_FD": str(other.fileno()),
                "CONFORMANCE_CLOCK": clock,
                "PATH": "/usr/bin:/bin",
            },
        )
        other.close()
        self.wire.settimeout(BOUND)
        self.virtual, self.now, self.number = clock == "virtual", BEGINNING, 0
        self.said: deque[dict[str, Any]] = deque()
        self.listener = 0  # a handle, where a test keeps one
        self._inbox = b""

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            status = self.process.wait(BOUND)
        finally:
            self.process.kill()
        assert self.process.stdout
        assert self.process.stderr
        words = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        assert (status, words) == (0, "")

    # ---- requests and replies

    def write(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def line(self) -> dict[str, Any]:
        """The next reply, whichever it is."""
        assert self.process.stdout
        while b"\n" not in self._inbox:
            ready, _, _ = select.select([self.process.stdout], [], [], BOUND)
            data = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            assert data, f"no reply: {self._words()}"
            self._inbox += data
        line, self._inbox = self._inbox.split(b"\n", 1)
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _words(self) -> str:
        assert self.process.stderr
        ready, _, _ = select.select([self.process.stderr], [], [], 0)
        return os.read(self.process.stderr.fileno(), 4096).decode() if ready else "it said nothing"

    def ask(self, call: str, **args: Any) -> int:
        self.number += 1
        request = {"id": self.number, "call": call, "args": args}
        self.write(json.dumps(request).encode() + b"\n")
        return self.number

    def reply(self, number: int) -> dict[str, Any]:
        """The next reply to this request; others are kept in ``said``."""
        for reply in self.said:
            if reply["id"] == number:
                self.said.remove(reply)
                return reply
        while (reply := self.line())["id"] != number:
            self.said.append(reply)
        return reply

    def final(self, number: int) -> dict[str, Any]:
        """The final reply."""
        while (reply := self.reply(number)).get("pending"):
            pass
        return reply

    def call(self, call: str, **args: Any) -> Any:
        """Ask; the value, or the errno's name."""
        reply = self.final(self.ask(call, **args))
        return reply["errno"] if "errno" in reply else reply["value"]

    def waits(self, call: str, **args: Any) -> int:
        """Ask for what has to wait; its number."""
        number = self.ask(call, **args)
        assert self.reply(number).get("pending") is True
        return number

    def state(self, local: int, remote: int) -> str:
        return str(self.final(self.ask("state", local=local, remote=remote))["text"])

    def use(self) -> None:
        lab = self.addresses
        given = {"target": lab.target, "tester": lab.tester, "prefix": 24 if lab.ip == 4 else 64}
        macs = {"target_mac": lab.target_mac, "tester_mac": lab.tester_mac}
        assert self.call("version") == 1
        assert self.call("use", **given, **macs, mtu=1500) == 0

    # ---- time

    def advance(self, by: float = 0) -> dict[str, Any]:
        """Let virtual time pass; the answer, which may come earlier than asked."""
        answer = self.final(self.ask("advance", until=self.now + round(by * SECOND)))
        self.now = int(answer["now"])
        return answer

    def until_frame(self, within: float) -> Segment:
        """Let virtual time pass up to the next segment."""
        end = self.now + round(within * SECOND)
        while self.now < end:
            self.advance((end - self.now) / SECOND)
            for segment in self.segments():
                return segment
        raise AssertionError(f"no segment within {within} s")

    def reply_after(self, number: int, within: float) -> dict[str, Any]:
        """Let virtual time pass up to the final reply to this request."""
        end = self.now + round(within * SECOND)
        while self.now < end and not any(reply["id"] == number for reply in self.said):
            self.advance((end - self.now) / SECOND)
        return self.final(number)

    # ---- the wire

    def put(self, segment: Segment) -> None:
        self.wire.send(self.codec.encode(segment))
        if self.virtual:
            self.advance()

    def frames(self) -> list[bytes]:
        """What is on the wire now."""
        return list(iter(self._frame, b""))

    def _frame(self) -> bytes:
        return self.wire.recv(1 << 17) if select.select([self.wire], [], [], 0)[0] else b""

    def segments(self) -> list[Segment]:
        """The segments on the wire now; ARP is answered, what else there is is passed over."""
        found = []
        for frame in iter(self._frame, b""):
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1":
                self._answer_arp(frame)
            decoded = self.codec.decode(frame)
            if isinstance(decoded, Segment):
                assert decoded.trouble == ()
                found.append(decoded)
        return found

    def _answer_arp(self, frame: bytes) -> None:
        if frame[38:42] == socket.inet_aton(self.addresses.tester):
            mac = bytes.fromhex(self.addresses.tester_mac.replace(":", ""))
            asked = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2)
            self.wire.send(
                frame[6:12] + mac + b"\x08\x06" + asked + mac + frame[38:42] + frame[22:32]
            )
            if self.virtual:
                self.advance()

    def segment(self) -> Segment:
        """The one segment that is on the wire, or (real clock) that comes next."""
        if self.virtual:
            (only,) = self.segments() or [self.until_frame(1)]  # an acknowledgment may be late
            return only
        found: list[Segment] = []
        while not found:
            assert select.select([self.wire], [], [], BOUND)[0], "no frame"
            found = self.segments()
        (only,) = found
        return only


class Peer:
    """The tester's end of one connection: numbers, nothing else."""

    def __init__(self, driver: Driver, local: int, remote: int, window: int = 65535) -> None:
        """``local`` is the tester's port, ``remote`` the target's."""
        self.driver, self.local, self.remote, self.window = driver, local, remote, window
        self.sequence, self.acknowledged = 1000, 0

    def send(self, flags: str, payload: bytes = b"", *, seq: int | None = None) -> None:
        at = self.sequence if seq is None else seq
        bits = Flags(0)
        for letter in flags:
            bits |= Flags[NAMES[letter]]
        ack = self.acknowledged if "A" in flags else 0
        segment = Segment(
            self.local,
            self.remote,
            bits,
            at,
            ack,
            self.window,
            options=(Mss(1460),) if "S" in flags else (),
            payload=payload,
        )
        if seq is None:
            self.sequence += len(payload) + flags.count("S") + flags.count("F")
        self.driver.put(segment)

    def get(self, flags: str, payload: bytes = b"") -> Segment:
        """The next segment; it has these flags (P aside) and this payload."""
        return self.saw(self.driver.segment(), flags, payload)

    def saw(self, segment: Segment, flags: str, payload: bytes = b"") -> Segment:
        shown = "".join(letter for letter, name in NAMES.items() if segment.flags & Flags[name])
        assert (shown.replace("P", ""), segment.payload) == (flags, payload)
        assert (segment.sport, segment.dport) == (self.remote, self.local)
        if "A" in flags:
            assert segment.ack == self.sequence
        if "S" in flags:
            self.acknowledged = segment.seq
        assert "R" in flags or segment.seq == self.acknowledged
        self.acknowledged += len(payload) + flags.count("S") + flags.count("F")
        return segment
