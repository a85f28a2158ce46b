"""The Go glue program: connections over gVisor's netstack, on both clocks."""

from __future__ import annotations

import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from go_driver import (
    ACK,
    BEGIN,
    BOUND,
    FIN,
    PACKAGE,
    PSH,
    RST,
    SECOND,
    SOURCE,
    SYN,
    Glue,
    build,
    check_passive,
    go,
    outcome,
    playing,
)

from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap
from conformance.tcp.stream import octets


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("go") / "gvisor")


@pytest.fixture(params=["real", "virtual"])
def glue(program: Path, request: pytest.FixtureRequest) -> Iterator[Glue]:
    with playing(program, request.param) as started:
        yield started


@pytest.fixture(params=["real", "virtual"])
def over6(program: Path, request: pytest.FixtureRequest) -> Iterator[Glue]:
    with playing(program, request.param, ip=6) as started:
        yield started


@pytest.fixture
def still(program: Path) -> Iterator[Glue]:
    """With the virtual clock."""
    with playing(program, "virtual") as started:
        yield started


def test_the_source_is_formatted_and_vetted(program: Path) -> None:
    files = sorted(SOURCE.glob("*.go"))
    assert go("vet", *files).stdout == ""
    assert go("vet", "conformance").stdout == ""
    assert subprocess.check_output(["gofmt", "-l", *files, PACKAGE]) == b""


def test_the_stack_is_wired_in_with_two_hundred_lines() -> None:
    """Blank lines and comments do not count, nor do the files that know no stack."""
    texts = {each.name: each.read_text(encoding="utf-8") for each in SOURCE.glob("*.go")}
    wired = [texts.pop(name) for name in ("main.go", "options.go")]
    lines = [line.strip() for text in wired for line in text.splitlines()]
    assert len([line for line in lines if line and not line.startswith("//")]) <= 200
    assert not any("gvisor" in text.lower() for text in texts.values())


# Connections


def test_a_passive_open_and_an_active_close(glue: Glue) -> None:
    check_passive(glue)


def test_the_same_over_ipv6(over6: Glue) -> None:
    check_passive(over6)


def test_an_active_open_and_a_passive_close(glue: Glue) -> None:
    waits = glue.begin("connect", port=glue.remote, local_port=glue.local)
    glue.hear(SYN)
    assert glue.state() == "SYN-SENT"
    glue.tell(SYN | ACK)
    glue.hear(ACK)
    key = outcome(glue.end(waits))
    assert key == 3
    assert glue.state() == "ESTABLISHED"
    read = glue.begin("recv", socket=key)
    glue.tell(FIN | ACK)
    glue.hear(ACK)
    assert outcome(glue.end(read)) == 0
    assert glue.state() == "CLOSE-WAIT"
    assert glue.value("shutdown", socket=key, how="WR") == 0
    glue.hear(FIN | ACK)
    assert glue.state() == "LAST-ACK"
    assert glue.value("close", socket=key) == 0
    assert glue.state() == "LAST-ACK"
    glue.tell(ACK)
    assert glue.state() == "CLOSED"


def test_both_close_at_once(glue: Glue) -> None:
    key = glue.passive()
    glue.value("close", socket=key)
    before = glue.ack
    glue.hear(FIN | ACK)
    after, glue.ack = glue.ack, before
    glue.tell(FIN | ACK)
    glue.hear(ACK)
    assert glue.state() == "CLOSING"
    glue.ack = after
    glue.tell(ACK)
    assert glue.state() == "TIME-WAIT"


def test_data_goes_both_ways(glue: Glue) -> None:
    key = glue.passive()
    assert glue.value("send", socket=key, count=500) == 500
    assert glue.hear(PSH | ACK).payload == octets(0, 500)
    glue.tell(ACK)
    assert glue.value("send", socket=key, text="no stream") == 9
    assert glue.hear(PSH | ACK).payload == b"no stream"
    glue.tell(ACK)
    assert glue.value("send", socket=key, count=0) == 0
    assert glue.value("send", socket=key, count=5) == 5
    assert glue.hear(PSH | ACK).payload == octets(509, 5)
    read = glue.begin("recv", socket=key, count=6, all=1)
    glue.tell(PSH | ACK, b"abcd")
    glue.hear(ACK)
    glue.tell(PSH | ACK, b"efgh")
    glue.hear(ACK)
    said = glue.end(read)
    assert (said["value"], bytes.fromhex(said["data"])) == (6, b"abcdef")
    assert glue.value("pending", socket=key) == 2
    said = glue.ask("recv", socket=key, all=0)
    assert (said["value"], bytes.fromhex(said["data"])) == (2, b"gh")
    glue.tell(FIN | ACK)
    glue.hear(ACK)
    assert glue.ask("recv", socket=key)["data"] == ""


