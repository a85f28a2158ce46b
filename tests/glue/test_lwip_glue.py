"""lwIP behind its glue program: each rule of calls and of virtual time, on both IP versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from c_build import LOCAL, REMOTE, accepted, connected, program
from c_driver import BEGINNING, SECOND, Driver, Peer

from conformance.tcp.stream import octets

BOTH = pytest.mark.parametrize("ip", [4, 6])


@pytest.fixture
def lwip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program("lwip", tmp_path_factory)


@BOTH
@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_a_connection_from_open_to_time_wait(lwip: Path, ip: int, clock: str) -> None:
    with Driver(lwip, clock=clock, ip=ip) as driver:
        driver.use()
        assert driver.segments() == []
        assert driver.state(LOCAL, REMOTE) == "CLOSED"
        peer, handle = accepted(driver)
        assert driver.state(LOCAL, 1) == "LISTEN"
        peer.send("A", b"hello")
        got = driver.final(driver.ask("recv", socket=handle))
        assert (got["value"], got["data"]) == (5, b"hello".hex())
        assert driver.call("send", socket=handle, count=300) == 300
        peer.get("A", octets(0, 300))
        peer.send("A")
        assert driver.call("send", socket=handle, count=10) == 10
        peer.get("A", octets(300, 10))
        peer.send("A")
        assert driver.call("close", socket=handle) == 0
        peer.get("FA")
        peer.send("A")
        peer.send("FA")
        peer.get("A")
        assert driver.state(LOCAL, REMOTE) == "TIME-WAIT"
        assert driver.call("send", socket=handle, count=1) == "EBADF"


@BOTH
def test_time_wait_lasts_two_msl_of_virtual_time(lwip: Path, ip: int) -> None:
    with Driver(lwip, ip=ip) as driver:
        driver.use()
        peer, handle = connected(driver)
        assert driver.call("shutdown", socket=handle, how="WR") == 0
        peer.get("FA")
        peer.send("FA")
        peer.get("A")
        for seconds, state in ((119, "TIME-WAIT"), (1, "TIME-WAIT"), (1, "CLOSED")):
            driver.advance(seconds)
            assert driver.state(6000, 7000) == state
        assert driver.call("recv", socket=handle) == 0
        assert driver.call("send", socket=handle, count=1) == "EPIPE"
        assert driver.call("close", socket=handle) == 0


def test_retransmissions_come_at_their_time(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        began = driver.now
        waiting = driver.waits("connect", port=7000, local_port=6000)
        Peer(driver, 7000, 6000).get("S")
        times = []
        for _ in range(6):
            assert driver.until_frame(60).flags.name == "SYN"
            times.append((driver.now - began) / SECOND)
        assert times == [2.75, 5.75, 8.75, 11.75, 14.75, 17.75]
        assert driver.reply_after(waiting, 60)["errno"] == "ETIMEDOUT"

        peer, handle = connected(driver, port=7001)
        assert driver.call("send", socket=handle, count=100) == 100
        peer.get("A", octets(0, 100))
        began, times = driver.now, []
        for _ in range(5):
            again = driver.until_frame(200)
            assert (again.seq, again.payload) == (peer.acknowledged - 100, octets(0, 100))
            times.append((driver.now - began) / SECOND)
        first = times[0]
        assert times == [first, 3 * first, 7 * first, 15 * first, 31 * first]
        assert 2.5 <= first <= 3


def test_time_stops_where_something_comes_out(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        assert driver.now == BEGINNING
        driver.waits("connect", port=7000)
        driver.segments()
        answer = driver.advance(1000)
        assert answer["now"] == BEGINNING + 2.75 * SECOND
        assert answer["now"] < answer["next"] < answer["now"] + SECOND
        assert driver.call("advance", until=BEGINNING) == "EINVAL"
        assert driver.call("advance") == "EINVAL"


def test_days_of_timers_are_told_piece_by_piece(lwip: Path) -> None:
    """The harness waits two seconds for an answer, and an idle connection of lwIP's ticks on."""
    with Driver(lwip) as driver:
        driver.use()
        accepted(driver)
        before = driver.now
        driver.advance(600 * 3600)
        assert before < driver.now < before + 600 * 3600 * SECOND


