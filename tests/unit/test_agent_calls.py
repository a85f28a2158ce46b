"""The agent's calls that ask, do not wait, or share a socket, over the loopback of this machine."""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.agent import agent
from conformance.agent.agent import extended
from conformance.notation.bits import EVENTS, ORIGINS, SIGNALS
from conformance.tcp.stream import octets

HERE = "127.0.0.1"
BOUND = 60.0  # seconds, for a machine that is busy with other things


class Driver:
    """An agent, and a connection of it to a socket of ours."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", agent.__file__, HERE, HERE]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.server = socket.create_server((HERE, 0))
        self.port = self.server.getsockname()[1]
        self.asked = 0

    def begin(self, call: str, /, **args: int | str) -> int:
        self.asked += 1
        assert self.process.stdin is not None
        request = {"id": self.asked, "call": call, "args": args}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return self.asked

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], BOUND)[0], "it does not answer"
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def answer(self, call: str, /, **args: int | str) -> dict[str, Any]:
        """The last line of a call, whether it waits or not."""
        number = self.begin(call, **args)
        while True:
            answer = self.line()
            if answer["id"] == number and "pending" not in answer:
                return answer

    def call(self, call: str, /, **args: int | str) -> int | str:
        """What the call comes to."""
        answer = self.answer(call, **args)
        found: int | str = answer["errno" if "errno" in answer else "value"]
        return found

    def told(self, call: str, /, **args: int | str) -> Any:
        """The number, the octets and the control messages; the errno of one that failed."""
        answer = self.answer(call, **args)
        if "errno" in answer:
            return answer["errno"]
        return answer["value"], bytes.fromhex(answer["data"]), set(answer["text"].split())

    def pair(self) -> tuple[int, socket.socket]:
        handle = self.call("connect", port=self.port)
        assert isinstance(handle, int)
        return handle, self.server.accept()[0]


@pytest.fixture
def driver() -> Iterator[Driver]:
    driver = Driver()
    with driver.process, driver.server:
        yield driver
        driver.process.kill()


def test_the_numbers_are_the_harnesss() -> None:
    assert dict(EVENTS) == agent.EVENTS
    assert {name.name.removeprefix("SIG"): bit for name, bit in agent.SIGNALS.items()} == SIGNALS


def test_who_does_not_wait(driver: Driver) -> None:
    driver.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    handle, far = driver.pair()
    with far:
        waits = driver.begin("recv", socket=handle, count=5, all=1)
        assert driver.line()["pending"]
        number = driver.begin("recv", socket=handle, flag="DONTWAIT")
        answer = driver.line()
        assert (answer["id"], answer["errno"]) == (number, "EAGAIN")  # past the one that waits
        far.sendall(octets(0, 5))
        answer = driver.line()
        assert (answer["id"], answer["value"]) == (waits, 5)
        far.sendall(octets(5, 5))
        assert driver.call("poll", socket=handle, events="IN") == EVENTS["IN"]
        assert driver.call("recv", socket=handle, count=3, flag="PEEK") == 3
        assert driver.call("recv", socket=handle, flag="PEEK|DONTWAIT") == 5
        assert driver.call("recv", socket=handle, flag="DONTWAIT") == 5
        driver.call("setsockopt", socket=handle, name="SNDBUF", value=4096)
        taken = driver.call("send", socket=handle, count=1_000_000, flag="DONTWAIT")
        assert isinstance(taken, int)
        assert 0 < taken < 1_000_000
        assert driver.call("send", socket=handle, count=1, flag="PEEKED") == "EINVAL"
    listener = driver.call("listen", port=0)
    assert driver.call("accept", socket=listener, flag="DONTWAIT") == "EAGAIN"


def test_a_second_connect_is_told_what_there_is(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.call("connect", socket=handle, port=driver.port) == "EISCONN"
    refused = driver.call("socket")
    assert driver.call("connect", socket=refused, port=1) == "ECONNREFUSED"


def test_a_connect_that_does_not_wait(driver: Driver) -> None:
    handle = driver.call("socket")
    again: dict[str, int | str] = {"socket": handle, "port": driver.port, "flag": "DONTWAIT"}
    assert driver.call("connect", **again) == "EINPROGRESS"
    assert driver.call("poll", socket=handle, events="OUT") == EVENTS["OUT"]
    assert driver.call("connect", **again) == 3  # as Linux has it: it reports the end
    assert driver.call("connect", **again) == "EISCONN"


def test_a_poll_waits_and_is_ended_by_a_close(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.call("poll", socket=handle) == EVENTS["OUT"]
        assert driver.call("poll", socket=handle, events="IN", flag="DONTWAIT") == 0
        assert driver.call("poll", socket=handle, events="WHAT") == "EINVAL"
        number = driver.begin("poll", socket=handle, events="IN|RDHUP")
        assert driver.line()["pending"]
        looks = driver.begin("poll", socket=handle)
        answer = driver.line()
        assert (answer["id"], answer.get("value")) == (looks, EVENTS["OUT"])  # past who waits
        far.shutdown(socket.SHUT_WR)
        answer = driver.line()
        assert (answer["id"], answer["value"]) == (number, EVENTS["IN"] | EVENTS["RDHUP"])
        number = driver.begin("poll", socket=handle, events="PRI")
        assert driver.line()["pending"]
        closing = driver.begin("close", socket=handle)
        ends = {answer["id"]: answer.get("errno", "") for answer in (driver.line(), driver.line())}
        assert ends == {number: "ECANCELED", closing: ""}


def test_a_second_handle_holds_the_connection_and_writes_on(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        second = driver.call("dup", socket=handle)
        assert driver.call("send", socket=handle, count=10) == 10
        assert driver.call("close", socket=handle) == 0
        assert driver.call("send", socket=second, count=10) == 10
        assert far.recv(20, socket.MSG_WAITALL) == octets(0, 20)
        assert driver.call("close", socket=second) == 0
        assert far.recv(1) == b""


def test_ports_and_queues(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.call("getsockname", socket=handle) == far.getpeername()[1]
        assert driver.call("getpeername", socket=handle) == driver.port
        assert driver.call("getpeername", socket=driver.call("socket")) == "ENOTCONN"
        assert driver.call("outq", socket=handle) == driver.call("unsent", socket=handle) == 0


def test_a_connection_opens_with_text_or_with_the_text_behind_it(driver: Driver) -> None:
    """The loopback has no cookie yet: the text goes once the connection is there."""
    handle = driver.call("socket")
    fast = {"port": driver.port, "flag": "FASTOPEN"}
    assert driver.call("send", socket=handle, count=10, **fast) == 10
    assert driver.call("send", socket=handle, count=5) == 5
    far = driver.server.accept()[0]
    with far:
        assert far.recv(15, socket.MSG_WAITALL) == octets(0, 15)
    later = driver.call("socket")
    waits = {"port": driver.port, "flag": "FASTOPEN|DONTWAIT"}
    assert driver.call("send", socket=later, count=10, **waits) == "EINPROGRESS"


def test_a_socket_is_given_keys(driver: Driver) -> None:
    """What the kernel was built without it says so; it knows of each key for whom it is."""
    handle = driver.call("socket")
    given = driver.call("setsockopt", socket=handle, name="MD5SIG", value="secret")
    if given != "ENOPROTOOPT":
        assert given == 0
        assert driver.call("setsockopt", socket=handle, name="MD5SIG", value=0) == 0
        again = driver.call("setsockopt", socket=handle, name="MD5SIG", value=0)
        assert again == "ENOENT"
    added = driver.call("ao_add", socket=handle, key="secret", send=1, recv=2)
    assert added in (0, "ENOPROTOOPT")
    if added == 0:
        assert driver.call("ao_add", socket=handle, key="other", send=1, recv=2) == "EEXIST"
        assert driver.call("ao_use", socket=handle, current=1) == 0
        assert driver.call("ao_del", socket=handle, send=3, recv=3) == "ENOENT"
    assert driver.call("ao_add", socket=handle, key="k" * 81) == "EINVAL"


def test_signals(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.call("signals") == 0
        far.send(b"u", socket.MSG_OOB)
        assert driver.call("poll", socket=handle, events="PRI") == EVENTS["PRI"]
        assert driver.call("signals") == SIGNALS["URG"]
        driver.call("shutdown", socket=handle, how="WR")
        assert driver.call("send", socket=handle, count=1, flag="NOSIGNAL") == "EPIPE"
        assert driver.call("signals") == 0
        assert driver.call("send", socket=handle, count=1) == "EPIPE"
        assert driver.call("signals") == SIGNALS["PIPE"]
    later, far = driver.pair()
    with far:
        far.send(b"u", socket.MSG_OOB)
        assert driver.call("poll", socket=later, events="PRI") == EVENTS["PRI"]
        assert driver.call("signals") == SIGNALS["URG"]


def test_splice_and_sendfile_move_the_stream(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.call("send", socket=handle, count=3000, flag="FILE") == 3000
        assert driver.call("send", socket=handle, count=10) == 10
        assert far.recv(3010, socket.MSG_WAITALL) == octets(0, 3010)
        far.sendall(b"text of ours")
        assert driver.call("recv", socket=handle, count=100, flag="SPLICE") == 12
        far.shutdown(socket.SHUT_WR)
        assert driver.call("recv", socket=handle, count=100, flag="SPLICE") == 0


def test_a_read_that_blocks_ends_by_its_time_or_a_signal(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.call("interrupt", socket=handle) == "EINVAL"
        driver.call("setsockopt", socket=handle, name="RCVTIMEO", value=100)
        assert driver.call("getsockopt", socket=handle, name="RCVTIMEO") == 100
        assert driver.call("recv", socket=handle, count=10, flag="BLOCK") == "EAGAIN"
        driver.call("setsockopt", socket=handle, name="RCVTIMEO", value=0)
        number = driver.begin("recv", socket=handle, count=10, flag="WAITALL")
        assert driver.line()["pending"]
        far.sendall(b"four")
        while driver.call("pending", socket=handle):
            pass  # it has not taken them yet
        driver.begin("interrupt", socket=handle)
        answers = {answer["id"]: answer for answer in (driver.line(), driver.line())}
        assert bytes.fromhex(answers[number]["data"]) == b"four"
        assert answers[driver.asked]["value"] == 0


def test_what_blocks_ends_with_its_socket(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        driver.begin("recv", socket=handle, count=10, flag="BLOCK")
        assert driver.line()["pending"]
        assert driver.call("abort", socket=handle) == 0
        far.settimeout(BOUND)
        with pytest.raises(ConnectionResetError):
            far.recv(1)


def test_names_and_octets_of_options(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        for name in ("CONGESTION", "SAVED_SYN"):
            driver.begin("getsockopt", socket=handle, name=name)
            answer = driver.line()
            assert answer["value"] == len(bytes.fromhex(answer["data"]))
        unknown = driver.call("setsockopt", socket=handle, name="CONGESTION", value="nosuch")
        assert unknown == "ENOENT"


def test_a_connection_is_undone(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.call("disconnect", socket=handle) == 0
        assert driver.call("getpeername", socket=handle) == "ENOTCONN"
        assert driver.call("connect", socket=handle, port=driver.port) == handle
    assert driver.call("destroy", local=1, remote=2) in ("ENOENT", "EPERM", "EOPNOTSUPP")


def test_what_zero_copy_sent_is_told(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        driver.call("setsockopt", socket=handle, name="ZEROCOPY", value=1)
        assert driver.call("errors", socket=handle) == 0
        assert driver.call("send", socket=handle, count=100, flag="ZEROCOPY") == 100
        assert far.recv(100, socket.MSG_WAITALL) == octets(0, 100)
        assert driver.call("poll", socket=handle, events="RDHUP") == EVENTS["ERR"]
        assert driver.call("errors", socket=handle) == ORIGINS["ZEROCOPY"]


@pytest.fixture
def stamping() -> Iterator[None]:
    """The kernel stamps what comes; it begins some time after the first socket asked for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        asks.bind((HERE, 0))
        asks.settimeout(BOUND)
        asks.setsockopt(socket.SOL_SOCKET, agent.TIMESTAMPING, 0x8 | 0x10)  # RX_SOFTWARE | SOFTWARE
        stamps: list[Any] = []
        while not stamps:
            asks.sendto(b"", asks.getsockname())
            stamps = asks.recvmsg(0, 256)[1]
        yield