def test_a_send_waits_for_the_buffer_and_a_close_for_the_send(glue: Glue) -> None:
    """RFC 9293 3.10.4: a CLOSE waits for the SENDs that are queued."""
    key = glue.passive()
    assert glue.value("setsockopt", socket=key, name="SNDBUF", value=4096) == 0
    total = 100_000
    sends = glue.begin("send", socket=key, count=total)
    closes = glue.begin("close", socket=key)
    first, came, flags = glue.ack, b"", ACK
    while FIN not in flags:
        while glue.virtual and not glue.pending():
            glue.advance()
        assert select.select([glue.wire], [], [], BOUND)[0], "no frame"
        segment = glue.codec.decode(glue.wire.recv(1 << 16))
        assert isinstance(segment, Segment)
        at = wrap(segment.seq - first)  # less than all of it where a slow machine had it sent again
        flags, came = segment.flags, came[:at] + segment.payload + came[at + len(segment.payload) :]
        glue.ack = wrap(first + len(came) + (FIN in flags))
        glue.tell(ACK)
    assert came == octets(0, total)
    assert outcome(glue.end(sends)) == total
    assert outcome(glue.end(closes)) == 0


def test_a_call_sleeps_until_the_stack_tells_of_it(tmp_path: Path) -> None:
    """A stack that is ready and tells nobody would let a program wait for ever."""
    for each in SOURCE.glob("*.go"):
        text = each.read_text(encoding="utf-8")
        (tmp_path / each.name).write_text(text.replace("s.Ring()", "_ = s"), encoding="utf-8")
    silent = build(tmp_path / "silent", *sorted(tmp_path.glob("*.go")))
    with playing(silent, "virtual") as glue:
        waits = glue.begin("connect", port=glue.remote, local_port=glue.local)
        glue.hear(SYN)
        glue.tell(SYN | ACK)
        glue.hear(ACK)
        assert glue.state() == "ESTABLISHED"
        assert waits not in glue.replies


def test_calls_of_one_socket_take_turns_and_close_ends_them(glue: Glue) -> None:
    key = glue.passive()
    first = glue.begin("recv", socket=key, count=2, all=True)
    second = glue.begin("recv", socket=key, count=2)
    third = glue.begin("recv", socket=key)
    glue.tell(PSH | ACK, b"wxyz")
    assert glue.end(first)["data"] == b"wx".hex()
    assert glue.end(second)["data"] == b"yz".hex()
    assert glue.value("close", socket=key) == 0
    assert outcome(glue.end(third)) == "ECANCELED"


def test_a_reset_ends_what_waits_and_is_told_once(glue: Glue) -> None:
    key = glue.passive()
    read = glue.begin("recv", socket=key)
    glue.tell(RST | ACK)
    assert outcome(glue.end(read)) == "ECONNRESET"
    assert glue.state() == "LISTEN"
    assert glue.value("recv", socket=key) == 0
    assert glue.value("send", socket=key, count=1) == "EPIPE"
    assert glue.value("shutdown", socket=key, how="WR") == "ENOTCONN"
    assert glue.value("getsockopt", socket=key, name="ERROR") == 0


def test_the_pending_error_is_told_by_its_number(glue: Glue) -> None:
    key = glue.passive()
    glue.tell(RST | ACK)
    assert glue.state() == "LISTEN"
    assert glue.value("getsockopt", socket=key, name="ERROR") == 104  # ECONNRESET


def test_a_refused_connection(glue: Glue) -> None:
    waits = glue.begin("connect", port=glue.remote, local_port=glue.local)
    glue.hear(SYN)
    glue.tell(RST | ACK)
    assert outcome(glue.end(waits)) == "ECONNREFUSED"
    assert glue.value("close", socket=3) == "EBADF"  # it never had a handle
    assert glue.state() == "CLOSED"
    own = glue.value("socket")
    assert glue.value("bind", socket=own, port=glue.local) == 0
    waits = glue.begin("connect", socket=own, port=glue.remote)
    assert glue.value("close", socket=own) == 0
    assert outcome(glue.end(waits)) == "ECANCELED"


def test_an_abort_resets(glue: Glue) -> None:
    key = glue.passive()
    assert glue.value("abort", socket=key) == 0
    glue.hear(RST | ACK)
    assert glue.state() == "LISTEN"


def test_a_port_that_nobody_listens_on_resets(glue: Glue) -> None:
    glue.tell(SYN)
    assert glue.hear(RST | ACK).ack == glue.seq


def test_a_backlog_of_none_still_lets_one_in(glue: Glue) -> None:
    listener = glue.listen(backlog=0)
    glue.tell(SYN)
    glue.hear(SYN | ACK)
    glue.tell(ACK)
    assert glue.state() == "ESTABLISHED"
    assert glue.value("accept", socket=listener) == listener + 1


def test_a_socket_can_be_made_bit_by_bit(glue: Glue) -> None:
    key = glue.value("socket")
    assert glue.value("listen", socket=key) == 3 == key
    own = glue.value("socket")
    assert glue.value("bind", socket=own, port=glue.local) == 0
    assert glue.value("listen", socket=own, backlog=1) == own
    assert glue.value("listen", port=glue.local) == "EADDRINUSE"
    assert glue.value("socket") == own + 2  # a handle is never used again


