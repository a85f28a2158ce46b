"""libslirp behind its glue program: loopback sockets for the application, both clocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from c_build import LOCAL, REMOTE, accepted, connected, program
from c_driver import Driver, Peer

from conformance.tcp.stream import octets


@pytest.fixture
def slirp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program("slirp", tmp_path_factory)


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_slirp_from_open_to_time_wait(slirp: Path, clock: str) -> None:
    with Driver(slirp, clock=clock) as driver:
        driver.use()
        assert driver.state(LOCAL, REMOTE) == "CLOSED"
        peer, handle = accepted(driver)
        peer.send("A", b"hello")
        peer.get("A")
        assert driver.final(driver.ask("recv", socket=handle))["data"] == b"hello".hex()
        assert driver.call("send", socket=handle, count=300) == 300
        peer.get("A", octets(0, 300))
        peer.send("A")
        assert driver.call("shutdown", socket=handle) == 0
        peer.get("FA")
        assert driver.state(LOCAL, REMOTE) == "FIN-WAIT-1"
        peer.send("A")
        assert driver.state(LOCAL, REMOTE) == "FIN-WAIT-2"
        peer.send("A", b"last words")
        peer.get("A")
        assert driver.call("recv", socket=handle) == 10
        peer.send("FA")
        peer.get("A")
        assert driver.call("recv", socket=handle) == 0
        assert driver.state(LOCAL, REMOTE) == "TIME-WAIT"
        if clock == "virtual":
            driver.advance(9.9)
            assert driver.state(LOCAL, REMOTE) == "TIME-WAIT"
            driver.advance(0.6)
            assert driver.state(LOCAL, REMOTE) == "LISTEN"
        assert driver.call("close", socket=handle) == 0


def test_slirp_opens_refuses_resets_and_retransmits_in_virtual_time(slirp: Path) -> None:
    with Driver(slirp) as driver:
        driver.use()
        waiting = driver.waits("connect", port=7000, local_port=6000)
        peer = Peer(driver, 7000, 6000)
        peer.get("S")
        peer.send("RA")
        assert driver.final(waiting)["errno"] == "ECONNREFUSED"

        waiting, began = driver.waits("connect", port=7001), driver.now
        driver.segment()
        times = []
        for _ in range(3):
            assert driver.until_frame(60).flags.name == "SYN"
            times.append(driver.now - began)
        tick = 499_000_000  # its slow timer; the clock begins on one
        assert times == [12 * tick, 36 * tick, 60 * tick]
        assert driver.reply_after(waiting, 100)["errno"] == "ETIMEDOUT"
        driver.segments()

        peer, handle = connected(driver)
        receiving = driver.waits("recv", socket=handle)
        peer.send("R")
        assert driver.final(receiving)["errno"] == "ECONNRESET"
        assert driver.call("send", socket=handle, count=1) == "EPIPE"

        peer, handle = accepted(driver)
        assert driver.call("abort", socket=handle) == 0
        peer.get("RA")
        unheard = Peer(driver, REMOTE, LOCAL + 1)
        unheard.send("S")
        unheard.get("RA")