def test_a_reset_ends_what_waits_then_send_is_epipe(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        peer, handle = accepted(driver)
        receiving = driver.waits("recv", socket=handle)
        sending = driver.waits("send", socket=handle, count=200_000)
        peer.send("R")
        assert driver.final(receiving)["errno"] == "ECONNRESET"
        assert driver.final(sending)["errno"] == "ECONNRESET"
        assert driver.call("send", socket=handle, count=1) == "EPIPE"
        assert driver.call("recv", socket=handle) == 0
        assert driver.call("shutdown", socket=handle) == "ENOTCONN"
        assert driver.state(LOCAL, REMOTE) == "LISTEN"

        driver.segments()
        peer, handle = accepted(driver, port=REMOTE + 1)
        peer.send("A", b"kept")
        peer.send("R")
        assert driver.final(driver.ask("recv", socket=handle))["data"] == b"kept".hex()
        assert driver.call("getsockopt", socket=handle, name="ERROR") == 104
        assert driver.call("getsockopt", socket=handle, name="ERROR") == 0


def test_a_refused_connection(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        waiting = driver.waits("connect", port=7000, local_port=6000)
        peer = Peer(driver, 7000, 6000)
        peer.get("S")
        peer.send("RA")
        assert driver.final(waiting)["errno"] == "ECONNREFUSED"


def test_abort_is_a_reset_and_close_waits_for_sends(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        peer, handle = accepted(driver)
        receiving = driver.waits("recv", socket=handle)
        assert driver.call("abort", socket=handle) == 0
        peer.get("RA")
        assert driver.final(receiving)["errno"] == "ECANCELED"

        peer, handle = accepted(driver, port=REMOTE + 1)
        sending = driver.waits("send", socket=handle, count=66_000)
        closing = driver.waits("close", socket=handle)
        received = b""
        while True:
            driver.advance(0)
            for segment in driver.segments():
                received += segment.payload
                peer.acknowledged = segment.end
            if "FIN" in str(segment.flags.name):
                break
            peer.send("A")
        assert received == octets(0, 66_000)
        assert driver.final(sending)["value"] == 66_000
        assert driver.final(closing)["value"] == 0


def test_reading_opens_the_window(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        peer, handle = accepted(driver)
        for _ in range(12):
            peer.send("A", bytes(1000))
        driver.advance(0.5)
        assert driver.segments()[-1].window == 65535 - 12_000
        assert driver.call("pending", socket=handle) == 12_000
        all_of_it = driver.waits("recv", socket=handle, count=12_001, all=1)
        assert driver.segments()[-1].window == 65535
        peer.send("A", b"!")
        got = driver.final(all_of_it)
        assert (got["value"], got["data"]) == (12_001, (bytes(12_000) + b"!").hex())


def test_a_full_backlog_refuses(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        listener = driver.call("listen", port=LOCAL, backlog=1)
        first, second = Peer(driver, REMOTE, LOCAL), Peer(driver, REMOTE + 1, LOCAL)
        for peer in (first, second):
            peer.send("S")
            peer.get("SA")
            peer.send("A")
        second.get("RA")
        assert driver.call("accept", socket=listener) > listener
        first.send("A", b"x")
        third = Peer(driver, REMOTE + 2, LOCAL)
        third.send("S")
        driver.segments()
        assert driver.call("close", socket=listener) == 0
        assert driver.state(LOCAL, 1) == "CLOSED"


def test_options_of_lwip(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        _, handle = accepted(driver)
        given = {"NODELAY": 1, "KEEPALIVE": 1, "KEEPIDLE": 5, "KEEPINTVL": 2, "KEEPCNT": 2}
        for name, value in given.items():
            assert driver.call("setsockopt", socket=handle, name=name, value=value) == 0
        assert driver.call("setsockopt", socket=handle, name="RCVBUF", value=1) == "ENOPROTOOPT"
        began, times = driver.now, []
        for _ in range(2):
            assert driver.until_frame(60).payload == b""
            times.append((driver.now - began) / SECOND)
        assert 5 <= times[0] <= 6
        assert 2 <= times[1] - times[0] <= 3


def test_a_close_with_linger_zero_is_a_reset(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        peer, handle = accepted(driver)
        assert driver.call("setsockopt", socket=handle, name="LINGER", value=0) == 0
        assert driver.call("close", socket=handle) == 0
        peer.get("RA")
