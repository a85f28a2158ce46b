"""Every call of the agent, against the running kernel."""

from __future__ import annotations

import platform
import select
from collections.abc import Iterator

import pytest
from test_lab_support import BOUND, Hand, open_source, opened

from conformance.live.kernel.lab import KernelLabs
from conformance.live.kernel.link import Link
from conformance.play.events import Arrived, CallPending, CallReturned
from conformance.tcp.flags import Flags
from conformance.tcp.seq import diff, wrap
from conformance.tcp.states import State
from conformance.tcp.stream import octets

FIN, SYN, RST, ACK, PSH = Flags.FIN, Flags.SYN, Flags.RST, Flags.ACK, Flags.PSH


@pytest.fixture(scope="module")
def source() -> Iterator[KernelLabs]:
    yield from open_source(trace=False)


@pytest.fixture(params=[4, 6])
def hand(request: pytest.FixtureRequest, source: KernelLabs) -> Iterator[Hand]:
    with opened(source, request.param) as hand:
        yield hand


def test_the_payload_goes_on_where_it_stopped(hand: Hand) -> None:
    socket = hand.established()
    assert hand.call("send", socket=socket, count=300).value == 300
    first = hand.receive(ACK)
    hand.send(ACK)
    hand.call("send", socket=socket, text="eof")
    second = hand.receive(ACK)
    hand.send(ACK)
    hand.call("send", socket=socket, count=10)
    third = hand.receive(ACK)
    payloads = [first.payload, second.payload, third.payload]
    assert payloads == [octets(0, 300), b"eof", octets(303, 10)]


def test_a_send_blocks_until_all_is_queued(hand: Hand) -> None:
    socket = hand.established()
    hand.call("setsockopt", socket=socket, name="SNDBUF", value=4608)
    number = hand.pending("send", socket=socket, count=200_000)
    close = hand.pending("close", socket=socket)  # has to wait for the send
    end = wrap(hand.ack + 200_000)
    while (before := hand.ack) != end:
        hand.receive(ACK)
        if diff(hand.ack, before) < 0:  # sent again while the machine had no time for us
            hand.ack = before
        hand.send(ACK)
    assert hand.returned(number).value == 200_000
    assert hand.returned(close).errno == ""


def test_a_call_and_its_frame_are_in_order(hand: Hand) -> None:
    socket = hand.established()
    hand.call("close", socket=socket)
    hand.receive(FIN)
    close = next(e for e in reversed(hand.seen) if isinstance(e, CallReturned))
    frame = next(e for e in reversed(hand.seen) if isinstance(e, Arrived))
    assert close.started < frame.at < close.at


