"""The base of glues in Python, with a stack of twenty lines."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_driver import (
    BEGINNING,
    BOUND,
    LIAR,
    MS,
    ROOT,
    Driver,
    Start,
    started,
)

from conformance.tcp.stream import octets

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


@pytest.fixture
def start() -> Iterator[Start]:
    yield from started()


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
