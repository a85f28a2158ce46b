"""The clock of another machine, as told by round trips.

A program on another machine stamps its calls with the clock that is there. Each answer says within
what that clock is ahead of ours: the call cannot have begun before it was asked for, nor ended
after it was heard of. What the narrowest of the answers at a case's beginning leaves open is the
uncertainty: half the round trip on either side of the middle.

A stamp is translated by the end of that span which keeps causes before effects: the beginning of a
call as early as it may have been, its end as late. So no bound is missed for a reason that is not
known. Two clocks drift apart by some ten microseconds a second; each case measures anew, and an
answer that contradicts what is known begins another measurement.
"""

from __future__ import annotations

from typing import Final

_FIRST: Final = ("version", "reset")  # a case begins with one of these
_MEASURES: Final = (*_FIRST, "use")  # calls that end at once


class Offset:
    """How far ahead of ours the other clock is: from ``low`` to ``high`` nanoseconds."""

    def __init__(self) -> None:
        self.low, self.high = 0, -1  # nothing is known
        self._asked: dict[int, tuple[str, int]] = {}

    def asked(self, number: int, call: str, at: int) -> None:
        """Request ``number`` leaves at ``at`` of our clock."""
        self._asked[number] = call, at

    def heard(self, number: int, started: int, ended: int, at: int) -> tuple[int, int]:
        """An answer came at ``at`` of our clock, with the other's stamps; those on our clock."""
        if number not in self._asked:  # of a case that is over
            return started - self.high, ended - self.low
        call, asked = self._asked[number]
        low, high = ended - at, started - asked
        if low > high:  # more time passed there than here: its stamps are wrong
            return started - self.high, ended - self.low
        apart = low > self.high or high < self.low
        narrower = call in _MEASURES and high - low < self.high - self.low
        if call in _FIRST or apart or narrower:
            self.low, self.high = low, high
        return started - min(high, self.high), ended - max(low, self.low)

    def forget(self) -> None:
        """The case is over: what it asked measures nothing any more."""
        self._asked.clear()
