"""Stacks behind glues in Python: the skeleton, the liar, PyTCP."""

from __future__ import annotations

import importlib.util
import math
import select
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_driver import (
    BEGINNING,
    BOUND,
    GLUE,
    LIAR,
    Driver,
    Start,
    started,
)

from conformance.glue.aio import Loop
from conformance.tcp.flags import Flags
from conformance.tcp.stream import octets


@pytest.fixture
def start() -> Iterator[Start]:
    yield from started()


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
