"""Glues in Python: the base with a stack of twenty lines, the skeleton, the liar, PyTCP.

Each is a real process with a real socket pair, driven by the few lines of Driver.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.glue.aio import Loop
from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.stream import octets

ROOT = Path(__file__).resolve().parents[2]
GLUE = ROOT / "conformance" / "glue"
LIAR = Path(__file__).with_name("liar.py")
BOUND = 60.0  # seconds, for a machine that is busy with other things
BEGINNING, MS = 1000 * 10**9, 10**6
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
PAIRS = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}

FAKE = '''
import queue, sys
from conformance.glue.base import Refused, Socket, Sockets

class Pipe(Socket):
    """What one end sends the other receives; there is room for ten octets."""
    def __init__(self, glue):
        super().__init__(glue)
        self.box, self.peer = queue.Queue(), None
    def listen(self, port, backlog):
        self.glue.ports[port] = self
    def connect(self, port, local_port):
        if port == 7:
            return  # nobody ever answers
        if port not in self.glue.ports:
            raise Refused("ECONNREFUSED")
        self.peer, self.established = Pipe(self.glue), True
        self.peer.peer = self
        self.glue.ports[port].ready.append(self.peer)
    def send(self, data, flag):
        room = max(0, 10 - len(self.peer.incoming))
        self.peer.incoming += data[:room]
        self.peer.box.put(bytes(data[:room]))
        return min(room, len(data))
    def shutdown(self, how):
        self.peer.ended = True
    def close(self):
        self.peer.ended = True
    def abort(self):
        self.peer.fail("ECONNRESET")
    if "threads" in sys.argv:
        def recv(self, count):
            return self.glue.thread(self.box.get)

class Fake(Sockets):
    """Sends each frame back after as many milliseconds as its first octet says."""
    text, settings, ports, echoes = "fake 1", ("depth",), {}, []
    def use(self, lab):
        print("a word for people", lab.target)
    def arrive(self, frame):
        self.echoes.append((self.now() + frame[14] * 10**6, frame))
    def due(self):
        return min(self.echoes)[0] if self.echoes else None
    def expire(self):
        while self.echoes and min(self.echoes)[0] <= self.now():
            self.transmit(self.echoes.pop(self.echoes.index(min(self.echoes)))[1])
    def socket(self):
        return Pipe(self)
    def state(self, local, remote):
        return "ESTABLISHED" if remote == 1 else ""
    def set(self, name, value):
        int(value)
    def listens(self, local):
        return local in self.ports
    def reset(self):
        self.ports.clear()
    def call_crash(self, call):
        raise RuntimeError("the stack fell over")

Fake().serve()
'''


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


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program, and sees that none is left."""
    started: list[Driver] = []

    def begin(*words: object, **named: Any) -> Driver:
        started.append(Driver(*words, **named))
        return started[-1]

    yield begin
    for driver in started:
        driver.close()


@pytest.fixture
def fake(start: Start, tmp_path: Path) -> Start:
    """Starts the base with its tiny stack."""
    path = tmp_path / "fake.py"
    path.write_text(FAKE)
    return lambda *words, **named: start(path, *words, **named)


def frame(delay: int, size: int = 60) -> bytes:
    return (bytes(14) + bytes([delay])).ljust(size, b"\xaa")


# The stream


def test_it_says_what_it_is(fake: Start) -> None:
    reply = fake().ask("version")
    assert (reply["value"], reply["text"], reply["abilities"]) == (1, "fake 1", ["CALLS", "STATE"])
    now = time.time_ns()
    assert now - 60 * 10**9 < reply["started"] <= reply["ended"] <= now


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_it_survives_what_is_no_request(fake: Start, clock: str) -> None:
    driver = fake(clock=clock)
    rubbish = [
        b"{", b"[]", b"7", b"null", b'{"id":1}', b"\xff\xfe", b"[" * 100_000,
        b'{"id":"a","call":"version"}', b'{"id":true,"call":"version"}', b'{"id":1,"call":7}',
        b'{"id":1.5,"call":"version"}', b'{"id":' + b"9" * 5000 + b'x,"call":"version"}',
        b'"x' + b"y" * 300_000,
    ]  # fmt: skip
    for line in rubbish:
        driver.write(line)
        assert driver.read() == {"id": None, "errno": "EBADMSG"}
    driver.write(b"   ")
    driver.write(b'{"id":-4,"call":"version"}\n')  # and an empty line after it
    assert driver.read()["id"] == -4
    assert driver.value("version") == 1


