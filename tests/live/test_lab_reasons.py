"""The running kernel's own reasons, of segments that the tester sends by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from test_lab_support import Hand, open_source, opened

from conformance.live.kernel.lab import KernelLabs
from conformance.play.asides import CountersMoved, Dropped, ResetSent
from conformance.tcp.flags import Flags

SYN, RST, ACK = Flags.SYN, Flags.RST, Flags.ACK


@pytest.fixture(scope="module")
def source() -> Iterator[KernelLabs]:
    yield from open_source()


@pytest.fixture(params=[4, 6])
def hand(request: pytest.FixtureRequest, source: KernelLabs) -> Iterator[Hand]:
    with opened(source, request.param) as hand:
        yield hand


def traced(hand: Hand, event: str) -> None:
    told = hand.source.facts["tracefs"]
    if event not in told.split():
        pytest.skip(f"{event} is not traced here: {told}")


def test_a_segment_outside_the_window_is_dropped_with_a_reason(hand: Hand) -> None:
    traced(hand, "skb:kfree_skb")
    hand.established()
    right, hand.seq = hand.seq, hand.seq + (1 << 30)
    at = hand.send(ACK, b"far")
    hand.seq = right
    hand.receive(ACK)
    drops = [one for one in hand.lab.last_words() if isinstance(one, Dropped)]
    assert [(one.sent, one.why) for one in drops] == [(at, "TCP_INVALID_SEQUENCE")]
    assert 0 <= drops[0].at - at < 0.1 or abs(drops[0].at - at) < 2e-6


def test_a_reset_says_why(hand: Hand) -> None:
    traced(hand, "tcp:tcp_send_reset")
    hand.send(SYN)
    hand.receive(RST | ACK)
    resets = [one for one in hand.lab.last_words() if isinstance(one, ResetSent)]
    for one in resets:  # an older kernel traces those of a socket alone
        assert (one.tester_port, one.why) == (hand.tester_port, "NO_SOCKET")


def test_counters_are_those_of_the_case_alone(hand: Hand) -> None:
    hand.established()
    (moved,) = [one for one in hand.lab.last_words() if isinstance(one, CountersMoved)]
    assert moved.counters["PassiveOpens"] == "1"
    assert moved.counters["InSegs"] == "2"
