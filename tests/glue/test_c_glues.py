"""What each C glue program has from the header: hostile requests and frames, its end, its frame."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest
from c_build import GLUE, LOCAL, REMOTE, WARNINGS, accepted, program
from c_driver import BOUND, Driver, Peer


@pytest.fixture
def lwip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program("lwip", tmp_path_factory)


@pytest.fixture
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program("skeleton", tmp_path_factory)


WRONG = [
    (b"nothing", "EBADMSG"), (b"{}", "EBADMSG"), (b"[1]", "EBADMSG"), (b"\xff\xfe", "EBADMSG"),
    (b'{"id":1,"call":"version"', "EBADMSG"), (b'{"id":1,"call":"version"}}', "EBADMSG"),
    (b'{"id":1.5,"call":"version"}', "EBADMSG"), (b'{"id":01,"call":"version"}', "EBADMSG"),
    (b'{"id":99999999999999999999,"call":"version"}', "EBADMSG"),
    (b'{"id":1,"call":7}', "EBADMSG"), (b'{"id":1,"call":"a\nb"}', "EBADMSG"),
    (b'{"id":1,"call":"\\ud800"}', "EBADMSG"), (b"[" * 5000, "EBADMSG"),
    (b'{"id":1,"call":"nosuch"}', "ENOSYS"), (b'{"id":1,"call":"version\\u0000"}', "ENOSYS"),
    (b'{"id":1,"call":"listen","args":[]}', "EINVAL"),
    (b'{"id":1,"call":"listen","args":{"port":70000}}', "EINVAL"),
    (b'{"id":1,"call":"listen","args":{"port":"x"}}', "EINVAL"),
    (b'{"id":1,"call":"listen","args":{"port":1,"backlog":-1}}', "EINVAL"),
    (b'{"id":1,"call":"listen","args":{}}', "EINVAL"),
    (b'{"id":1,"call":"accept","args":{"socket":7}}', "EBADF"),
    (b'{"id":1,"call":"recv","args":{"socket":0}}', "EBADF"),
    (b'{"id":1,"call":"close"}', "EBADF"),
    (b'{"id":1,"call":"send","args":{"socket":true,"count":1}}', "EBADF"),
    (b'{"id":1,"call":"state","args":{"local":1}}', "EINVAL"),
    (b'{"id":1,"call":"set","args":{"name":"x","value":"1"}}', "ENOPROTOOPT"),
    (b'{"id":1,"call":"use","args":{"target":"192.0.2.2","tester":"x"}}', "EINVAL"),
    (b'{"id":-9,"call":"reset","more":[{"a":[null,true,1e5,"\\u00e9\\n"]}]}', "ENOSYS"),
]  # fmt: skip


@pytest.mark.parametrize("name", ["lwip", "slirp", "skeleton"])
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


def test_arguments_are_read_as_json_means_them(lwip: Path) -> None:
    with Driver(lwip) as driver:
        driver.use()
        peer, handle = accepted(driver)
        text = r'"\u00e9\ud83d\ude00\"\\/é"'
        line = f'{{ "args" :{{"text":{text}, "socket": {handle}}}, "call":"send","id":-4}}\r\n'
        driver.write(line.encode())
        assert driver.line()["id"] == -4
        peer.get("A", 'é😀"\\/é'.encode())


@pytest.mark.parametrize("clock", ["virtual", "real"])
@pytest.mark.parametrize("name", ["lwip", "slirp", "skeleton"])
def test_hostile_frames_and_lines_crash_nothing(
    tmp_path_factory: pytest.TempPathFactory, name: str, clock: str
) -> None:
    """Under the address and undefined behaviour sanitizers, which end the program at a fault."""
    path = program(name, tmp_path_factory, checked=True)
    dice = random.Random(1)
    with Driver(path, clock=clock) as driver:
        driver.use()
        driver.call("listen", port=LOCAL)
        for size in [0, 1, 13, 14, 15, 33, 34, 41, 42, 53, 54, 1514, 65535, 65536, 100_000]:
            for kind in (b"\x08\x00\x45", b"\x08\x06", b"\x86\xdd\x60"):
                frame = bytes.fromhex("020000000002020000000001") + kind + dice.randbytes(size)
                driver.wire.send(frame[:size])
                if driver.virtual:
                    driver.advance()
        good = json.dumps({"id": 1, "call": "state", "args": {"local": 1, "remote": 2}}).encode()
        for _ in range(300):
            line = bytearray(good)
            for _ in range(dice.randrange(1, 4)):
                line[dice.randrange(len(line))] = dice.choice(b'{}[]":,\\u0-19.eE\x00\xff\n tnf')
            driver.write(bytes(line) + b"\n")
        last = driver.ask("version")
        assert driver.final(last)["value"] == 1
        driver.frames()


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