def test_wrong_arguments_and_handles_are_refused(fake: Start) -> None:
    driver = fake().use()
    assert driver.errno("no_such_call") == "ENOSYS"
    assert driver.errno("__init__") == "ENOSYS"
    for call, args in (
        ("listen", {"port": 65536}), ("listen", {"port": -1}), ("listen", {"port": "80"}),
        ("listen", {"port": True}), ("listen", {"port": 80, "backlog": None}),
        ("listen", {"port": 80, "extra": 1}), ("connect", {}), ("state", {"local": 80}),
        ("send", {"socket": 3, "count": 1 << 40}), ("recv", {"socket": 3, "all": "yes"}),
        ("shutdown", {"socket": 3, "how": "UP"}), ("use", {"target": 1, "tester": 2}),
        ("set", {"name": "depth", "value": "deep"}), ("send", {"socket": 3, "flag": "LOUD"}),
    ):  # fmt: skip
        assert driver.errno(call, **args) == "EINVAL", (call, args)
    driver.write(b'{"id":-1,"call":"listen","args":[80]}')
    assert driver.read()["errno"] == "EINVAL"
    keys: tuple[object, ...] = (3, 2, -1, 1.5, "3", None, [3], {})
    for key in keys:
        assert driver.errno("recv", socket=key) == "EBADF", key
    assert driver.errno("recv", socket=99) == "EBADF"
    assert driver.errno("set", name="no such", value="1") == "ENOPROTOOPT"
    assert driver.errno("getsockopt", socket=driver.value("socket"), name="X") == "ENOPROTOOPT"
    assert driver.errno("bind", socket=3, port=80) == "ENOSYS"
    assert driver.errno("advance", until=BEGINNING) == "ENOSYS"
    driver.write(b'{"id":-2,"call":"send","args":{"socket":3,"text":"\\ud800"}}')
    assert driver.read()["errno"] == "EINVAL"


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_it_ends_with_its_stdin(fake: Start, clock: str) -> None:
    driver = fake(clock=clock).use()
    listener = driver.value("listen", port=80)
    driver.blocks("accept", socket=listener)
    assert driver.program.stdin
    driver.program.stdin.close()
    assert driver.program.wait(BOUND) == 0
    assert "a word for people" in driver.last_words()


def test_it_ends_when_nobody_reads_its_answers(fake: Start) -> None:
    driver = fake().use()
    assert driver.program.stdout
    driver.program.stdout.close()
    driver.begin("version")
    assert driver.program.wait(BOUND) == 0


def test_it_ends_though_a_thread_never_does(fake: Start) -> None:
    driver = fake("threads").use()
    listener = driver.value("listen", port=80)
    driver.blocks("recv", socket=driver.value("connect", port=80))
    assert listener == 3
    assert driver.program.stdin
    driver.program.stdin.close()
    assert driver.program.wait(BOUND) == 0


def test_a_fault_of_the_stack_is_told(fake: Start) -> None:
    driver = fake("threads").use()
    driver.value("listen", port=80)
    driver.blocks("recv", socket=driver.value("connect", port=80))  # a thread that never ends
    driver.begin("crash")
    assert driver.program.wait(BOUND) == 1
    assert "RuntimeError: the stack fell over" in driver.last_words()