def test_what_a_call_sent_comes_no_later_than_its_return(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the call is made, and returns, right after the link was looked at."""
    socket = hand.established()
    real, numbers = Link.recv_all, []

    def and_a_call(link: Link) -> list[tuple[float, bytes]]:
        frames = real(link)
        numbers.append(hand.start("close", socket=socket))
        assert select.select([hand.lab.filenos()[1]], [], [], BOUND)[0]  # the agent's answer
        return frames

    with monkeypatch.context() as patched:
        patched.setattr(Link, "recv_all", and_a_call)
        hand.look()
    assert not any(isinstance(e, CallReturned) and e.number in numbers for e in hand.seen)
    hand.returned(*numbers)
    assert any(isinstance(e, Arrived) and FIN in e.segment.flags for e in hand.seen)


def test_recv_waits_and_takes_what_comes(hand: Hand) -> None:
    socket = hand.established()
    number = hand.pending("recv", socket=socket)
    hand.send(PSH | ACK, b"hello")
    assert hand.returned(number).data == b"hello"
    hand.send(FIN | ACK)
    assert hand.call("recv", socket=socket).value == 0


def test_recv_all_takes_exactly_so_much(hand: Hand) -> None:
    socket = hand.established()
    number = hand.pending("recv", socket=socket, count=8, all=1)
    behind = hand.pending("recv", socket=socket)
    for piece in (b"abc", b"def", b"ghi"):
        hand.send(PSH | ACK, piece)
    assert hand.returned(number).data == b"abcdefgh"
    assert hand.returned(behind).data == b"i"


def test_urgent_data_and_the_mark(hand: Hand) -> None:
    socket = hand.established()
    assert hand.call("recv", socket=socket, flag="OOB").errno == "EINVAL"
    hand.call("send", socket=socket, count=5, flag="OOB")
    segment = hand.receive(Flags.URG)
    assert (segment.urgent, segment.payload) == (5, octets(0, 5))
    assert hand.call("atmark", socket=socket).value == 0
    hand.send(PSH | ACK, b"1234")
    hand.receive(ACK)
    assert hand.call("pending", socket=socket).value == 4


def test_shutdown_and_abort(hand: Hand) -> None:
    socket = hand.established()
    waiting = hand.pending("recv", socket=socket)
    hand.call("shutdown", socket=socket, how="WR")
    hand.receive(FIN)
    assert hand.call("abort", socket=socket).errno == ""
    hand.receive(RST)
    canceled = [e for e in hand.seen if isinstance(e, CallReturned) and e.number == waiting]
    assert [event.errno for event in canceled] == ["ECANCELED"]
    assert hand.call("recv", socket=socket).errno == "EBADF"


def test_a_lingering_close_blocks_nothing_else(hand: Hand) -> None:
    socket = hand.established()
    hand.call("setsockopt", socket=socket, name="LINGER", value=30)
    assert hand.call("getsockopt", socket=socket, name="LINGER").value == 30
    hand.call("send", socket=socket, count=1)
    hand.receive(ACK)
    number = hand.pending("close", socket=socket)
    assert hand.call("socket").errno == ""
    hand.receive(FIN)
    hand.send(ACK)
    assert hand.returned(number).errno == ""


def test_connect_from_a_chosen_port(hand: Hand) -> None:
    number = hand.pending("connect", port=hand.tester_port, local_port=4001)
    hand.receive(SYN)
    hand.target_port = 4001
    hand.send(SYN | ACK)
    socket = hand.returned(number).value
    hand.call("abort", socket=socket)
    hand.receive(RST)


def test_close_ends_a_pending_connect(hand: Hand) -> None:
    socket = hand.call("socket").value
    hand.call("bind", socket=socket, port=4001)
    number = hand.pending("connect", socket=socket, port=hand.tester_port)
    hand.receive(SYN)
    hand.target_port = 4001
    assert hand.call("close", socket=socket).errno == ""
    ends = [e for e in hand.seen if isinstance(e, CallReturned) and e.number == number]
    assert [event.errno for event in ends] == ["ECANCELED"]
    hand.reaches(State.CLOSED)


def test_a_reset_is_told_by_its_name(hand: Hand) -> None:
    socket = hand.established()
    number = hand.pending("recv", socket=socket)
    hand.send(RST)
    assert hand.returned(number).errno == "ECONNRESET"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NODELAY", 1),
        ("KEEPIDLE", 7),
        ("USER_TIMEOUT", 500),
        ("TTL", 9),
        ("TOS", 8),
        ("LINGER2", 5),
    ],
)
def test_options_read_back(hand: Hand, name: str, value: int) -> None:
    socket = hand.call("socket").value
    assert hand.call("setsockopt", socket=socket, name=name, value=value).errno == ""
    assert hand.call("getsockopt", socket=socket, name=name).value == value


def test_the_congestion_control_is_reno(hand: Hand) -> None:
    assert hand.lab.facts["net.ipv4.tcp_congestion_control"] == "reno"
    socket = hand.call("socket").value
    unknown = hand.call("setsockopt", socket=socket, name="CONGESTION", value="no-such")
    assert unknown.errno in ("ENOENT", "EPERM")


def test_wrong_calls_are_answered(hand: Hand) -> None:
    assert hand.call("fly").errno == "ENOSYS"
    assert hand.call("recv", socket=99).errno == "EBADF"
    assert hand.call("listen", port="x").errno == "EINVAL"
    assert hand.call("listen", port=70000).errno == "EINVAL"
    assert hand.call("setsockopt", socket=hand.listen(), name="NO", value=1).errno == "EINVAL"
    assert hand.call("listen", port=4000).errno == "EADDRINUSE"
    assert hand.call("sysctl", name="kernel.hostname").errno == "EINVAL"
    assert not [event for event in hand.seen if isinstance(event, CallPending)]


def test_the_version(hand: Hand) -> None:
    assert hand.call("version").value == 1
    assert hand.lab.facts["kernel"] == platform.release()
