"""How late the harness was, as the target's clock would call it.

Rules:

- A delay is a stretch of time in which a harness that takes no time would have gone on: from the
  event on the wire, or the kernel's stamp, that makes a step possible to the frame that leaves or
  the call that is made; and from the making of a call that need not wait to its return.
- A bound is hurt by one delay at a time. A timer of the target runs through all of them, so there
  what matters is their sum over as long as the shortest such timer runs; those that overlap count
  once.
- What may have been a delay bears on failures only and spoils no pass: a call that had to wait may
  have returned late, but what it waited for is not told; a state was reached somewhere between two
  samples.
"""

from __future__ import annotations

from bisect import bisect_left


class Stretches:
    """Stretches of time, each once; seconds on the lab's clock."""

    def __init__(self) -> None:
        self._found: list[tuple[float, float]] = []  # in order, none touches the next

    def add(self, start: float, end: float) -> None:
        """From ``start`` to ``end``; nothing where that is no time."""
        if end <= start:
            return
        first = bisect_left(self._found, start, key=lambda one: one[1])
        last = first
        while last < len(self._found) and self._found[last][0] <= end:
            start, end = min(start, self._found[last][0]), max(end, self._found[last][1])
            last += 1
        self._found[first:last] = [(start, end)]

    def within(self, start: float, end: float) -> float:
        """How much of the time from ``start`` to ``end`` they fill."""
        first = bisect_left(self._found, start, key=lambda one: one[1])
        total = 0.0
        for left, right in self._found[first:]:
            if left >= end:
                break
            total += min(right, end) - max(left, start)
        return total


class Lateness:
    """The delays of one conversation. ``span``: the target's shortest timer, seconds."""

    def __init__(self, span: float) -> None:
        self.worst = 0.0  # the longest
        self.piled = 0.0  # the most of any time as long as the span
        self._span = span
        self._late = Stretches()
        self._perhaps = Stretches()
        self._delays: list[tuple[float, float]] = []  # when each ended, and its length

    def was_due(self, due: float, at: float) -> None:
        """What was due at ``due`` was done at ``at``."""
        if at > due:
            self._late.add(due, at)
            self.returned(due, at)
            self.worst = max(self.worst, at - due)
            self.piled = max(self.piled, self._late.within(at - self._span, at))

    def returned(self, woken: float, at: float) -> None:
        """A call that was woken at ``woken``, as it seems, returned at ``at``."""
        if at > woken:
            self._perhaps.add(woken, at)
            self._delays.append((at, at - woken))

    def noticed(self, since: float, at: float) -> None:
        """What was possible at some time after ``since`` was noticed at ``at``."""
        self._perhaps.add(since, at)

    def between(self, start: float, end: float) -> float:
        """How late the harness may have become in this time, seconds."""
        return self._perhaps.within(start, end)

    def longest(self, since: float) -> float:
        """The longest delay of those that ended after ``since``, seconds."""
        return max((length for at, length in self._delays if at >= since), default=0.0)
