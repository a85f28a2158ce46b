"""Two stacks over a bad link deliver every octet and both close; no segment makes one raise."""

from __future__ import annotations

import heapq

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.reference.machine import Config, Emitted, Returned, Stack
from conformance.reference.transitions import TABLE, without
from conformance.tcp.flags import Flags
from conformance.tcp.options import Mss, Sack, Timestamps, Unknown, WindowScale
from conformance.tcp.segment import Segment
from conformance.tcp.states import State
from conformance.tcp.stream import octets

# What happens to a segment: seconds on the way; None: it is lost.
FATES = st.lists(st.one_of(st.none(), st.sampled_from([0.001, 0.01, 0.3])), max_size=60)


class Link:
    """A client and a server, a network that follows a list of fates, then behaves."""

    def __init__(self, fates: list[float | None], config: Config, server: Config) -> None:
        self.now, self.number = 0.0, 0
        self.stacks = (Stack(config), Stack(server))
        self.fates = list(fates)
        self.flying: list[tuple[float, int, int, Segment]] = []
        self.returns: dict[int, Returned] = {}

    def call(self, side: int, name: str, /, **args: int | str) -> int:
        self.number += 1
        number = self.number
        self.stacks[side].call(number, name, args, self.now)
        self.drain()
        return number

    def drain(self) -> None:
        for side, stack in enumerate(self.stacks):
            for out in stack.outputs():
                if isinstance(out, Returned):
                    self.returns[out.number] = out
                elif isinstance(out, Emitted):
                    fate = self.fates.pop(0) if self.fates else 0.001
                    if fate is not None:
                        self.number += 1
                        entry = (self.now + fate, self.number, 1 - side, out.segment)
                        heapq.heappush(self.flying, entry)

    def run(self, number: int | None = None, until: float = 1e6) -> Returned | None:
        """Let time pass until call ``number`` returns, or nothing is left to happen."""
        for _ in range(20000):
            if number is not None and number in self.returns:
                return self.returns[number]
            dues = [t for s in self.stacks if (t := s.next_timer) is not None]
            dues += [self.flying[0][0]] if self.flying else []
            if not dues or min(dues) > until:
                return None
            self.now = max(self.now, min(dues))
            if self.flying and self.flying[0][0] <= self.now:
                _, _, side, segment = heapq.heappop(self.flying)
                self.stacks[side].arrive(segment, self.now)
            for stack in self.stacks:
                stack.advance(self.now)
            self.drain()
        raise AssertionError("it does not end")


CONFIGS = st.builds(
    Config,
    iss=st.sampled_from([0, 0xFFFFFFF0]),
    timestamps=st.booleans(),
    window_scale=st.sampled_from([None, 0, 7]),
    sack_permitted=st.booleans(),
    rfc5961=st.booleans(),
    mss=st.sampled_from([100, 536, 1460]),
    rcvbuf=st.sampled_from([500, 4000, 65535]),
    # so many losses in a row must not reach R2
    r2=st.just(9000.0),
    r2_syn=st.just(9000.0),
    user_timeout=st.just(9000.0),
)


@settings(max_examples=3 * settings().max_examples // 5)
@given(FATES, CONFIGS, CONFIGS, st.integers(0, 9000), st.integers(0, 3000), st.booleans())
def test_every_octet_arrives_and_both_close(
    fates: list[float | None], client: Config, server: Config, up: int, down: int, first: bool
) -> None:
    link = Link(fates, client, server)
    listener = link.returns[link.call(1, "listen", port=80)].value
    accepting = link.call(1, "accept", socket=listener)
    connecting = link.call(0, "connect", port=80)
    connected = link.run(connecting)
    accepted = link.run(accepting)
    assert connected is not None
    assert accepted is not None
    ends = (connected.value, accepted.value)
    assert not connected.errno
    reads = []
    for side, count in ((0, up), (1, down)):
        link.call(side, "send", socket=ends[side], count=count)
        reads.append(link.call(1 - side, "recv", socket=ends[1 - side], count=count, all=1))
    for number, count in zip(reads, (up, down), strict=True):
        read = link.run(number)
        assert read is not None
        assert read.data == octets(0, count)
    order = (0, 1) if first else (1, 0)
    for side in order:
        link.call(side, "shutdown", socket=ends[side], how="WR")
    for side in order:
        end = link.run(link.call(side, "recv", socket=ends[side]))
        assert end is not None
        assert (end.value, end.errno) == (0, "")
        link.call(side, "close", socket=ends[side])
    link.call(1, "close", socket=listener)
    link.run()
    assert link.stacks[0].state(32768, 80) is State.CLOSED
    assert link.stacks[1].state(80, 32768) is State.CLOSED


NUMBERS = st.one_of(
    st.integers(0, 0xFFFFFFFF), st.integers(95, 130), st.integers(0xFFFFFFF0, 0xFFFFFFFF)
)
OPTIONS = st.lists(
    st.one_of(
        st.builds(Mss, st.integers(0, 0xFFFF)),
        st.builds(WindowScale, st.integers(0, 255)),
        st.builds(Timestamps, NUMBERS, NUMBERS),
        st.builds(Sack, st.just(((1, 2),))),
        st.builds(Unknown, st.integers(2, 255), st.binary(max_size=3)),
    ),
    max_size=3,
).map(tuple)
SEGMENTS = st.builds(
    Segment,
    st.just(5000),
    st.just(80),
    st.builds(Flags, st.integers(0, 0x1FF)),
    NUMBERS,
    NUMBERS,
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    OPTIONS,
    st.binary(max_size=40),
    offset=st.one_of(st.none(), st.integers(0, 15)),
)
CALLS = st.sampled_from(
    [
        ("send", {"count": 50}),
        ("send", {"count": 5, "flag": "OOB"}),
        ("recv", {}),
        ("recv", {"flag": "OOB"}),
        ("shutdown", {"how": "WR"}),
        ("close", {}),
        ("abort", {}),
    ]
)


@settings(max_examples=2 * settings().max_examples)
@given(
    st.lists(st.one_of(SEGMENTS, CALLS, st.floats(0, 300)), max_size=20),
    st.booleans(),
    st.one_of(st.none(), st.sampled_from(TABLE)),
)
def test_nothing_makes_it_raise(
    events: list[Segment | tuple[str, dict[str, int | str]] | float], modern: bool, gone: object
) -> None:
    table = tuple(row for row in TABLE if row != gone)
    assert gone is None or len(table) == len(TABLE) - 1
    stack = Stack(Config(iss=100, rfc5961=modern, timestamps=False), table)
    stack.call(1, "listen", {"port": 80}, 0.0)
    stack.call(2, "accept", {"socket": 1}, 0.0)
    stack.arrive(Segment(5000, 80, Flags.SYN, 99), 0.0)
    stack.arrive(Segment(5000, 80, Flags.ACK, 100, 101, window=1000), 0.0)
    now = 0.0
    for number, event in enumerate(events, 3):
        if isinstance(event, Segment):
            stack.arrive(event, now)
        elif isinstance(event, tuple):
            stack.call(number, event[0], {"socket": 2, **event[1]}, now)
        else:
            now += event
            stack.advance(now)
        for out in stack.outputs():
            if isinstance(out, Emitted):
                assert 0 <= out.segment.seq < 1 << 32
                assert Flags.ACK in out.segment.flags or out.segment.flags & (Flags.RST | Flags.SYN)


def test_without_is_the_table_less_one() -> None:
    for row in TABLE:
        assert set(TABLE) - set(without(row)) == {row}
