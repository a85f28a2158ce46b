"""A lab over frames: in which order its wire and its program are read."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping

import pytest

from conformance.live.frames import arp_nd
from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.live.glue.channel import Wire
from conformance.live.glue.frame_lab import FrameLab
from conformance.play.events import Arrived, CallReturned
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

OURS = WireEnds(4, "192.0.2.1", "192.0.2.2", "02:00:00:00:00:01", "02:00:00:00:00:02")
THEIRS = WireEnds(4, "192.0.2.2", "192.0.2.1", "02:00:00:00:00:02", "02:00:00:00:00:01")
FIN = FrameCodec(THEIRS).frames(Segment(4000, 1024, Flags.FIN, 1, 1, 1000))[0]


class Lab(FrameLab):
    """Its program says, and sends, what the test wants, right after the wire was looked at."""

    end: socket.socket  # the program's, of the wire
    sends = 0
    begins = False

    def call(self, number: int, name: str, args: Mapping[str, int | str]) -> None:
        """Nobody calls here."""

    def _listen(self) -> None:
        if self.begins:
            self.ready = True
        for _ in range(self.sends):
            self.end.send(FIN)
            self._events.append(CallReturned(2.0, 1, 1.0, 0, "", b"", ""))
        self.sends = 0


@pytest.fixture
def lab() -> Iterator[Lab]:
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    made = Lab(None, None, Wire(mine), arp_nd.Tester.of(OURS))
    made.end = theirs
    with mine, theirs:
        yield made
    made.close()


def kinds(lab: Lab) -> list[str]:
    return sorted(type(event).__name__ for event in lab.poll())


def test_what_a_call_sent_comes_no_later_than_its_return(lab: Lab) -> None:
    lab.ready, lab.sends = True, 1
    assert kinds(lab) == [Arrived.__name__, CallReturned.__name__]


def test_what_came_before_the_case_is_not_of_it(lab: Lab) -> None:
    lab.end.send(FIN)
    lab.begins = True
    assert kinds(lab) == []
    lab.end.send(FIN)
    assert kinds(lab) == [Arrived.__name__]
