"""Another machine's clock, by round trips: every stamp lands inside its call, causes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conformance.live.offset import Offset

MS = 1_000_000
AHEAD = 3600 * 1000 * MS  # the other clock is an hour ahead
delays = st.integers(0, 200 * MS)


def trip(
    offset: Offset, number: int, call: str, asked: int, there: int, back: int, took: int = 0
) -> tuple[tuple[int, int], tuple[int, int]]:
    """One call: what is told of its beginning and its end, and what was so, on our clock."""
    began, ended = asked + there, asked + there + took
    offset.asked(number, call, asked)
    told = offset.heard(number, began + AHEAD, ended + AHEAD, ended + back)
    return told, (began, ended)


@given(st.lists(st.tuples(delays, delays, delays), min_size=1))
def test_a_call_is_never_told_shorter_than_it_was(trips: list[tuple[int, int, int]]) -> None:
    offset, asked = Offset(), 0
    for number, (there, back, took) in enumerate(trips):
        call = "version" if number == 0 else "send"
        (started, ended), (began, over) = trip(offset, number, call, asked, there, back, took)
        assert asked <= started <= began <= over <= ended <= asked + there + took + back
        asked += there + took + back


def test_the_narrowest_answer_at_the_beginning_counts() -> None:
    offset = Offset()
    trip(offset, 1, "version", 0, 50 * MS, 50 * MS)
    assert offset.high - offset.low == 100 * MS
    trip(offset, 2, "use", 200 * MS, MS, MS)
    assert offset.low <= AHEAD <= offset.high
    assert offset.high - offset.low == 2 * MS
    trip(offset, 3, "use", 300 * MS, 9 * MS, 9 * MS)
    assert offset.high - offset.low == 2 * MS


def test_each_case_measures_anew() -> None:
    offset = Offset()
    trip(offset, 1, "version", 0, MS, MS)
    trip(offset, 2, "reset", 10 * MS, 5 * MS, 5 * MS)
    assert offset.high - offset.low == 10 * MS


def test_a_clock_that_was_set_is_measured_again() -> None:
    offset = Offset()
    trip(offset, 1, "version", 0, MS, MS)
    offset.asked(2, "send", 10 * MS)
    assert offset.heard(2, 11 * MS, 11 * MS, 12 * MS) == (10 * MS, 12 * MS)
    assert offset.low <= 0 <= offset.high


def test_what_cannot_be_measures_nothing() -> None:
    offset = Offset()
    trip(offset, 1, "version", 0, MS, MS)
    known = offset.low, offset.high
    offset.asked(2, "send", 10 * MS)
    offset.heard(2, AHEAD, AHEAD + 500 * MS, 12 * MS)  # half a second within two milliseconds
    offset.forget()
    offset.heard(2, 0, 0, 12 * MS)  # a late word of a case that is over
    assert (offset.low, offset.high) == known
