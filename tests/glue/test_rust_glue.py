"""What a glue program in Rust has from conformance_glue.rs: requests, frames, data, both clocks.

The program is ``tiny.rs``, the least that can be called a TCP, on the file that authors copy.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from c_build import GLUE, LOCAL, REMOTE, accepted, connected
from c_driver import BEGINNING, BOUND, SECOND, Driver, Peer
from wrong_requests import WRONG, escaped, hostile

from conformance.cli import main
from conformance.tcp.stream import octets

HERE = Path(__file__).parent
TICKING = 9  # the port of tiny.rs that has a timer due each microsecond


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Overflow ends it, as a panic does."""
    if not shutil.which("rustc"):
        pytest.skip("no Rust compiler: install the package rustc")
    made = tmp_path_factory.mktemp("rust") / "tiny"
    strict = ["--edition=2021", "-O", "-C", "overflow-checks=on", "-D", "warnings"]
    subprocess.run(["rustc", *strict, "-o", made, HERE / "tiny.rs"], check=True)
    return made


@pytest.fixture(params=["virtual", "real"])
def driver(tiny: Path, request: pytest.FixtureRequest) -> Iterator[Driver]:
    with Driver(tiny, clock=request.param) as driver:
        driver.use()
        yield driver


def test_wrong_requests_are_answered_and_change_nothing(tiny: Path) -> None:
    with Driver(tiny) as driver:
        for call in ("listen", "set", "socket", "state"):
            assert driver.call(call, port=1) == "ENETDOWN"
        driver.use()
        assert driver.call("use", target="192.0.2.2", tester="192.0.2.1") == "EALREADY"
        for line, errno in WRONG:
            if b'"reset"' in line:  # this stack can
                continue
            driver.write(line + b"\n")
            for _ in range(line.count(b"\n") + 1):
                assert driver.line()["errno"] == errno, line
        for flag in ("PEEK", "DONTWAIT", "EOR|MORE", "FASTOPEN"):
            assert driver.call("recv", socket=3, flag=flag) == "ENOSYS"
        driver.write(b"\n  \n\r\n")
        assert driver.call("version") == 1


def test_a_port_that_is_listened_on_is_not_bound(driver: Driver) -> None:
    listener, own = driver.call("listen", port=LOCAL), driver.call("socket")
    assert driver.call("bind", socket=own, port=LOCAL) == "EADDRINUSE"
    assert driver.call("close", socket=listener) == 0
    assert driver.call("bind", socket=own, port=LOCAL) == 0


def test_hostile_frames_and_lines_crash_nothing(driver: Driver) -> None:
    driver.call("listen", port=LOCAL)
    hostile(driver, random.Random(1))


def test_arguments_are_read_as_json_means_them(tiny: Path) -> None:
    with Driver(tiny) as driver:
        driver.use()
        escaped(driver)


def test_a_connection_from_the_tester(driver: Driver) -> None:
    peer, handle = accepted(driver)
    peer.send("A", octets(0, 10))
    peer.get("A")
    reply = driver.final(driver.ask("recv", socket=handle, count=4))
    assert (reply["value"], reply["data"]) == (4, octets(0, 4).hex())
    assert driver.call("pending", socket=handle) == 6
    waiting = driver.waits("recv", socket=handle, count=10, all=1)
    peer.send("A", octets(10, 4))
    peer.get("A")
    assert driver.final(waiting)["data"] == octets(4, 10).hex()
    assert driver.call("send", socket=handle, count=10) == 10
    peer.get("A", octets(0, 10))
    peer.send("FA")
    peer.get("A")
    assert driver.call("recv", socket=handle) == 0
    assert driver.call("close", socket=handle) == 0
    peer.get("FA")
    assert driver.state(LOCAL, REMOTE) == "LAST-ACK"
    peer.send("A")
    assert driver.state(LOCAL, REMOTE) == "LISTEN"
    assert driver.call("recv", socket=handle) == "EBADF"


def test_a_send_waits_for_room_and_a_close_for_the_send(tiny: Path) -> None:
    with Driver(tiny) as driver:
        driver.use()
        peer, handle = accepted(driver)
        peer.window = 1000
        peer.send("A", b"x")
        peer.get("A")
        sending = driver.waits("send", socket=handle, count=10_000)
        closing = driver.waits("shutdown", socket=handle, how="WR")
        assert driver.call("abort", socket=99) == "EBADF"
        got = b""
        while len(got) < 9000:
            got += peer.get("A", octets(len(got), 1000)).payload
            peer.send("A")
        last, fin = driver.segments()  # a FIN takes no room
        peer.saw(last, "A", octets(9000, 1000))
        peer.saw(fin, "FA")
        assert driver.final(sending)["value"] == 10_000
        assert driver.final(closing)["value"] == 0


