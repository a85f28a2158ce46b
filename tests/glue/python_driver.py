"""Drives a glue program in Python: a real process with a real socket pair."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

ROOT = Path(__file__).resolve().parents[2]
GLUE = ROOT / "conformance" / "glue"
LIAR = Path(__file__).with_name("liar.py")
BOUND = 60.0  # seconds, for a machine that is busy with other things
BEGINNING, MS = 1000 * 10**9, 10**6
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
PAIRS = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}


class Driver:
    """A glue program as the harness sees it."""

    def __init__(self, *words: object, clock: str = "real", ip: int = 4) -> None:
        self.wire, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {**os.environ, "CONFORMANCE_CLOCK": clock, "PYTHONUNBUFFERED": "1"}
        environment["CONFORMANCE_WIRE_FD"] = str(far.fileno())
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        self.program = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            pass_fds=[far.fileno()],
        )
        far.close()
        self.wire.settimeout(BOUND)
        self.virtual, self.now, self.asked = clock == "virtual", BEGINNING, 0
        self.tester, self.target = PAIRS[ip]
        self.codec = FrameCodec(WireEnds(ip, self.tester, self.target, *MACS))
        self.inbox, self.lines = b"", list[dict[str, Any]]()

    def write(self, line: bytes) -> None:
        assert self.program.stdin
        self.program.stdin.write(line + b"\n")
        self.program.stdin.flush()

    def begin(self, call: str, **args: object) -> int:
        self.asked += 1
        self.write(json.dumps({"id": self.asked, "call": call, "args": args}).encode())
        return self.asked

    def read(self) -> dict[str, Any]:
        """The next line of the program, as it comes."""
        assert self.program.stdout
        stdout = self.program.stdout.fileno()
        while b"\n" not in self.inbox:
            assert select.select([stdout], [], [], BOUND)[0], "it does not answer"
            data = os.read(stdout, 65536)
            assert data, f"it has ended: {self.last_words()}"
            self.inbox += data
        line, self.inbox = self.inbox.split(b"\n", 1)
        found: dict[str, Any] = json.loads(line)
        return found

    def wait(self, number: int, *, pending: bool = False) -> dict[str, Any]:
        """The final (or the pending) reply to a request."""
        while True:
            for reply in self.lines:
                if reply["id"] == number and bool(reply.get("pending")) is pending:
                    self.lines.remove(reply)
                    return reply
            self.lines.append(self.read())

    def ask(self, call: str, **args: object) -> dict[str, Any]:
        return self.wait(self.begin(call, **args))

    def errno(self, call: str, **args: object) -> str:
        return str(self.ask(call, **args).get("errno"))

    def value(self, call: str, **args: object) -> int:
        reply = self.ask(call, **args)
        assert "errno" not in reply, reply
        return int(reply["value"])

    def blocks(self, call: str, **args: object) -> int:
        number = self.begin(call, **args)
        self.wait(number, pending=True)
        return number

    def use(self) -> Driver:
        self.ask("version")
        prefix = 64 if ":" in self.target else 24
        macs = dict(zip(("tester_mac", "target_mac"), MACS, strict=True))
        pair = {"target": self.target, "tester": self.tester}
        assert self.value("use", prefix=prefix, mtu=1500, **pair, **macs) == 0
        return self

    def advance(self, until: int) -> dict[str, Any]:
        reply = self.ask("advance", until=until)
        self.now = reply.get("now", self.now)
        return reply

    def send(self, flags: Flags, seq: int, ack: int = 0, **more: Any) -> None:
        ports = {
            "sport": 1024,
            "dport": 80,
            **{k: more.pop(k) for k in ("sport", "dport") & more.keys()},
        }
        self.wire.send(self.codec.encode(Segment(**ports, flags=flags, seq=seq, ack=ack,
                                                 window=65535, **more)))  # fmt: skip
        if self.virtual:
            self.advance(self.now)

    def segment(self) -> Segment:
        """The next segment of the target, within five seconds of its time."""
        end = self.now + 5000 * MS
        while self.virtual and not select.select([self.wire], [], [], 0)[0]:
            assert self.now < end, "no segment came"
            self.advance(end)
        found = self.codec.decode(self.wire.recv(65535))
        assert isinstance(found, Segment), found
        assert not found.trouble
        return found

    def state(self, wanted: str, local: int = 80, remote: int = 1024) -> None:
        """Wait until the connection is in this state."""
        end = time.monotonic() + BOUND
        while True:
            found = self.ask("state", local=local, remote=remote)["text"]
            if found == wanted or time.monotonic() > end or self.virtual:
                break
        assert found == wanted

    def last_words(self) -> str:
        assert self.program.stderr
        self.program.wait(BOUND)
        return self.program.stderr.read().decode()

    def close(self) -> None:
        self.program.kill()
        self.program.wait()
        for stream in (self.program.stdin, self.program.stdout, self.program.stderr, self.wire):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]


Start = Callable[..., Driver]


def started() -> Iterator[Start]:
    """Starts a program, and sees that none is left."""
    begun: list[Driver] = []

    def begin(*words: object, **named: Any) -> Driver:
        begun.append(Driver(*words, **named))
        return begun[-1]

    yield begin
    for driver in begun:
        driver.close()
