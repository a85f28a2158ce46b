"""The wire: exact frames out, true stamps in, no noise, settings as asked for."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from test_lab_support import Hand, open_source, opened

from conformance.errors import EnvironmentProblem
from conformance.live.kernel.lab import PORTS, KernelLabs
from conformance.live.kernel.refusals import SettingRefused
from conformance.play.actions import SendIcmp
from conformance.play.events import Arrived, Garbage
from conformance.tcp.flags import Flags
from conformance.tcp.ip import IpFields
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

SYN, ACK = Flags.SYN, Flags.ACK


@pytest.fixture(scope="module")
def source() -> Iterator[KernelLabs]:
    yield from open_source()


@pytest.fixture(params=[4, 6])
def hand(request: pytest.FixtureRequest, source: KernelLabs) -> Iterator[Hand]:
    with opened(source, request.param) as hand:
        yield hand


def test_the_answer_is_stamped_after_its_cause(hand: Hand) -> None:
    hand.listen()
    before = time.time()
    left = hand.send(SYN)
    hand.receive(SYN | ACK)
    arrived = next(event for event in hand.seen if isinstance(event, Arrived))
    assert before < left < arrived.at < time.time()


def test_a_fresh_lab_is_silent(hand: Hand) -> None:
    hand.call("version")  # so nothing else of the agent is on its way
    hand.seen.clear()
    select.select(hand.lab.filenos(), [], [], 0.3)
    hand.look()
    assert hand.seen == []


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may have more than the host allows all")
def test_thousands_of_frames_have_room_either_way(hand: Hand) -> None:
    with socket.socket(fileno=os.dup(hand.lab.filenos()[0])) as link:
        for name in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            assert link.getsockopt(socket.SOL_SOCKET, name) >= 4 << 20


def test_what_is_large_comes_in_segments_with_right_checksums(hand: Hand) -> None:
    socket = hand.established()
    hand.call("send", socket=socket, count=14_000)
    left = 14_000
    while left:
        segment = hand.receive(ACK)
        assert segment.trouble == ()
        left -= len(segment.payload)
        hand.send(ACK)
    frames = [event.frame for event in hand.seen if isinstance(event, Arrived)]
    assert 500 < max(map(len, frames)) <= 1514


def test_a_bad_checksum_is_not_heard(hand: Hand) -> None:
    hand.listen()
    bad = Segment(hand.tester_port, 4000, SYN, 1000, window=60000, checksum=0x1234)
    hand.lab.send(bad)
    select.select(hand.lab.filenos(), [], [], 0.05)
    assert hand.lab.poll() == []
    hand.lab.send(replace(bad, checksum=None, ip=IpFields(ttl=1, tos=8)))
    hand.receive(SYN | ACK)


def test_a_port_without_a_listener_resets(hand: Hand) -> None:
    hand.send(SYN)
    assert hand.receive(Flags.RST).ack == 1001


def test_an_icmp_error_ends_a_connect(hand: Hand) -> None:
    connect = hand.connecting()
    syn = next(event.segment for event in hand.seen if isinstance(event, Arrived))
    kind, code = (3, 3) if hand.lab.ip == 4 else (1, 4)
    hand.lab.send_icmp(SendIcmp(1, kind, code, 0, syn, 0.0))
    assert hand.returned(connect).errno == "ECONNREFUSED"
    hand.reaches(State.CLOSED)


def test_a_frame_that_is_no_segment_is_told(hand: Hand) -> None:
    hand.lab._link.send(hand.lab._codec._ether[:12] + hand.lab._codec._ether[12:14] + b"\x45" * 60)
    echo = hand.lab._codec.encode_icmp(8 if hand.lab.ip == 4 else 128, 0, 7, Segment(1, 2, ACK, 0))
    hand.lab._link.send(echo)
    assert "ICMP type" in hand.until(Garbage).reason


def test_settings_are_set_and_read_back(source: KernelLabs) -> None:
    with opened(source, tcp_timestamps="0", tcp_sack="0") as hand:
        assert hand.lab.facts["net.ipv4.tcp_timestamps"] == "0"
        hand.connecting()
        syn = next(event.segment for event in hand.seen if isinstance(event, Arrived))
        assert {option.kind for option in syn.options} == {1, 2, 3}
        assert hand.lab.set_sysctl("net.ipv4.tcp_window_scaling", "0") is None
        assert hand.lab.set_sysctl("net.ipv4.no_such", "0") == "not in this kernel, or not loaded"
        assert hand.lab.set_sysctl("kernel.panic", "1") is not None


def test_a_setting_that_cannot_be_is_refused_by_name(source: KernelLabs) -> None:
    with (
        pytest.raises(SettingRefused, match=r"net\.ipv4\.tcp_no_such") as refused,
        opened(source, tcp_no_such="1"),
    ):
        pass
    assert isinstance(refused.value, EnvironmentProblem)


def test_two_labs_do_not_hear_each_other(source: KernelLabs) -> None:
    with opened(source) as one, opened(source) as two:
        one.established()
        assert two.lab.poll() == []
        assert two.lab.read_state(4000, one.tester_port) is State.CLOSED
        two.established()
        path = [State.SYN_RECEIVED, State.ESTABLISHED]
        one.gets_to(path)
        two.gets_to(path)


def test_labs_prepared_in_advance_are_alike(source: KernelLabs) -> None:
    source.prepare(2)
    with opened(source, 6) as one, opened(source, 4) as two, opened(source, 4) as three:
        for hand in (one, two, three):
            hand.established()


def test_two_labs_cannot_share_ports(source: KernelLabs) -> None:
    with opened(source) as hand, pytest.raises(ValueError, match="another lab's"):
        source.open(ip=4, sysctls={}, tester_port_base=hand.tester_port)


def test_tester_ports_begin_at_a_multiple(source: KernelLabs) -> None:
    with pytest.raises(ValueError, match="no multiple"):
        source.open(ip=4, sysctls={}, tester_port_base=PORTS + 1)


def test_closing_twice_is_closing_once(source: KernelLabs) -> None:
    with opened(source) as hand:
        hand.lab.close()
        assert hand.lab.poll() == []