def test_a_connection_to_the_tester_and_its_reset(driver: Driver) -> None:
    peer, handle = connected(driver)
    reading = driver.waits("recv", socket=handle)
    again = driver.waits("recv", socket=handle)
    peer.send("RA")
    assert driver.final(reading)["errno"] == driver.final(again)["errno"] == "ECONNRESET"
    assert driver.call("send", socket=handle, count=1) == "EPIPE"
    waiting = driver.waits("connect", port=7001, local_port=6001)
    refusing = Peer(driver, 7001, 6001)
    refusing.get("S")
    refusing.send("RA")
    assert driver.final(waiting)["errno"] == "ECONNREFUSED"


def test_what_waits_on_a_socket_ends_with_it(driver: Driver) -> None:
    peer, handle = accepted(driver)
    reading = driver.waits("recv", socket=handle)
    assert driver.call("setsockopt", socket=handle, name="LINGER", value=0) == 0
    assert driver.call("close", socket=handle) == 0
    assert driver.final(reading)["errno"] == "ECANCELED"
    peer.get("RA")
    listening = driver.waits("accept", socket=driver.listener)
    assert driver.call("close", socket=driver.listener) == 0
    assert driver.final(listening)["errno"] == "ECANCELED"


def test_an_error_is_told_once(driver: Driver) -> None:
    peer, handle = accepted(driver)
    peer.send("RA")
    assert driver.state(LOCAL, REMOTE) == "LISTEN"
    assert driver.call("getsockopt", socket=handle, name="ERROR") == 104
    assert driver.call("getsockopt", socket=handle, name="ERROR") == 0


def test_the_virtual_clock_moves_to_a_timer_and_reset_leaves_it_alone(tiny: Path) -> None:
    with Driver(tiny) as driver:
        driver.use()
        peer, handle = accepted(driver)
        assert driver.call("close", socket=handle) == 0
        peer.get("FA")
        peer.send("FA")
        peer.get("A")
        assert driver.state(LOCAL, REMOTE) == "TIME-WAIT"
        reply = driver.final(driver.ask("advance", until=BEGINNING + 1))
        assert (reply["now"], reply["next"]) == (BEGINNING + 1, BEGINNING + 240 * SECOND)
        driver.now = BEGINNING + 1
        driver.advance(240)
        assert driver.state(LOCAL, REMOTE) == "LISTEN"
        assert driver.call("reset") == 0
        assert driver.final(driver.ask("advance", until=driver.now))["now"] == driver.now
        assert driver.call("listen", port=1) == "ENETDOWN"
        driver.use()
        assert driver.call("listen", port=LOCAL) == 3


def test_days_of_timers_are_told_piece_by_piece(tiny: Path) -> None:
    """The harness waits two seconds for an answer."""
    with Driver(tiny) as driver:
        driver.use()
        assert driver.call("listen", port=TICKING) == 3
        before = driver.now
        driver.advance(600 * 3600)
        assert before < driver.now < before + 600 * 3600 * SECOND


def test_it_ends_when_its_requests_do_and_when_nobody_reads(tiny: Path) -> None:
    with Driver(tiny, clock="real") as driver:
        driver.use()
        driver.wire.close()
        assert driver.call("version") == 1
        assert driver.process.stdout
        driver.process.stdout.close()
        driver.ask("version")
        assert driver.process.wait(BOUND) == 0


def test_a_program_without_a_wire_says_so(tiny: Path) -> None:
    for environment in ({}, {"CONFORMANCE_WIRE_FD": "77"}, {"CONFORMANCE_WIRE_FD": "x"}):
        ended = subprocess.run(
            [tiny], env=environment, capture_output=True, text=True, timeout=BOUND, check=False
        )
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "CONFORMANCE_WIRE_FD" in ended.stderr


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_the_smoke_cases_pass(
    tiny: Path, tmp_path: Path, clock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(f"target: tiny\ncommand: [{tiny}]\nclock: {clock}\nreset: call\n")
    assert main(["run", "--target", str(file), "smoke"]) == 0
    assert "2 passed" in capsys.readouterr().out


def test_the_file_has_no_crates() -> None:
    text = (GLUE / "conformance_glue.rs").read_text(encoding="utf-8")
    uses = [line for line in text.splitlines() if line.startswith(("use ", "extern crate"))]
    assert uses
    assert all(line.startswith("use std::") for line in uses)
