"""Drives the Go glue program for its tests: builds it, asks it, and plays the peer on its wire.

With the real clock a frame or a reply is waited for; with the virtual one the clock moves until it
comes. Nothing is timed.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import conformance
from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

SOURCE = Path(conformance.__file__).parent / "glue" / "gvisor"
PACKAGE = SOURCE.parent / "go" / "src" / "conformance"
STACK = Path("/usr/share/gocode/src/gvisor.dev/gvisor/pkg/tcpip/stack")
BOUND = 60.0  # seconds that only a failure waits
BEGIN = 1000 * 10**9  # where the virtual clock begins
SECOND = 10**9
SYN, ACK, FIN, RST, PSH = Flags.SYN, Flags.ACK, Flags.FIN, Flags.RST, Flags.PSH
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
ADDRESSES = {
    4: WireEnds(4, "192.0.2.1", "192.0.2.2", *MACS),
    6: WireEnds(6, "2001:db8::1", "2001:db8::2", *MACS),
}


def go(*words: str | Path, cwd: Path = SOURCE) -> subprocess.CompletedProcess[str]:
    """Run the go command as the source says; its own cache makes the second build short."""
    if shutil.which("go") is None or not STACK.is_dir():
        pytest.skip("needs the Debian packages golang-go and golang-gvisor-gvisor-dev")
    path = f"{PACKAGE.parent.parent}:/usr/share/gocode"
    home = {"GO111MODULE": "off", "GOPATH": path, "GOFLAGS": "", "GOPROXY": "off"}
    return subprocess.run(
        ["go", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **home},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def build(result: Path, *source: Path) -> Path:
    """The shipped glue program, or one of another source."""
    files = source or sorted(SOURCE.glob("*.go"))
    built = go("build", "-o", result, *files, cwd=result.parent)
    assert built.returncode == 0, built.stdout
    return result


class Glue:
    """The program, its wire, and the tester's side of one connection."""

    def __init__(self, program: Path, clock: str, ip: int = 4) -> None:
        self.virtual, self.codec = clock == "virtual", FrameCodec(ADDRESSES[ip])
        self.wire, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.wire.setblocking(False)
        self.process = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[far.fileno()],
            env={
                **os.environ,
                "CONFORMANCE_WIRE_FD": str(far.fileno()),
                "CONFORMANCE_CLOCK": clock,
            },
        )
        far.close()
        self.number, self.now, self.inbox = 0, BEGIN, b""
        self.replies: dict[int, dict[str, Any]] = {}
        self.local, self.remote, self.seq, self.ack = 7000, 40000, 5000, 0

    def close(self) -> None:
        self.wire.close()
        with self.process:
            self.process.kill()

    # Requests

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def line(self) -> dict[str, Any]:
        """The next line that the program says."""
        assert self.process.stdout is not None
        while b"\n" not in self.inbox:
            assert select.select([self.process.stdout], [], [], BOUND)[0], "no line"
            read = os.read(self.process.stdout.fileno(), 1 << 20)
            assert read, "the program has ended"
            self.inbox += read
        line, _, self.inbox = self.inbox.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def request(self, call: str, **args: Any) -> int:
        self.number += 1
        self.write(json.dumps({"id": self.number, "call": call, "args": args}).encode())
        return self.number

    def begin(self, call: str, **args: Any) -> int:
        """A call that has to wait; its number."""
        number = self.request(call, **args)
        said = self.line()
        assert said == {"id": number, "pending": True, "started": said["started"]}
        return number

    def ask(self, call: str, **args: Any) -> dict[str, Any]:
        """The final reply of a call that need not wait; those of others are kept."""
        number = self.request(call, **args)
        while number not in self.replies:
            self.keep(self.line())
        return self.replies.pop(number)

    def keep(self, said: dict[str, Any]) -> None:
        assert said["ended"] >= said["started"], said
        self.replies[said["id"]] = said

    def value(self, call: str, **args: Any) -> Any:
        return outcome(self.ask(call, **args))

    def end(self, number: int) -> dict[str, Any]:
        """The final reply of a call that waits."""
        while number not in self.replies:
            if self.virtual:
                self.advance()
            else:
                self.keep(self.line())
        return self.replies.pop(number)

    def advance(self, until: int | None = None) -> dict[str, Any]:
        """Let time pass until something happens: to the next timer, if nobody says how long."""
        if until is None:
            before = self.pending(), len(self.replies)
            here = self.ask("advance", until=self.now)
            if (self.pending(), len(self.replies)) != before:
                return here
            assert here["next"], "nothing will ever come"
            until = int(here["next"])
        reply = self.ask("advance", until=until)
        self.now = reply["now"]
        return reply

    # The wire

    def pending(self) -> bool:
        return bool(select.select([self.wire], [], [], 0)[0])

    def tell(self, flags: Flags, payload: bytes = b"", window: int = 65535) -> None:
        """Send the next segment of the connection."""
        ack = self.ack if ACK in flags else 0
        segment = Segment(self.remote, self.local, flags, self.seq, ack, window, payload=payload)
        self.wire.send(self.codec.encode(segment))
        self.seq += len(payload) + (SYN in flags) + (FIN in flags)
        if self.virtual:
            self.ask("advance", until=self.now)

    def hear(self, flags: Flags) -> Segment:
        """The next segment, which has these flags; it is acknowledged with the next one told."""
        while self.virtual and not self.pending():
            self.advance()
        assert select.select([self.wire], [], [], BOUND)[0], "no frame"
        segment = self.codec.decode(self.wire.recv(1 << 16))
        assert isinstance(segment, Segment), segment
        assert not segment.trouble
        assert segment.flags == flags, segment
        self.ack = segment.seq + len(segment.payload) + (SYN in flags) + (FIN in flags)
        return segment

    def state(self) -> str:
        if self.virtual:
            self.ask("advance", until=self.now)
        return str(self.ask("state", local=self.local, remote=self.remote)["text"])

    # What most tests begin with

    def use(self) -> None:
        assert self.value("use", **use_of(self.codec.addresses)) == 0

    def listen(self, **args: Any) -> int:
        key: int = self.value("listen", port=self.local, **args)
        return key

    def passive(self) -> int:
        """An accepted connection."""
        listener = self.listen()
        self.tell(SYN)
        self.hear(SYN | ACK)
        self.tell(ACK)
        number = self.request("accept", socket=listener)
        said = self.line()
        if "pending" not in said:
            self.keep(said)
        key: int = outcome(self.end(number))
        return key


