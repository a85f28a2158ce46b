"""ns-3 behind its glue program: simulated time follows the harness's, on both IP versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from c_build import LOCAL, REMOTE, accepted, connected, program
from c_driver import BEGINNING, SECOND, Driver, Peer

from conformance.tcp.stream import octets

BOTH = pytest.mark.parametrize("ip", [4, 6])


@pytest.fixture
def ns3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program("ns3", tmp_path_factory)


@BOTH
@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_ns3_from_open_to_time_wait(ns3: Path, ip: int, clock: str) -> None:
    with Driver(ns3, clock=clock, ip=ip) as driver:
        driver.use()
        assert driver.segments() == []
        assert driver.state(LOCAL, REMOTE) == "CLOSED"
        peer, handle = accepted(driver)
        assert driver.state(LOCAL, 1) == "LISTEN"
        peer.send("A", b"hello")
        got = driver.final(driver.ask("recv", socket=handle))
        assert (got["value"], got["data"]) == (5, b"hello".hex())
        peer.get("A")
        assert driver.call("send", socket=handle, count=300) == 300
        peer.get("A", octets(0, 300))
        peer.send("A")
        assert driver.call("shutdown", socket=handle) == 0
        peer.get("FA")
        assert driver.state(LOCAL, REMOTE) == "FIN-WAIT-1"
        peer.send("A")
        assert driver.state(LOCAL, REMOTE) == "FIN-WAIT-2"
        peer.send("FA")
        peer.get("A")
        assert driver.call("recv", socket=handle) == 0
        assert driver.state(LOCAL, REMOTE) == "TIME-WAIT"
        if clock == "virtual":
            driver.advance(239)
            assert driver.state(LOCAL, REMOTE) == "TIME-WAIT"
            driver.advance(2)
            assert driver.state(LOCAL, REMOTE) == "LISTEN"


@BOTH
def test_what_it_puts_off_by_a_step_is_out_before_the_reply(ns3: Path, ip: int) -> None:
    """It sends text one step of time after the call: no nanosecond passes on the wire."""
    with Driver(ns3, ip=ip) as driver:
        driver.use()
        peer, handle = accepted(driver)
        driver.advance(1.5)
        before = driver.now
        assert driver.call("send", socket=handle, count=10) == 10
        peer.get("A", octets(0, 10))
        assert driver.now == before == BEGINNING + 1.5 * SECOND


def test_retransmissions_come_at_their_time(ns3: Path) -> None:
    with Driver(ns3) as driver:
        driver.use()
        began = driver.now
        waiting = driver.waits("connect", port=7000, local_port=6000)
        Peer(driver, 7000, 6000).get("S")
        times = []
        for _ in range(5):
            assert driver.until_frame(600).flags.name == "SYN"
            times.append((driver.now - began) / SECOND)
        assert times == [3, 9, 21, 45, 93]
        assert driver.reply_after(waiting, 600)["errno"] == "ETIMEDOUT"

        peer, handle = connected(driver, port=7001)
        assert driver.call("send", socket=handle, count=10) == 10
        peer.get("A", octets(0, 10))
        began = driver.now
        assert driver.until_frame(60).payload == octets(0, 10)
        assert driver.now - began >= SECOND
        assert driver.reply_after(driver.waits("recv", socket=handle), 600)["errno"] == "ETIMEDOUT"
        assert driver.call("send", socket=handle, count=1) == "EPIPE"


def test_what_waits_ends_with_a_reset(ns3: Path) -> None:
    with Driver(ns3) as driver:
        driver.use()
        peer, handle = accepted(driver)
        receiving = driver.waits("recv", socket=handle)
        peer.send("R")
        assert driver.final(receiving)["errno"] == "ECONNRESET"
        assert driver.call("send", socket=handle, count=1) == "EPIPE"
        assert driver.call("recv", socket=handle) == 0
        unheard = Peer(driver, REMOTE, LOCAL + 1)
        unheard.send("S")
        unheard.get("RA")


def test_a_full_backlog_takes_no_more(ns3: Path) -> None:
    with Driver(ns3) as driver:
        driver.use()
        listener = driver.call("listen", port=LOCAL, backlog=1)
        first, second = Peer(driver, REMOTE, LOCAL), Peer(driver, REMOTE + 1, LOCAL)
        first.send("S")
        first.get("SA")
        first.send("A")
        second.send("S")
        assert driver.segments() == []
        assert driver.call("accept", socket=listener) > listener
        second.send("S")
        second.get("SA")


def test_settings_and_options_of_ns3(ns3: Path) -> None:
    with Driver(ns3) as driver:
        driver.use()
        for name in ("Sack", "Timestamp", "WindowScaling", "UseEcn"):
            assert driver.call("set", name=name, value="off") == 0
            assert driver.call("set", name=name, value="perhaps") == "EINVAL"
        assert driver.call("set", name="MinRto", value="on") == "ENOPROTOOPT"
        waiting = driver.waits("connect", port=7000, local_port=6000)
        syn = Peer(driver, 7000, 6000).get("S")
        assert syn.options == ()
        assert waiting
        assert driver.call("set", name="Timestamp", value="on") == 0
        driver.waits("connect", port=7000, local_port=6001)
        assert len(Peer(driver, 7000, 6001).get("S").options) > 0
        handle = driver.call("socket")
        for name in ("NODELAY", "RCVBUF", "SNDBUF"):
            assert driver.call("setsockopt", socket=handle, name=name, value=1000) == 0
        assert driver.call("setsockopt", socket=handle, name="KEEPALIVE", value=1) == "ENOPROTOOPT"