# The virtual clock


def test_time_passes_from_timer_to_timer(still: Glue) -> None:
    """RFC 6298: the SYN goes again after 1 s, then after twice as long each time."""
    waits = still.begin("connect", port=still.remote)
    still.hear(SYN)
    times = []
    for _ in range(4):
        said = still.advance(BEGIN + 20 * SECOND)
        times.append((said["now"] - BEGIN) // SECOND)
        assert still.pending() == (times[-1] < 20)
        if still.pending():
            still.hear(SYN)
    said = still.advance(BEGIN + 20 * SECOND)
    assert [*times, said["next"] // SECOND - 1000] == [1, 3, 7, 15, 31]
    assert said["now"] == said["ended"] == BEGIN + 20 * SECOND
    assert not still.pending()
    said = still.end(waits)
    assert outcome(said) == "ETIMEDOUT"
    assert (said["started"], said["ended"]) == (BEGIN, BEGIN + 127 * SECOND)
    assert still.advance(BEGIN)["now"] == BEGIN + 127 * SECOND  # never back
    assert still.advance(BEGIN)["next"] is None


def test_the_timers_run_in_order(still: Glue) -> None:
    still.begin("connect", port=1)
    still.advance(BEGIN + SECOND // 2)
    still.begin("connect", port=2)
    assert still.ask("advance", until=BEGIN + SECOND // 2)["next"] == BEGIN + SECOND
    times = [still.advance(BEGIN + 2 * SECOND)["now"] - BEGIN for _ in range(3)]
    assert times == [SECOND, 3 * SECOND // 2, 2 * SECOND]
    ports = [still.hear(SYN).dport for _ in range(4)]
    assert ports == [1, 2, 1, 2]


def test_retransmissions_come_to_an_end(glue: Glue) -> None:
    """With the real clock nothing but the stack's own timer wakes the call (RFC 9293 3.8.3)."""
    for name, value in {"retries": "2", "min-rto": "50"}.items():
        assert glue.value("set", name=name, value=value) == 0
    key = glue.passive()
    assert glue.value("send", socket=key, count=5) == 5
    waits = glue.begin("recv", socket=key)
    assert outcome(glue.end(waits)) == "ETIMEDOUT"
    assert [glue.hear(PSH | ACK).payload for _ in range(2)] == [octets(0, 5)] * 2


def test_days_of_timers_are_told_piece_by_piece(tmp_path: Path) -> None:
    """The harness waits two seconds for an answer, and here a timer is due each microsecond."""
    ticking = build(tmp_path / "ticking", Path(__file__).with_name("ticking.go"))
    with playing(ticking, "virtual") as glue:
        days, reached = BEGIN + 25 * 86400 * SECOND, [BEGIN]
        for _ in range(2):
            said = glue.ask("advance", until=days)
            reached.append(said["now"])
            assert said["next"] == said["now"] + SECOND // 10**6
        assert reached == sorted(set(reached))
        assert reached[-1] < days


def test_a_frame_is_taken_when_its_time_is_reached(still: Glue) -> None:
    still.listen()
    segment = Segment(still.remote, still.local, SYN, 1, 0, 100)
    still.wire.send(still.codec.encode(segment))
    assert still.ask("state", local=still.local, remote=still.remote)["text"] == "LISTEN"
    assert still.advance(BEGIN + SECOND)["now"] == BEGIN + SECOND
    assert still.state() == "SYN-RECEIVED"
    still.hear(SYN | ACK)


def test_time_wait_lasts_as_long_as_it_is_set(still: Glue) -> None:
    assert still.value("set", name="time-wait", value="3000") == 0
    key = still.passive()
    still.value("close", socket=key)
    still.hear(FIN | ACK)
    still.tell(FIN | ACK)
    still.hear(ACK)
    begun = still.now
    assert still.advance(begun + 3 * SECOND - 1)["now"] == begun + 3 * SECOND - 1
    assert still.state() == "TIME-WAIT"
    still.advance(begun + 3 * SECOND)
    assert still.state() == "LISTEN"


def test_two_runs_are_the_same(program: Path) -> None:
    def run() -> list[object]:
        glue = Glue(program, "virtual")
        try:
            glue.use()
            key = glue.passive()
            seen: list[object] = [glue.value("send", socket=key, count=20_000)]
            glue.value("close", socket=key)
            first = glue.ack
            for _ in range(40):
                said = glue.advance(BEGIN + 3000 * SECOND)
                seen.append((said["now"], said["next"]))
                while glue.pending():
                    segment = glue.codec.decode(glue.wire.recv(1 << 16))
                    assert isinstance(segment, Segment)
                    seen.append((str(segment.flags), segment.seq - first, segment.payload))
            return seen
        finally:
            glue.close()

    assert run() == run()
