"""What a number may be that the target tells of itself: one value, or a range with open ends.

::

    amount = value / value ".." [value] / ".." value
    value  = INT / duration / ("+" / "-") INT      ; by what is told: a count, a time, a difference
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.notation.expr import read_int
from conformance.notation.printer import print_duration
from conformance.notation.scanner import Scanner, TokenKind
from conformance.notation.time import Duration, Unit, ordered, read_duration

_HALF: float = 0.5e-6  # seconds: what is told is rounded to whole microseconds


@dataclass(frozen=True, slots=True)
class Amount:
    """From ``low`` to ``high``, both included; None: no bound there. One value has both alike.

    ``signed``: a difference, which is written with its sign.
    """

    low: int | Duration | None
    high: int | Duration | None
    signed: bool = False

    def holds(self, value: int, unit: Unit) -> bool:
        """Whether the value is in it; a time is told in microseconds."""
        low, high = self.low, self.high
        if isinstance(low, Duration) or isinstance(high, Duration):
            seconds = value / 1e6
            above = not isinstance(low, Duration) or seconds >= low.seconds(unit) - _HALF
            return above and (
                not isinstance(high, Duration) or seconds <= high.seconds(unit) + _HALF
            )
        return (low is None or value >= low) and (high is None or value <= high)


def parse_count(text: str, params: Mapping[str, str] | None = None) -> Amount:
    """Read ``10``, ``1..10``, ``10..`` or ``..10``; raises NotationError."""
    return _parse(text, params, read_int)


def parse_time(text: str, params: Mapping[str, str] | None = None) -> Amount:
    """Read ``200ms``, ``100ms..1s``, ``1RTO..`` or ``..1s``; raises NotationError."""
    return _parse(text, params, read_duration)


def parse_difference(text: str, params: Mapping[str, str] | None = None) -> Amount:
    """Read ``+1``, ``+0``, ``-1``, ``+1..+3`` or ``+1..``; raises NotationError."""
    return _parse(text, params, _difference, signed=True)


def _difference(scanner: Scanner) -> int:
    sign = scanner.accept("+", "-")
    if sign is None:
        hint = "+0: it has not moved" if scanner.next.text == "0" else "as in +1, +0 or +1.."
        scanner.fail("a counter is told as a difference, with its sign", hint)
    value = read_int(scanner)
    return -value if sign.text == "-" else value


def _parse(
    text: str,
    params: Mapping[str, str] | None,
    read: Callable[[Scanner], int | Duration],
    *,
    signed: bool = False,
) -> Amount:
    scanner = Scanner(text, params)
    first = scanner.next
    low = None if first.text == ".." else read(scanner)
    if not scanner.accept(".."):
        scanner.end()
        return Amount(low, low, signed)
    high = None if low is not None and scanner.next.kind is TokenKind.END else read(scanner)
    scanner.end()
    if _empty(low, high):
        scanner.fail("this range is empty: it ends before it begins", token=first)
    return Amount(low, high, signed)


def _empty(low: int | Duration | None, high: int | Duration | None) -> bool:
    if isinstance(low, Duration) and isinstance(high, Duration):
        return not ordered(low, high)
    return isinstance(low, int) and isinstance(high, int) and low > high


def print_amount(amount: Amount) -> str:
    """``10``, ``100ms..1s``, ``+1..``."""

    def one(value: int | Duration | None) -> str:
        if value is None:
            return ""
        if isinstance(value, Duration):
            return print_duration(value)
        return f"{value:+d}" if amount.signed else str(value)

    if amount.low == amount.high:
        return one(amount.low)
    return f"{one(amount.low)}..{one(amount.high)}"
