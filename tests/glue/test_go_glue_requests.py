"""The Go glue program: its settings, and what is wrong with requests and frames."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from go_driver import (
    ACK,
    ADDRESSES,
    BEGIN,
    BOUND,
    PSH,
    SYN,
    Glue,
    build,
    check_passive,
    outcome,
    playing,
    use_of,
)

from conformance.tcp.options import SackPermitted, WindowScale
from conformance.tcp.segment import Segment


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("go") / "gvisor")


@pytest.fixture(params=["real", "virtual"])
def glue(program: Path, request: pytest.FixtureRequest) -> Iterator[Glue]:
    with playing(program, request.param) as started:
        yield started


@pytest.fixture
def still(program: Path) -> Iterator[Glue]:
    """With the virtual clock."""
    with playing(program, "virtual") as started:
        yield started


def test_settings_of_the_stack(glue: Glue) -> None:
    for name, value in {
        "sack": "on", "nagle": "1", "congestion-control": "cubic", "retries": "5",
        "time-wait": "0", "min-rto": "100", "max-rto": "60000",
        "send-buffer": "5000", "receive-buffer": "6000",
    }.items():  # fmt: skip
        assert glue.value("set", name=name, value=value) == 0, name
    waits = glue.begin("connect", port=glue.remote, local_port=glue.local)
    segment = glue.hear(SYN)
    assert SackPermitted() in segment.options
    assert segment.window == 3000  # half of the buffer
    assert WindowScale(5) not in segment.options
    glue.tell(SYN | ACK)
    key = outcome(glue.end(waits))
    assert glue.value("getsockopt", socket=key, name="SNDBUF") == 5000
    assert glue.value("getsockopt", socket=key, name="NODELAY") == 0


@pytest.mark.parametrize(
    ("name", "value", "errno"),
    [
        ("mtu", "1", "ENOPROTOOPT"),
        ("sack", "perhaps", "EINVAL"),
        ("sack", "2", "EINVAL"),
        ("syn-retries", "3", "ENOPROTOOPT"),
        ("retries", "-1", "EINVAL"),
        ("retries", "99999999999", "EINVAL"),
        ("time-wait", "1s", "EINVAL"),
        ("time-wait", "-5", "EINVAL"),
        ("congestion-control", "vegas", "EINVAL"),
        ("congestion-control", 'reno","x":"', "EINVAL"),
        ("send-buffer", "0", "EINVAL"),
        ("send-buffer", '1,"Min":9', "EINVAL"),
    ],
)
def test_wrong_settings(still: Glue, name: str, value: str, errno: str) -> None:
    assert still.value("set", name=name, value=value) == errno


def test_options_of_a_socket(glue: Glue) -> None:
    key = glue.value("socket")
    for name, value in {
        "NODELAY": 0, "KEEPALIVE": 1, "RCVBUF": 8192, "SNDBUF": 16384,
        "LINGER": 7, "KEEPIDLE": 30, "KEEPINTVL": 4, "KEEPCNT": 2, "USER_TIMEOUT": 1500,
    }.items():  # fmt: skip
        before = glue.value("getsockopt", socket=key, name=name)
        assert before != value, name
        assert glue.value("setsockopt", socket=key, name=name, value=value) == 0, name
        assert glue.value("getsockopt", socket=key, name=name) == value, name
    assert glue.value("setsockopt", socket=key, name="MAXSEG", value=700) == 0
    assert glue.value("setsockopt", socket=key, name="MAXSEG", value=1) == "EINVAL"
    assert glue.value("setsockopt", socket=key, name="LINGER", value=0) == 0
    assert glue.value("getsockopt", socket=key, name="LINGER") == 0
    assert glue.value("setsockopt", socket=key, name="BUSY", value=1) == "ENOPROTOOPT"
    assert glue.value("setsockopt", socket=key, name="KEEPCNT", value="x") == "EINVAL"
    assert glue.value("setsockopt", socket=key, name="KEEPCNT", value=-1) == "EINVAL"
    assert glue.value("setsockopt", socket=key, name="KEEPCNT") == "EINVAL"
    assert glue.value("getsockopt", socket=key, name="BUSY") == "ENOPROTOOPT"
    assert glue.value("setsockopt", socket=key, name="ERROR", value=1) == "ENOPROTOOPT"


def test_a_reset_call_forgets_everything(glue: Glue) -> None:
    glue.value("set", name="sack", value="on")
    key = glue.passive()
    glue.value("send", socket=key, count=10)
    glue.hear(PSH | ACK)
    waits = glue.begin("recv", socket=key)
    assert glue.value("reset") == 0
    assert outcome(glue.end(waits)) == "ECANCELED"
    assert not glue.pending()
    assert glue.value("close", socket=key) == "EBADF"
    glue.tell(SYN)  # nobody is there
    glue.use()
    assert glue.state() == "CLOSED"
    glue.seq, glue.ack = 1, 0
    glue.begin("connect", port=glue.remote, local_port=glue.local)
    assert SackPermitted() not in glue.hear(SYN).options
    assert glue.replies == {}


# Wrong input


def test_calls_before_there_is_an_address(program: Path) -> None:
    glue = Glue(program, "virtual")
    try:
        glue.tell(SYN)
        for call, args in {
            "listen": {"port": 7000},
            "connect": {"port": 7000},
            "socket": {},
        }.items():
            assert glue.value(call, **args) == "ENETDOWN", call
        assert glue.state() == "CLOSED"
        glue.use()
        assert glue.value("use", **use_of(ADDRESSES[4])) == "EEXIST"
        check_passive(glue)
    finally:
        glue.close()


def test_version(glue: Glue) -> None:
    said = glue.ask("version")
    assert said["value"] == 1
    assert "gVisor" in said["text"]
    assert {"CALLS", "STATE", "ACTIVE-OPEN", "IPV6"} < set(said["abilities"])
    assert ("VIRTUAL-TIME" in said["abilities"]) == glue.virtual
    assert (glue.value("advance", until=BEGIN) == "ENOSYS") != glue.virtual


@pytest.mark.parametrize(
    ("call", "args", "errno"),
    [
        ("dance", {}, "ENOSYS"),
        ("wrong", {"port": "x"}, "ENOSYS"),
        ("", {}, "ENOSYS"),
        ("listen", {}, "EINVAL"),
        ("listen", {"port": 65536}, "EINVAL"),
        ("listen", {"port": -1}, "EINVAL"),
        ("listen", {"port": "80"}, "EINVAL"),
        ("listen", {"port": 8.5}, "EINVAL"),
        ("listen", {"port": True}, "EINVAL"),
        ("listen", {"port": 80, "backlog": -1}, "EINVAL"),
        ("listen", {"socket": 77}, "EBADF"),
        ("connect", {}, "EINVAL"),
        ("connect", {"port": 1, "local_port": 70000}, "EINVAL"),
        ("connect", {"port": 1, "socket": 77}, "EBADF"),
        ("accept", {}, "EBADF"),
        ("accept", {"socket": 0}, "EBADF"),
        ("accept", {"socket": [3]}, "EINVAL"),
        ("send", {"socket": 3}, "EINVAL"),
        ("send", {"socket": 3, "count": 1 << 40}, "EINVAL"),
        ("send", {"socket": 3, "count": 1, "flag": "OOB"}, "EOPNOTSUPP"),
        ("recv", {"socket": 3, "count": -1}, "EINVAL"),
        ("recv", {"socket": 3}, "ENOTCONN"),
        ("recv", {"socket": 3, "flag": "OOB"}, "EOPNOTSUPP"),
        ("shutdown", {"socket": 3, "how": "UP"}, "EINVAL"),
        ("shutdown", {"socket": 3, "how": "WR"}, "ENOTCONN"),
        ("accept", {"socket": 3}, "EINVAL"),
        ("state", {"local": 1}, "EINVAL"),
        ("use", {}, "EINVAL"),
        ("use", {"target": "192.0.2.2", "tester": "2001:db8::1"}, "EINVAL"),
        ("getsockopt", {"socket": 9, "name": "NODELAY"}, "EBADF"),
    ],
)
def test_wrong_requests(still: Glue, call: str, args: dict[str, Any], errno: str) -> None:
    assert still.value("socket") == 3
    assert still.value(call, **args) == errno
    assert still.value("close", socket=3) == 0


@pytest.mark.parametrize(
    "line",
    [
        b"garbage", b"[]", b"{}", b"7", b'"x"', b"null", b'{"id":1}', b'{"call":"version"}',
        b'{"id":"1","call":"version"}', b'{"id":1.5,"call":"version"}', b'{"id":1,"call":7}',
        b"\xff\xfe", b'{"id":1,"call":"version"', b"[" * 20000, b'{"id":1,"call":null}',
    ],
)  # fmt: skip
def test_what_is_no_request(still: Glue, line: bytes) -> None:
    still.write(line)
    assert still.line() == {"id": None, "errno": "EBADMSG"}
    still.write(b'\n\n  \n{"id": -4, "call": "version"}')
    assert still.line()["id"] == -4
    still.write(b'{"id":9,"call":"socket","args":[1]}')
    assert outcome(still.line()) == "EINVAL"


def test_frames_that_make_no_sense(glue: Glue) -> None:
    glue.listen()
    good = glue.codec.encode(Segment(glue.remote, glue.local, SYN, 1, 0, 100))
    for size in range(len(good)):
        glue.wire.send(good[:size])
    for kind in (b"\x08\x00", b"\x08\x06", b"\x86\xdd", b"\xff\xff"):
        for fill in (b"\0", b"\x45", b"\xff"):
            glue.wire.send(good[:12] + kind + fill * 100)
    glue.wire.send(b"\0" * 65535)
    glue.wire.send(b"\0" * 100_000)
    assert glue.state() == "LISTEN"
    while glue.pending():  # an ICMP error here and there is in order
        assert not isinstance(glue.codec.decode(glue.wire.recv(1 << 16)), Segment)
    glue.tell(SYN)
    glue.hear(SYN | ACK)


def test_the_end_of_the_wire_is_not_the_end(glue: Glue) -> None:
    glue.wire.shutdown(socket.SHUT_RDWR)
    glue.wire.close()
    glue.begin("connect", port=glue.remote)
    assert glue.value("state", local=1, remote=2) == 0


def test_the_end_of_the_requests_is_the_end(glue: Glue) -> None:
    key = glue.passive()
    glue.begin("recv", socket=key)
    assert glue.process.stdin is not None
    glue.process.stdin.close()
    assert glue.process.wait(BOUND) == 0


def test_nobody_reads_the_replies(glue: Glue) -> None:
    assert glue.process.stdout is not None
    glue.process.stdout.close()
    glue.request("version")
    assert glue.process.wait(BOUND) == 0


def test_a_program_without_a_wire_says_so(program: Path) -> None:
    away = {name: value for name, value in os.environ.items() if "CONFORMANCE" not in name}
    ended = subprocess.run(
        [program], env=away, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert ended.returncode == 2
    assert b"CONFORMANCE_WIRE_FD" in ended.stderr
