"""The agent's calls that only Linux has, over the loopback of this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from test_agent_calls import Driver

from conformance.agent import agent
from conformance.tcp.stream import octets

NETWORK_ADMIN = 12  # the capability that TCP_REPAIR asks for


@pytest.fixture
def driver() -> Iterator[Driver]:
    driver = Driver()
    with driver.process, driver.server:
        yield driver
        driver.process.kill()


def may_repair() -> bool:
    with open("/proc/self/status", encoding="ascii") as file:
        bits = next(line.split()[1] for line in file if line.startswith("CapEff"))
    return bool(int(bits, 16) >> NETWORK_ADMIN & 1)


@pytest.mark.skipif(not may_repair(), reason="TCP_REPAIR needs CAP_NET_ADMIN")
def test_a_connection_goes_on_in_another_socket(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        far.sendall(b"unread")
        assert driver.call("poll", socket=handle, events="IN") == agent.EVENTS["IN"]
        assert driver.call("send", socket=handle, count=100) == 100
        moved = driver.call("repair", socket=handle)
        assert moved not in (handle, "EPERM")
        assert driver.call("recv", socket=handle) == "EBADF"
        assert driver.call("send", socket=moved, count=50) == 50
        assert far.recv(150, socket.MSG_WAITALL) == octets(0, 150)  # it knows what it has sent
        far.sendall(b" and read")
        assert driver.call("recv", socket=moved, count=15, all=1) == 15
        assert driver.call("close", socket=moved) == 0
        assert far.recv(1) == b""


def test_the_table_tells_how_many_are_in_a_state(driver: Driver) -> None:
    with driver.server:  # it listens, so somebody does
        assert driver.call("listed", state="LISTEN") not in (0, "ENOSYS")
        assert driver.call("listed", state="NO_STATE") == 0


@pytest.mark.skipif(not os.path.exists("/proc/net/tcp6"), reason="there is no IPv6")
def test_a_socket_of_both_ip_versions_has_mapped_addresses(driver: Driver) -> None:
    handle = driver.call("socket", flag="DUAL")
    assert driver.call("getsockopt", socket=handle, name="V6ONLY") == 0
    assert driver.call("connect", socket=handle, port=driver.port) == handle
    far, (address, _) = driver.server.accept()
    with far:
        assert address == "127.0.0.1"
    plain = driver.call("socket")
    assert driver.call("getsockopt", socket=plain, name="V6ONLY") in ("ENOTSUP", "EOPNOTSUPP")


@pytest.mark.parametrize(
    ("family", "address", "named"),
    [
        (socket.AF_INET, "192.0.2.1", "192.0.2.1"),
        (socket.AF_INET6, "192.0.2.1", "::ffff:192.0.2.1"),
        (socket.AF_INET6, "0.0.0.0", "::"),
        (socket.AF_INET6, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_an_address_is_named_as_its_socket_takes_it(
    family: socket.AddressFamily, address: str, named: str
) -> None:
    with socket.socket(family) as sock:
        assert agent.named(sock, address) == named


def test_what_is_spliced_and_mapped_is_the_stream(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        assert driver.call("send", socket=handle, count=70000, flag="SPLICE") == 70000
        assert far.recv(70000, socket.MSG_WAITALL) == octets(0, 70000)
        assert driver.call("recv", socket=handle, count=10, flag="ZEROCOPY") == 0
        far.sendall(b"0123456789")
        assert driver.call("poll", socket=handle, events="IN") == agent.EVENTS["IN"]
        answer = driver.answer("recv", socket=handle, count=10, flag="ZEROCOPY")
        assert bytes.fromhex(answer["data"]) == b"0123456789"
        far.shutdown(socket.SHUT_WR)
        assert driver.call("poll", socket=handle, events="RDHUP") == agent.EVENTS["RDHUP"]
        assert driver.call("recv", socket=handle, count=10, flag="ZEROCOPY") == "EIO"


def test_statistics_come_with_a_stamp(driver: Driver) -> None:
    handle, far = driver.pair()
    with far:
        driver.call("setsockopt", socket=handle, name="TIMESTAMPING", value=2)
        assert driver.call("sendmsg", socket=handle, count=10, flag="ACKED") == 10
        assert driver.call("poll", socket=handle, events="RDHUP") == agent.EVENTS["ERR"]
        value, data, names = driver.told("recvmsg", socket=handle, flag="ERRQUEUE")
        assert (value > 100, data, names) == (True, b"", {"acked=9", "statistics"})
