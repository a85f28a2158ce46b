"""The agent's protocol, without a network: what is no call, what is refused, when it ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.agent import agent
from conformance.live.kernel import states
from conformance.tcp import stream
from conformance.tcp.states import State

Lines = list[dict[str, Any]]
BOUND = 120.0  # seconds; it takes a tenth of one


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-I", "-S", agent.__file__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        yield process
        process.kill()


def converse(process: subprocess.Popen[bytes], *lines: bytes) -> Lines:
    """Write the lines, end the stream, read all answers."""
    out, _ = process.communicate(b"\n".join(lines) + b"\n", timeout=BOUND)
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def test_the_payload_is_the_harnesss() -> None:
    for offset in (0, 1, 255, 65_530, 1 << 24):
        assert agent.octets(offset, 600) == stream.octets(offset, 600)


@pytest.mark.parametrize(
    "line",
    [b"x", b"\xff\xfe", b"[]", b"7", b"null", b'"id"', b"{}", b'{"id":1}', b"[" * 100_000],
)
def test_what_is_no_request_is_answered(process: subprocess.Popen[bytes], line: bytes) -> None:
    answers = converse(process, line, b"", b'{"id":2,"call":"version"}')
    assert answers[0] == {"id": None, "errno": "EBADMSG"}
    assert (answers[1]["id"], answers[1]["value"]) == (2, agent.PROTOCOL)
    assert len(answers) == 2


@pytest.mark.parametrize(
    ("call", "args", "errno"),
    [
        ("fly", {}, "ENOSYS"),
        ("__init__", {}, "ENOSYS"),
        ("version", [], "EINVAL"),
        ("version", 7, "EINVAL"),
        ("recv", {}, "EBADF"),
        ("recv", {"socket": [3]}, "EBADF"),
        ("close", {"socket": True}, "EBADF"),
        ("listen", {}, "EINVAL"),
        ("listen", {"port": -1}, "EINVAL"),
        ("listen", {"port": 1 << 70}, "EINVAL"),
        ("connect", {"port": "x"}, "EINVAL"),
        ("sysctl", {"name": "kernel.hostname"}, "EINVAL"),
        ("sysctl", {"name": "net.ipv4/../../kernel"}, "EINVAL"),
        ("sysctl", {"name": "net.no.such"}, "ENOENT"),
        ("use", {}, "EINVAL"),
        ("state", {}, "EINVAL"),
        ("state", {"local": 1, "remote": 65536}, "EINVAL"),
    ],
)
def test_wrong_calls_are_refused(
    process: subprocess.Popen[bytes], call: str, args: object, errno: str
) -> None:
    request = json.dumps({"id": 5, "call": call, "args": args}).encode()
    (answer,) = converse(process, request)
    assert (answer["id"], answer["errno"]) == (5, errno)
    assert answer["started"] <= answer["ended"]


def test_stamps_are_of_the_real_clock(process: subprocess.Popen[bytes]) -> None:
    before = time.time_ns()
    (answer,) = converse(process, b'{"id":1,"call":"socket"}')
    assert before <= answer["started"] <= answer["ended"] <= time.time_ns()
    assert answer["value"] == 3


def test_one_line_in_many_pieces(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    for octet in b'{"id":1,"call":"version"}':
        process.stdin.write(bytes((octet,)))
        process.stdin.flush()
    assert converse(process)[0]["id"] == 1


def test_many_answers_wait_for_a_slow_reader(process: subprocess.Popen[bytes]) -> None:
    requests = [b'{"id":%d,"call":"version"}' % number for number in range(5000)]
    assert [answer["id"] for answer in converse(process, *requests)] == list(range(5000))


def test_it_ends_with_its_stream(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    assert process.wait(BOUND) == 0


def test_it_ends_with_its_parent() -> None:
    """Its stream stays open in our hands, yet it dies with the process that started it."""
    ours, theirs = os.pipe()
    read, write = os.pipe()
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-I', '-S',"
        f" {agent.__file__!r}], stdin={ours}, stdout={write});"
        " child.poll(); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, pass_fds=[ours, write]
    )
    os.close(write)
    os.close(ours)
    try:
        os.write(theirs, b'{"id":1,"call":"version"}\n')
        assert os.read(read, 4096)  # it lives
        parent.kill()
        parent.wait()
        assert os.read(read, 4096) == b""  # and now it does not: nobody can write any more
    finally:
        assert parent.stdin is not None
        parent.stdin.close()
        os.close(theirs)
        os.close(read)


def use(address: str) -> bytes:
    args = {"target": address, "tester": address}
    return json.dumps({"id": 1, "call": "use", "args": args}).encode()


def test_an_address_that_is_not_here_is_refused_at_once(process: subprocess.Popen[bytes]) -> None:
    args = {"target": "192.0.2.77", "tester": "192.0.2.1"}
    (answer,) = converse(process, json.dumps({"id": 1, "call": "use", "args": args}).encode())
    assert answer["errno"] == "EADDRNOTAVAIL"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_states_by_ports(process: subprocess.Popen[bytes], address: str) -> None:
    """Of connections that this process makes: the agent needs no handle to tell of them."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener, socket.socket(family) as client:
        try:
            listener.bind((address, 0))
        except OSError as error:
            pytest.skip(f"this machine has no {address}: {error.strerror}")
        listener.listen()
        port = listener.getsockname()[1]
        client.connect((address, port))
        mine = client.getsockname()[1]
        with listener.accept()[0] as taken:
            client.shutdown(socket.SHUT_WR)
            assert taken.recv(1) == b""
            answers = converse(
                process,
                use(address),
                *(
                    json.dumps({"id": 2, "call": "state", "args": args}).encode()
                    for args in (
                        {"local": port, "remote": mine},
                        {"local": mine, "remote": port},
                        {"local": port, "remote": 1},
                        {"local": 1, "remote": 1},
                    )
                ),
            )
            assert [answer.get("text") for answer in answers[1:]] == [
                "CLOSE-WAIT",
                "FIN-WAIT-2",
                "LISTEN",
                "CLOSED",
            ]


def test_the_kernels_numbers_are_the_harnesss() -> None:
    assert [State(name) for name in agent.STATES[1:]] == [
        states.STATES[number] for number in range(1, len(agent.STATES))
    ]


def test_reset_drops_all_and_ends_what_waits(process: subprocess.Popen[bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        calls: list[tuple[str, dict[str, int]]] = [
            ("connect", {"port": port}),
            ("listen", {"port": 0}),
            ("accept", {"socket": 4}),
            ("reset", {}),
            ("accept", {"socket": 4}),
            ("socket", {}),
        ]
        lines = [
            json.dumps({"id": number, "call": call, "args": args}).encode()
            for number, (call, args) in enumerate(calls, 2)
        ]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(use("127.0.0.1") + b"\n" + lines[0] + b"\n")
        process.stdin.flush()
        with server.accept()[0] as taken:
            while b'"value":3' not in process.stdout.readline():
                pass
            answers = {
                answer["id"]: answer.get("errno", answer.get("value"))
                for answer in converse(process, *lines[1:])
            }
            with pytest.raises(ConnectionResetError):
                taken.recv(1)
    assert answers == {3: 4, 4: "ECANCELED", 5: 0, 6: "EBADF", 7: 5}