@pytest.mark.usefixtures("stamping")
def test_control_messages_come_with_what_is_read(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.told("recvmsg", socket=handle, flag="DONTWAIT") == "EAGAIN"
        driver.call("setsockopt", socket=handle, name="INQ", value=1)
        driver.call("setsockopt", socket=handle, name="TIMESTAMPING", value=1)
        far.sendall(b"12345")
        assert driver.told("recvmsg", socket=handle, count=2) == (2, b"12", {"inq=3", "stamped"})
        assert driver.told("recvmsg", socket=handle, count=9, flag="PEEK")[1] == b"345"
        assert driver.told("recvmsg", socket=handle)[1] == b"345"
        assert driver.told("recvmsg", socket=handle, flag="ERRQUEUE") == "EAGAIN"


def test_a_recvmsg_waits_behind_the_one_before_it(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        first = driver.begin("recvmsg", socket=handle, count=3)
        second = driver.begin("recvmsg", socket=handle, count=3)
        assert {driver.line()["id"], driver.line()["id"]} == {first, second}  # both wait
        far.sendall(b"123456")
        assert [driver.line()["id"], driver.line()["id"]] == [first, second]


def test_stamps_and_completions_are_told_by_number(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        driver.call("setsockopt", socket=handle, name="TIMESTAMPING", value=1)
        asked = "SCHEDULED|SENT|ACKED"
        assert driver.call("sendmsg", socket=handle, count=100, flag=asked) == 100
        assert far.recv(100, socket.MSG_WAITALL) == octets(0, 100)
        for name in ("scheduled", "sent", "acked"):
            assert driver.call("poll", socket=handle, events="RDHUP") == EVENTS["ERR"]
            came = driver.told("recvmsg", socket=handle, flag="ERRQUEUE")
            assert came == (0, b"", {f"{name}=99"})
        driver.call("setsockopt", socket=handle, name="ZEROCOPY", value=1)
        assert driver.call("send", socket=handle, count=7, flag="ZEROCOPY") == 7
        assert driver.call("sendmsg", socket=handle, text="abc") == 3
        assert far.recv(10, socket.MSG_WAITALL) == octets(100, 7) + b"abc"
        assert driver.call("poll", socket=handle, events="RDHUP") == EVENTS["ERR"]
        value, data, names = driver.told("recvmsg", socket=handle, flag="ERRQUEUE")
        assert (value, data, names - {"copied"}) == (0, b"", {"completed=0"})


def test_an_extended_error_is_told_as_it_is_laid_out() -> None:
    def error(origin: int, code: int, info: int, number: int) -> bytes:
        return struct.pack("=IBBBxII", 0, origin, 3, code, info, number) + bytes(16)

    assert extended(error(5, 0, 3, 5)) == ["completed=3", "completed=4", "completed=5"]
    assert extended(error(5, 1, 0, 0)) == ["completed=0", "copied"]
    assert len(extended(error(5, 0, 0, 0xFFFFFFFF))) == 65  # so long a run nobody can mean
    assert extended(error(4, 0, 2, 99)) == ["acked=99"]
    assert extended(error(2, 1, 0, 0)) == ["error=769"]


def test_an_address_of_its_own_choice(driver: Driver) -> None:
    handle = driver.call("socket")
    assert driver.call("bind", socket=handle, port=0, address="203.0.113.254") == "EADDRNOTAVAIL"
    assert driver.call("bind", socket=handle, port=0, address="127.0.0.2") == 0
    assert driver.call("connect", socket=handle, port=driver.port) == handle
    far, name = driver.server.accept()
    with far:
        assert name[0] == "127.0.0.2"