def test_it_says_what_it_was_not_given(fake: Start, tmp_path: Path) -> None:
    for environment in ({}, {"CONFORMANCE_WIRE_FD": "99"}, {"CONFORMANCE_CLOCK": "lunar"}):
        done = subprocess.run(
            [sys.executable, str(LIAR)], env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True, stdin=subprocess.DEVNULL, timeout=BOUND, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1, done.stderr


# The wire and the clocks


@pytest.mark.parametrize("size", [0, 1, 13, 60, 65535, 70000])
@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_no_size_of_a_frame_hurts(fake: Start, clock: str, size: int) -> None:
    driver = fake(clock=clock).use()
    driver.wire.send(frame(1, size) if size > 14 else bytes(size))
    if driver.virtual:
        driver.advance(BEGINNING)  # the largest leave no room for another
    driver.wire.send(frame(2))
    if driver.virtual:
        driver.advance(BEGINNING)
        driver.advance(BEGINNING + 9 * MS)
        driver.advance(BEGINNING + 9 * MS)
    back = driver.wire.recv(1 << 17)
    if 14 <= size <= 65535:
        assert back == frame(1, size)
        back = driver.wire.recv(1 << 17)
    assert back == frame(2)


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_a_wire_that_is_closed_is_no_end(fake: Start, clock: str) -> None:
    driver = fake(clock=clock).use()
    driver.wire.send(frame(3))
    driver.wire.close()
    if driver.virtual:
        driver.advance(BEGINNING)
        driver.advance(BEGINNING + 5 * MS)  # the echo goes nowhere
    assert driver.value("version") == 1


def test_virtual_time_stops_where_something_comes_out(fake: Start) -> None:
    driver = fake(clock="virtual").use()
    for delay in (30, 10, 10, 0):
        driver.wire.send(frame(delay))
    reply = driver.advance(BEGINNING)  # taken once the time is there; a timer of 0 ms waits
    assert (reply["now"], reply["next"]) == (BEGINNING, BEGINNING)
    times = []
    while (reply := driver.advance(BEGINNING + 25 * MS))["now"] < BEGINNING + 25 * MS:
        times.append((reply["now"] - BEGINNING) // MS)
    assert times == [0, 10]
    assert [driver.wire.recv(99)[14] for _ in range(3)] == [0, 10, 10]
    assert reply["next"] == BEGINNING + 30 * MS
    assert reply["started"] == BEGINNING + 10 * MS
    assert reply["ended"] == BEGINNING + 25 * MS
    assert driver.errno("advance", until=BEGINNING) == "EINVAL"
    assert driver.advance(BEGINNING + 10**12)["now"] == BEGINNING + 30 * MS
    assert driver.advance(BEGINNING + 10**12)["next"] is None


def test_a_frame_is_taken_at_its_time_though_a_timer_is_due_then(fake: Start) -> None:
    driver = fake(clock="virtual").use()
    driver.wire.send(frame(10))
    driver.advance(BEGINNING)
    driver.wire.send(frame(5))
    reply = driver.advance(BEGINNING + 10 * MS)  # the timer fires, and the frame is taken
    assert reply["next"] == BEGINNING + 15 * MS


def test_real_timers_run_out(fake: Start) -> None:
    driver = fake().use()
    sent = time.time_ns()
    driver.wire.send(frame(50))
    assert driver.wire.recv(99) == frame(50)
    assert time.time_ns() - sent >= 50 * MS


# The sockets


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_calls_wait_and_end(fake: Start, clock: str) -> None:
    driver = fake(clock=clock).use()
    assert driver.errno("connect", port=80) == "ECONNREFUSED"
    listener = driver.value("listen", port=80)
    accepting = driver.blocks("accept", socket=listener)
    client = driver.value("connect", port=80)
    server = driver.wait(accepting)["value"]
    assert (listener, client, server) == (3, 4, 5)
    sending = driver.blocks("send", socket=client, count=25)
    assert driver.ask("recv", socket=server, count=4)["data"] == octets(0, 4).hex()
    whole = driver.ask("recv", socket=server, count=21, all=1)
    assert whole["data"] == octets(4, 21).hex()
    assert driver.wait(sending)["value"] == 25
    assert driver.value("send", socket=client, text="né") == 3
    assert driver.value("pending", socket=server) == 3
    assert driver.ask("recv", socket=server)["data"] == "né".encode().hex()
    assert driver.value("send", socket=client, count=2) == 2
    assert driver.ask("recv", socket=server)["data"] == octets(28, 2).hex()
    assert driver.value("shutdown", socket=client, how="WR") == 0
    assert driver.ask("recv", socket=server, all=1)["value"] == 0
    assert driver.ask("state", local=80, remote=1)["text"] == "ESTABLISHED"
    assert driver.ask("state", local=80, remote=2)["text"] == "LISTEN"
    assert driver.ask("state", local=81, remote=2)["text"] == "CLOSED"


def pair(driver: Driver) -> tuple[int, int]:
    driver.use()
    listener = driver.value("listen", port=80)
    client = driver.value("connect", port=80)
    return client, driver.value("accept", socket=listener)


def test_flags(fake: Start) -> None:
    """What the stack need not know of: not to wait, and to look."""
    driver = fake()
    client, server = pair(driver)
    assert driver.errno("recv", socket=server, flag="DONTWAIT") == "EAGAIN"
    waits = driver.blocks("recv", socket=server, count=5, all=1)
    assert driver.errno("recv", socket=server, flag="PEEK|DONTWAIT") == "EAGAIN"  # past who waits
    assert driver.value("send", socket=client, count=25, flag="DONTWAIT|NOSIGNAL") == 10
    assert driver.wait(waits)["data"] == octets(0, 5).hex()
    for _ in range(2):
        looked = driver.ask("recv", socket=server, count=3, flag="PEEK")
        assert looked["data"] == octets(5, 3).hex()
    assert driver.ask("recv", socket=server, flag="DONTWAIT")["data"] == octets(5, 5).hex()
    assert driver.value("send", socket=client, count=10) == 10
    assert driver.errno("send", socket=client, count=1, flag="DONTWAIT") == "EAGAIN"
    assert driver.errno("send", socket=client, count=1, flag="EOR") == "ENOSYS"
    assert driver.errno("connect", port=7, flag="DONTWAIT") == "EINPROGRESS"
    assert driver.errno("accept", socket=3, flag="DONTWAIT") == "EAGAIN"
    for call in ("outq", "unsent", "poll", "getsockname", "getpeername", "dup"):
        assert driver.errno(call, socket=server) == "ENOSYS"


def test_calls_of_one_kind_keep_their_order(fake: Start) -> None:
    driver = fake()
    client, server = pair(driver)
    first, second = (driver.blocks("recv", socket=server, count=n, all=1) for n in (3, 2))
    driver.value("send", socket=client, count=5)
    assert driver.wait(first)["data"] == octets(0, 3).hex()
    assert driver.wait(second)["data"] == octets(3, 2).hex()
    assert driver.value("recv", socket=server, count=0) == 0


def test_close_waits_for_sends_and_cancels_the_rest(fake: Start) -> None:
    driver = fake()
    client, server = pair(driver)
    receiving = driver.blocks("recv", socket=client)
    sending = driver.blocks("send", socket=client, count=12)
    closing = driver.blocks("close", socket=client)
    assert driver.value("recv", socket=server, count=5) == 5
    assert driver.wait(sending)["value"] == 12
    assert driver.wait(receiving)["errno"] == "ECANCELED"
    assert driver.wait(closing)["value"] == 0
    assert driver.errno("send", socket=client, count=1) == "EBADF"
    assert driver.value("recv", socket=server, count=9, all=1) == 7


def test_a_reset_is_told_once(fake: Start) -> None:
    driver = fake()
    client, server = pair(driver)
    receiving = driver.blocks("recv", socket=server)
    driver.value("abort", socket=client)
    assert driver.wait(receiving)["errno"] == "ECONNRESET"
    assert driver.value("recv", socket=server) == 0
    assert driver.errno("send", socket=server, count=1) == "EPIPE"
    assert driver.errno("shutdown", socket=server) == "ENOTCONN"
    client = driver.value("connect", port=80)
    server = driver.value("accept", socket=3)
    driver.value("setsockopt", socket=client, name="LINGER", value=0)
    driver.value("close", socket=client)
    assert driver.value("getsockopt", socket=server, name="ERROR") == 104
    assert driver.value("getsockopt", socket=server, name="ERROR") == 0


def test_threads_answer_through_the_loop(fake: Start) -> None:
    driver = fake("threads")
    client, server = pair(driver)
    both = [driver.blocks("recv", socket=server, count=9), driver.blocks("recv", socket=client)]
    driver.value("send", socket=client, count=5)
    driver.value("send", socket=server, text="back")
    assert [driver.wait(one)["data"] for one in both] == [octets(0, 5).hex(), b"back".hex()]


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_a_reset_forgets_everything(fake: Start, clock: str) -> None:
    driver = fake(clock=clock)
    client, _ = pair(driver)
    waiting = [driver.blocks("recv", socket=client), driver.blocks("connect", port=7)]
    assert driver.value("reset") == 0
    assert [driver.wait(one)["errno"] for one in waiting] == ["ECANCELED", "ECANCELED"]
    assert driver.errno("recv", socket=client) == "EBADF"
    driver.use()
    assert driver.ask("state", local=80, remote=2)["text"] == "CLOSED"
    assert driver.value("socket") == 3


# The skeleton


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_the_skeleton_refuses_a_syn(start: Start, tmp_path: Path, clock: str) -> None:
    path = tmp_path / "mystack.py"
    path.write_text((GLUE / "skeleton.py").read_text().replace("@NAME@", "mystack"))
    driver = start(path, clock=clock).use()
    assert driver.ask("version")["text"] == "mystack 0"
    driver.send(Flags.SYN, 0xFFFFFFFF)
    reset = driver.segment()
    assert (reset.flags, reset.seq, reset.ack) == (Flags.RST | Flags.ACK, 0, 0)
    assert (reset.sport, reset.dport) == (80, 1024)
    driver.send(Flags.RST, 5)
    driver.send(Flags.SYN | Flags.ACK, 5, 9)
    mac, address = bytes.fromhex("020000000001"), socket.inet_aton(driver.tester)
    question = bytes.fromhex("0001080006040001") + mac + address + bytes(6)
    driver.wire.send(b"\xff" * 6 + mac + b"\x08\x06" + question + socket.inet_aton(driver.target))
    if driver.virtual:
        driver.advance(driver.now)
    answer = driver.wire.recv(99)  # and none to the two before it
    assert (answer[:6], answer[6:12], answer[20:22]) == (mac, b"\2\0\0\0\0\2", b"\0\2")
    assert answer[22:28] == b"\2\0\0\0\0\2"
    assert answer[32:42] == mac + address
    assert driver.errno("listen", port=80) == "ENOSYS"
    assert driver.ask("state", local=80, remote=1024)["text"] == "CLOSED"


def test_the_skeleton_names_its_place() -> None:
    assert "@NAME@" in (GLUE / "skeleton.py").read_text()


# The liar


def opened(driver: Driver) -> tuple[int, int, int]:
    """A passive open: the handle, and what to send and acknowledge next."""
    listener = driver.value("listen", port=80)
    accepting = driver.blocks("accept", socket=listener)
    driver.state("LISTEN")
    driver.send(Flags.SYN, 100)
    answer = driver.segment()
    assert (answer.flags, answer.ack) == (Flags.SYN | Flags.ACK, 101)
    driver.state("SYN-RECEIVED")
    driver.send(Flags.ACK, 101, answer.end)
    handle = driver.wait(accepting)["value"]
    driver.state("ESTABLISHED")
    return handle, 101, answer.end


def conversation(driver: Driver) -> None:
    """Handshake, text both ways, close, each state; then an active open that is reset."""
    handle, seq, ack = opened(driver.use())
    assert driver.value("send", socket=handle, count=100) == 100
    text = driver.segment()
    assert (text.seq, text.ack, text.payload) == (ack, seq, octets(0, 100))
    driver.send(Flags.ACK, seq, text.end, payload=b"hello")
    assert driver.ask("recv", socket=handle, all=1, count=5)["data"] == b"hello".hex()
    seq += 5
    assert driver.value("close", socket=handle) == 0
    while Flags.FIN not in (last := driver.segment()).flags:
        pass
    assert last.ack == seq
    driver.state("FIN-WAIT-1")
    driver.send(Flags.ACK, seq, last.end)
    driver.state("FIN-WAIT-2")
    driver.send(Flags.FIN | Flags.ACK, seq, last.end)
    assert driver.segment().ack == seq + 1
    driver.state("TIME-WAIT")
    connecting = driver.blocks("connect", port=2000, local_port=3000)
    syn = driver.segment()
    assert (syn.flags, syn.sport, syn.dport) == (Flags.SYN, 3000, 2000)
    driver.state("SYN-SENT", 3000, 2000)
    ports = {"sport": 2000, "dport": 3000}
    driver.send(Flags.SYN | Flags.ACK, 500, syn.end, **ports)
    handle = driver.wait(connecting)["value"]
    assert driver.segment().ack == 501
    receiving = driver.blocks("recv", socket=handle)
    driver.send(Flags.RST, 501, **ports)
    assert driver.wait(receiving)["errno"] == "ECONNRESET"
    driver.state("CLOSED", 3000, 2000)


def begun_again(driver: Driver) -> None:
    """A reset leaves nothing, sends nothing, and the next case finds it as new."""
    handle, *_ = opened(driver)
    driver.value("send", socket=handle, count=100)
    assert driver.segment().payload == octets(0, 100)
    assert driver.value("reset") == 0
    if driver.virtual:
        driver.advance(driver.now + 10**10)  # nothing is sent again
    assert not select.select([driver.wire], [], [], 0)[0]
    assert driver.ask("state", local=80, remote=1024)["text"] == "CLOSED"
    assert driver.errno("recv", socket=handle) == "EBADF"
    opened(driver.use())


CLOCKS = [(clock, ip) for clock in ("real", "virtual") for ip in (4, 6)]


@pytest.mark.parametrize(("clock", "ip"), CLOCKS)
def test_the_liar_is_honest_when_nothing_else_is_asked(start: Start, clock: str, ip: int) -> None:
    driver = start(LIAR, clock=clock, ip=ip)
    conversation(driver)
    driver.value("reset")
    begun_again(driver.use())


def test_the_liar_lies(start: Start) -> None:
    driver = start(LIAR, "--lie", "state", clock="virtual").use()
    assert driver.ask("state", local=80, remote=1)["text"] == "ESTABLISHED"
    driver = start(LIAR, "--lie", "ack-too-much", clock="virtual").use()
    handle, seq, _ = opened(driver)
    driver.value("close", socket=handle)
    assert driver.segment().ack == seq + 1
    driver = start(LIAR, "--lie", "drop-fin", clock="virtual").use()
    handle, *_ = opened(driver)
    driver.value("close", socket=handle)
    driver.state("FIN-WAIT-1")
    for _ in range(3):
        driver.advance(driver.now + 10**10)
    assert not select.select([driver.wire], [], [], 0)[0]


def test_the_liar_fails(start: Start) -> None:
    driver = start(LIAR, "--no-start")
    driver.begin("version")
    assert driver.program.wait(BOUND) == 1
    assert "cannot be started" in driver.last_words()
    driver = start(LIAR, "--die-after", 2).use()
    driver.begin("version")
    assert driver.program.wait(BOUND) == -9
    driver = start(LIAR, "--garbage").use()
    driver.begin("version")
    with pytest.raises(ValueError):
        driver.read()
    assert start(LIAR, "--protocol", 9).ask("version")["value"] == 9


def test_the_liar_claims_what_it_lacks(start: Start) -> None:
    for ability, call, args in (
        ("STATE", "state", {"local": 80, "remote": 1}), ("ACTIVE-OPEN", "connect", {"port": 1}),
        ("OPTIONS", "set", {"name": "nagle", "value": "off"}), ("CALLS", "listen", {"port": 80}),
        ("VIRTUAL-TIME", "advance", {"until": BEGINNING}),
    ):  # fmt: skip
        driver = start(LIAR, "--claim", ability, clock="virtual")
        assert ability in driver.ask("version")["abilities"]
        assert driver.errno(call, **args) == "ENOSYS"
    assert "PATH" in start(LIAR, "--claim", "PATH").ask("version")["abilities"]


@pytest.mark.parametrize("size", [0, 70000])
def test_the_liar_sends_what_is_no_frame(start: Start, size: int) -> None:
    driver = start(LIAR, "--frames", size, clock="virtual").use()
    driver.value("listen", port=80)
    driver.send(Flags.SYN, 100)
    assert len(driver.wire.recv(1 << 17)) == size
    assert driver.segment().ack == 101


def test_the_liar_floods(start: Start) -> None:
    driver = start(LIAR, "--flood").use()
    driver.value("listen", port=80)
    driver.send(Flags.SYN, 100)
    assert sum(driver.wire.recv(99) == bytes(60) for _ in range(1000)) >= 999


# PyTCP


def pytcp() -> Path:
    """The glue of PyTCP, or a skip that says what is missing."""
    if importlib.util.find_spec("pmd_pytcp") is None:
        pytest.skip(f"PyTCP is not installed for {sys.executable}: pip install pmd-pytcp")
    return GLUE / "pytcp.py"


@pytest.mark.parametrize(("clock", "ip"), CLOCKS)
def test_pytcp_holds_a_conversation(start: Start, clock: str, ip: int) -> None:
    driver = start(pytcp(), clock=clock, ip=ip)
    conversation(driver)
    driver.value("reset")
    begun_again(driver.use())


def test_a_timer_that_ran_is_due_no_more() -> None:
    """Whatever the last bit of its time, a float, says: else virtual time would stand still."""
    now, ran = 1000800000001, list[int]()
    loop = Loop(lambda: now)
    loop.call_at(math.nextafter(now / 1e9, math.inf), ran.append, 1)
    loop.call_at(now / 1e9 + 1, ran.append, 2)
    loop.step()
    assert ran == [1]
    assert loop.due() == pytest.approx(now + 10**9, abs=1)
    loop.close()


def test_pytcp_says_nothing_of_itself(start: Start) -> None:
    """No probe for its own address, no advertisement, no solicitation: not in ten minutes."""
    for ip in (4, 6):
        driver = start(pytcp(), clock="virtual", ip=ip).use()
        while driver.now < BEGINNING + 600 * 10**9:
            driver.advance(BEGINNING + 600 * 10**9)
        assert not select.select([driver.wire], [], [], 0)[0]


def test_pytcp_takes_options_and_settings(start: Start) -> None:
    driver = start(pytcp(), clock="virtual").use()
    handle, *_ = opened(driver)
    assert driver.value("setsockopt", socket=handle, name="NODELAY", value=1) == 0
    for name in ("NOSUCH", "RCVBUF"):
        assert driver.errno("setsockopt", socket=handle, name=name, value=1) == "ENOPROTOOPT"
    assert driver.errno("send", socket=handle, count=1, flag="MORE") == "EOPNOTSUPP"
    assert driver.errno("set", name="no such", value="1") == "ENOPROTOOPT"
    assert driver.errno("set", name="ts", value="much") == "EINVAL"
    assert driver.value("set", name="ts", value="off") == 0
    connecting = driver.blocks("connect", port=2000)
    syn = driver.segment()
    assert "Timestamps" not in str(syn.options)
    driver.send(Flags.RST | Flags.ACK, 0, syn.end, sport=2000, dport=syn.sport)
    assert driver.wait(connecting)["errno"] == "ECONNREFUSED"
    assert driver.errno("send", socket=driver.value("socket"), count=1) == "ENOTCONN"


def test_pytcp_listens_on_the_port_that_was_bound(start: Start) -> None:
    """A case's ``listen(s)`` says the port once more."""
    driver = start(pytcp(), clock="virtual").use()
    handle = driver.value("socket")
    assert driver.value("bind", socket=handle, port=4003) == 0
    assert driver.value("listen", socket=handle, port=4003) == handle


def test_pytcp_adds_up_to_the_last_carry(start: Start) -> None:
    """PyTCP's own sum forgets it in each of these resets (``trouble``)."""
    driver = start(pytcp(), clock="virtual").use()
    driver.send(Flags.ACK, 100, 1)
    rest = 0xFFFF - int.from_bytes(driver.wire.recv(99)[50:52]) - 1  # the sum without SEG.SEQ
    for high in range(0x2FA6, 0x2FF6, 8):
        low = (1 - rest - high) % 0xFFFF
        driver.send(Flags.ACK, 100, high << 16 | low)
        assert driver.segment().seq == high << 16 | low
