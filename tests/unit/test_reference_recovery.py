"""Loss recovery of the reference: RFC 5681, 6582, 6675, and the blocks that it sends (RFC 2018)."""

from __future__ import annotations

import pytest

from conformance.reference.machine import Config, Emitted, Stack
from conformance.tcp.flags import Flags
from conformance.tcp.options import Mss, Option, Sack, SackPermitted
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap

LOCAL, REMOTE, IRS = 80, 4000, 0xFFFFFE00
ISSES = (1000, 0xFFFFF000)  # the second wraps in the first flight
Range = tuple[int, int]


class Peer:
    """The other end of one established connection; numbers are relative to the SYNs."""

    def __init__(self, iss: int, *, sack: bool) -> None:
        self.now, self.iss, self.sack = 0.0, iss, sack
        self.stack = Stack(Config(iss=iss, delack=0.0, sack_permitted=True, timestamps=False))
        self.stack.call(1, "listen", {"port": LOCAL}, self.now)
        options: tuple[Option, ...] = (Mss(1000), SackPermitted()) if sack else (Mss(1000),)
        self._send(Segment(REMOTE, LOCAL, Flags.SYN, IRS, 0, 65535, options=options))
        self._send(self._segment(1, 1))
        self.stack.call(2, "accept", {"socket": 1}, self.now)
        self.take()

    def _segment(self, seq: int, ack: int, *blocks: Range, base: int | None = None) -> Segment:
        base = self.iss if base is None else base
        found = tuple((wrap(base + left), wrap(base + right)) for left, right in blocks)
        options = (Sack(found),) if found else ()
        seq, ack = wrap(IRS + seq), wrap(self.iss + ack)
        return Segment(REMOTE, LOCAL, Flags.ACK, seq, ack, 65535, options=options)

    def _send(self, segment: Segment) -> None:
        self.stack.arrive(segment, self.now)

    def take(self) -> list[Segment]:
        return [out.segment for out in self.stack.outputs() if isinstance(out, Emitted)]

    def write(self, segments: int) -> None:
        self.stack.call(3, "send", {"socket": 2, "count": segments * 1000}, self.now)
        assert len(self.take()) == segments

    def ack(self, ack: int, *blocks: Range) -> list[int]:
        """Acknowledge; the numbers of what is sent for it."""
        self._send(self._segment(1, ack, *blocks))
        return [wrap(each.seq - self.iss) for each in self.take()]

    def text(self, seq: int, size: int) -> tuple[Range, ...]:
        """Text arrives; the blocks of the ACK."""
        segment = self._segment(seq, 1)
        self._send(Segment(REMOTE, LOCAL, Flags.ACK, segment.seq, segment.ack, payload=b"x" * size))
        (answer,) = self.take()
        option = answer.option(Sack)
        blocks = option.blocks if option else ()
        return tuple((wrap(left - IRS), wrap(right - IRS)) for left, right in blocks)

    def timeout(self) -> list[int]:
        self.now += 1.1
        self.stack.advance(self.now)
        return [wrap(each.seq - self.iss) for each in self.take()]


@pytest.mark.parametrize("iss", ISSES)
def test_a_partial_ack_sends_the_next_hole_and_a_full_one_nothing(iss: int) -> None:
    peer = Peer(iss, sack=False)
    peer.write(6)
    assert [peer.ack(1) for _ in range(4)] == [[], [], [1], []]
    assert peer.ack(3001) == [3001]
    assert peer.ack(6001) == []


@pytest.mark.parametrize("iss", ISSES)
def test_after_a_timeout_duplicates_of_the_old_flight_begin_nothing(iss: int) -> None:
    peer = Peer(iss, sack=False)
    peer.write(6)
    assert peer.timeout() == [1]
    assert peer.ack(1001) == [1001, 2001]
    assert [peer.ack(1001) for _ in range(3)] == [[], [], []]


@pytest.mark.parametrize("iss", ISSES)
def test_the_next_flight_recovers_again(iss: int) -> None:
    peer = Peer(iss, sack=False)
    peer.write(5)
    assert [peer.ack(1) for _ in range(3)] == [[], [], [1]]
    peer.ack(5001)
    peer.write(2)  # the window is half of what it was
    assert peer.ack(7001) == []
    peer.write(3)
    assert [peer.ack(7001) for _ in range(3)] == [[], [], [7001]]


@pytest.mark.parametrize("iss", ISSES)
def test_with_sack_the_holes_are_sent_in_order(iss: int) -> None:
    peer = Peer(iss, sack=True)
    peer.write(8)
    assert peer.ack(1, (1001, 3001)) == []
    assert peer.ack(1, (4001, 5001), (1001, 3001)) == [1]
    assert peer.ack(1, (4001, 6001), (1001, 3001)) == []
    assert peer.ack(1, (4001, 8001), (1001, 3001)) == [3001]
    assert peer.ack(3001, (4001, 8001)) == []
    assert peer.ack(8001) == []


def test_a_duplicate_without_news_counts_for_nothing_with_sack() -> None:
    peer = Peer(1000, sack=True)
    peer.write(8)
    assert [peer.ack(1, (1001, 2001)) for _ in range(5)] == [[]] * 5
    assert [peer.ack(1) for _ in range(5)] == [[]] * 5


@pytest.mark.parametrize(
    "block", [(3001, 1001), (1001, 1001), (-3000, 1), (-3000, 4001), (4001, 5001), (1001, 9001)]
)
def test_a_block_that_cannot_be_true_is_none(block: Range) -> None:
    peer = Peer(1000, sack=True)
    peer.write(4)
    peer.ack(1, block)
    tcb = peer.stack.tcb(LOCAL, REMOTE)
    assert tcb is not None
    assert not any(sent.sacked for sent in tcb.unacked)


def test_a_timeout_forgets_what_was_reported() -> None:
    peer = Peer(1000, sack=True)
    peer.write(3)
    peer.ack(1, (1, 3001))
    tcb = peer.stack.tcb(LOCAL, REMOTE)
    assert tcb is not None
    assert [sent.sacked for sent in tcb.unacked] == [True] * 3
    assert peer.timeout() == [1]
    assert [sent.sacked for sent in tcb.unacked] == [False] * 3
    assert peer.ack(1001) == [1001, 2001]


def test_blocks_are_told_by_their_age_and_forgotten_when_passed() -> None:
    peer = Peer(1000, sack=True)
    peer.text(501, 100)
    peer.text(201, 100)
    assert peer.text(801, 100) == ((801, 901), (201, 301), (501, 601))
    assert peer.text(301, 10) == ((201, 311), (801, 901), (501, 601))
    peer.text(1, 200)
    assert peer.text(501, 100) == ((501, 601), (801, 901))
    tcb = peer.stack.tcb(LOCAL, REMOTE)
    assert tcb is not None
    assert len(tcb.newest_pieces) == 2