def use_of(ends: WireEnds) -> dict[str, Any]:
    """The arguments of the call use."""
    prefix = {4: 24, 6: 64}[ends.ip]
    names = {"target": ends.target, "tester": ends.tester, "prefix": prefix, "mtu": 1500}
    return {**names, "target_mac": ends.target_mac, "tester_mac": ends.tester_mac}


def outcome(reply: dict[str, Any]) -> Any:
    return reply.get("errno", reply.get("value"))


@contextmanager
def playing(program: Path, clock: str, ip: int = 4) -> Iterator[Glue]:
    """The program, with its addresses."""
    glue = Glue(program, clock, ip)
    try:
        glue.use()
        yield glue
    finally:
        glue.close()


def check_passive(glue: Glue) -> None:
    assert glue.state() == "CLOSED"
    listener = glue.listen()
    assert glue.state() == "LISTEN"
    waits = glue.begin("accept", socket=listener)
    glue.tell(SYN)
    glue.hear(SYN | ACK)
    assert glue.state() == "SYN-RECEIVED"
    glue.tell(ACK)
    key = outcome(glue.end(waits))
    assert key == listener + 1
    assert glue.state() == "ESTABLISHED"
    assert glue.value("close", socket=key) == 0
    assert glue.hear(FIN | ACK).payload == b""
    assert glue.state() == "FIN-WAIT-1"
    glue.tell(ACK)
    assert glue.state() == "FIN-WAIT-2"
    glue.tell(FIN | ACK)
    assert glue.hear(ACK).ack == glue.seq
    assert glue.state() == "TIME-WAIT"
    assert glue.value("close", socket=key) == "EBADF"
    assert glue.value("close", socket=listener) == 0
    assert glue.state() == "TIME-WAIT"
