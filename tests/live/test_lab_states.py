"""All eleven states, hand-driven on the running kernel, by sample and by trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from test_lab_support import Hand, open_source, opened

from conformance.live.kernel.lab import KernelLabs
from conformance.tcp.flags import Flags
from conformance.tcp.states import State

FIN, SYN, RST, ACK = Flags.FIN, Flags.SYN, Flags.RST, Flags.ACK
PASSIVE = [State.SYN_RECEIVED, State.ESTABLISHED]


@pytest.fixture(scope="module")
def source() -> Iterator[KernelLabs]:
    yield from open_source()


@pytest.fixture(params=[4, 6])
def hand(request: pytest.FixtureRequest, source: KernelLabs) -> Iterator[Hand]:
    with opened(source, request.param) as hand:
        yield hand


def test_closed_and_listen(hand: Hand) -> None:
    hand.reaches(State.CLOSED)
    listener = hand.listen()
    hand.reaches(State.LISTEN)
    hand.call("close", socket=listener)
    hand.reaches(State.CLOSED)


def test_syn_received_is_seen_though_it_has_no_socket(hand: Hand) -> None:
    hand.listen()
    hand.send(SYN)
    hand.receive(SYN | ACK)
    hand.reaches(State.SYN_RECEIVED)
    hand.gets_to([State.SYN_RECEIVED])


def test_syn_received_goes_back_to_listen(hand: Hand) -> None:
    hand.listen()
    hand.send(SYN)
    hand.receive(SYN | ACK)
    hand.reaches(State.SYN_RECEIVED)
    hand.send(RST)
    hand.reaches(State.LISTEN)
    hand.gets_to([State.SYN_RECEIVED, State.CLOSED])


def test_established_then_close_wait_then_last_ack(hand: Hand) -> None:
    socket = hand.established()
    hand.reaches(State.ESTABLISHED)
    hand.send(FIN | ACK)
    hand.reaches(State.CLOSE_WAIT)
    hand.call("close", socket=socket)
    hand.receive(FIN)
    hand.reaches(State.LAST_ACK)
    hand.send(ACK)
    hand.reaches(State.LISTEN)
    hand.gets_to([*PASSIVE, State.CLOSE_WAIT, State.LAST_ACK, State.CLOSED])


@pytest.mark.parametrize("call", ["close", "shutdown"])
def test_fin_wait_and_time_wait(hand: Hand, call: str) -> None:
    socket = hand.established()
    hand.call(call, socket=socket)
    hand.receive(FIN)
    hand.reaches(State.FIN_WAIT_1)
    hand.send(ACK)
    hand.reaches(State.FIN_WAIT_2)
    hand.gets_to([*PASSIVE, State.FIN_WAIT_1, State.FIN_WAIT_2])
    hand.send(FIN | ACK)
    hand.receive(ACK)
    hand.reaches(State.TIME_WAIT)
    hand.gets_to([*PASSIVE, State.FIN_WAIT_1, State.FIN_WAIT_2, State.TIME_WAIT])


def test_time_wait_ends_closed_when_reset(hand: Hand) -> None:
    socket = hand.established()
    hand.call("close", socket=socket)
    hand.receive(FIN)
    hand.send(FIN | ACK)
    hand.receive(ACK)
    hand.reaches(State.TIME_WAIT)
    path = [*PASSIVE, State.FIN_WAIT_1, State.FIN_WAIT_2, State.TIME_WAIT]
    hand.gets_to(path)
    hand.send(RST)
    hand.reaches(State.LISTEN)
    hand.gets_to([*path, State.CLOSED])


def test_closing(hand: Hand) -> None:
    socket = hand.established()
    before = hand.ack
    hand.call("close", socket=socket)
    hand.receive(FIN)
    after, hand.ack = hand.ack, before
    hand.send(FIN | ACK)
    hand.reaches(State.CLOSING)
    hand.ack = after
    hand.send(ACK)
    hand.reaches(State.TIME_WAIT)
    hand.gets_to([*PASSIVE, State.FIN_WAIT_1, State.CLOSING, State.TIME_WAIT])


def test_syn_sent_then_established(hand: Hand) -> None:
    connect = hand.connecting()
    hand.reaches(State.SYN_SENT)
    hand.send(SYN | ACK)
    assert hand.returned(connect).errno == ""
    hand.reaches(State.ESTABLISHED)
    hand.gets_to([State.SYN_SENT, State.ESTABLISHED])


def test_simultaneous_open(hand: Hand) -> None:
    connect = hand.connecting()
    hand.send(SYN)
    hand.receive(SYN | ACK)
    hand.reaches(State.SYN_RECEIVED)
    hand.send(ACK)
    assert hand.returned(connect).errno == ""
    hand.gets_to([State.SYN_SENT, State.SYN_RECEIVED, State.ESTABLISHED])


def test_refused(hand: Hand) -> None:
    connect = hand.connecting()
    hand.send(RST | ACK)
    assert hand.returned(connect).errno == "ECONNREFUSED"
    hand.reaches(State.CLOSED)
    hand.gets_to([State.SYN_SENT, State.CLOSED])


def test_a_listener_is_not_mistaken_for_the_tuple(hand: Hand) -> None:
    hand.established()
    other = hand.lab.read_state(hand.target_port, hand.tester_port + 1)
    assert other is State.LISTEN
    assert hand.lab.read_state(hand.target_port + 1, hand.tester_port) is State.CLOSED
