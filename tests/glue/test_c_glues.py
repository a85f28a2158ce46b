"""What each C glue program has from the header: hostile requests and frames, its end, its frame."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from c_build import GLUE, LOCAL, REMOTE, WARNINGS, program
from c_driver import BOUND, Driver, Peer
from wrong_requests import WRONG, escaped, hostile


@pytest.fixture
def lwip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program("lwip", tmp_path_factory)


@pytest.fixture
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program("skeleton", tmp_path_factory)


@pytest.mark.parametrize("name", ["lwip", "slirp", "ns3", "skeleton"])
def test_wrong_requests_are_answered_and_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    with Driver(program(name, tmp_path_factory)) as driver:
        assert driver.call("listen", port=1) == "ENETDOWN"
        driver.use()
        for line, errno in WRONG:
            driver.write(line + b"\n")
            for _ in range(line.count(b"\n") + 1):
                assert driver.line()["errno"] == errno, line
        driver.write(b"\n  \n\r\n")
        assert driver.call("version") == 1


def test_a_port_that_is_listened_on_is_not_bound(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        listener, own = driver.call("listen", port=LOCAL), driver.call("socket")
        assert driver.call("bind", socket=own, port=LOCAL) == "EADDRINUSE"
        assert driver.call("close", socket=listener) == 0
        assert driver.call("bind", socket=own, port=LOCAL) == 0


def test_arguments_are_read_as_json_means_them(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        escaped(driver)


@pytest.mark.parametrize("clock", ["virtual", "real"])
@pytest.mark.parametrize("name", ["lwip", "slirp", "ns3", "skeleton"])
def test_hostile_frames_and_lines_crash_nothing(
    tmp_path_factory: pytest.TempPathFactory, name: str, clock: str
) -> None:
    """Under the address and undefined behaviour sanitizers, which end the program at a fault."""
    path = program(name, tmp_path_factory, checked=True)
    with Driver(path, clock=clock) as driver:
        driver.use()
        driver.call("listen", port=LOCAL)
        hostile(driver, random.Random(1))


def test_it_ends_when_its_requests_do_and_when_nobody_reads(lwip: Path) -> None:
    with Driver(lwip, clock="real") as driver:
        driver.use()
        driver.wire.close()
        assert driver.call("version") == 1
        assert driver.process.stdout
        driver.process.stdout.close()
        driver.ask("version")
        assert driver.process.wait(BOUND) == 0


def test_the_skeleton_resets_every_connection(skeleton: Path) -> None:
    with Driver(skeleton, clock="real") as driver:
        driver.use()
        peer = Peer(driver, REMOTE, LOCAL)
        peer.send("S")
        reset = peer.get("RA")
        assert reset.seq == 0
        assert driver.call("connect", port=1) == "ENOSYS"


def test_the_header_needs_no_posix_where_the_author_gives_the_machine(
    skeleton: Path, tmp_path: Path
) -> None:
    assert skeleton.exists()  # so there is a compiler
    strict = ["-std=c99", "-pedantic", *WARNINGS, "-DGLUE_OWN_IO", f"-I{GLUE}"]
    made = tmp_path / "skeleton.o"
    compiled = ["cc", *strict, "-c", "-o", str(made), str(GLUE / "skeleton.c")]
    subprocess.run(compiled, check=True)
    listed = subprocess.run(["nm", "-u", made], check=True, capture_output=True, text=True).stdout
    assert not {"poll", "read", "write", "fcntl", "clock_gettime"} & set(listed.split())


def test_the_header_is_cpp_too(tmp_path: Path) -> None:
    if not shutil.which("g++"):
        pytest.skip("no g++: install the package g++")
    source = tmp_path / "stack.cc"
    source.write_text(
        '#include "conformance_glue.h"\n'
        "int main() { static glue_stack stack = {}; return glue_run(&stack); }\n"
    )
    strict = ["-std=c++11", *WARNINGS, "-Wno-missing-field-initializers", f"-I{GLUE}"]
    made = ["-o", str(tmp_path / "stack"), str(source)]
    subprocess.run(["g++", *strict, *made], check=True)


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_no_function_is_called_before_use(
    tmp_path_factory: pytest.TempPathFactory, clock: str
) -> None:
    with Driver(program("early", tmp_path_factory), clock=clock) as driver:
        driver.wire.send(bytes(60))
        assert driver.call("version") == 1
        if driver.virtual:
            driver.advance(1)
        for call in ("socket", "listen", "set"):
            assert driver.call(call, port=1, name="x", value="1") == "ENETDOWN"
        driver.use()
        assert driver.call("set", name="x", value="1") == 0


def test_an_end_that_is_told_early_loses_no_octets(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Driver(program("early", tmp_path_factory)) as driver:
        driver.use()
        waiting = driver.waits("accept", socket=driver.call("listen", port=LOCAL))
        driver.wire.send(bytes(60))
        driver.advance()
        handle = driver.final(waiting)["value"]
        reply = driver.final(driver.ask("recv", socket=handle, count=4, all=1))
        assert (reply["value"], bytes.fromhex(reply["data"])) == (4, b"hell")
        assert driver.final(driver.ask("recv", socket=handle))["data"] == b"o".hex()
        assert driver.call("recv", socket=handle) == 0


def test_a_program_without_a_wire_says_so(skeleton: Path) -> None:
    for environment in ({}, {"CONFORMANCE_WIRE_FD": "77"}, {"CONFORMANCE_WIRE_FD": "x"}):
        ended = subprocess.run(
            [skeleton], env=environment, capture_output=True, text=True, timeout=BOUND, check=False
        )
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "CONFORMANCE_WIRE_FD" in ended.stderr
