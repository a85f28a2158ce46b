"""Durations: numbers with a unit, the profile's names among the units, sums of them.

::

    bounds   = "at once" / duration [".." duration]
    duration = term *("+" term)
    term     = NUMBER UNIT / "$" parameter
    UNIT     = us ms s min h / MSL RTO MINRTO DELACK
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.notation.scanner import Scanner, TokenKind, suggest

UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
# The target's own times: see conformance.play.profile.
NAMED: Final = ("MSL", "RTO", "MINRTO", "DELACK")
ONCE: Final = "at once"  # too short for any timer of the target
# Longer than any timer of a TCP (a keep-alive of two hours, nine probes); a bound on hostile input.
LONGEST_SECONDS: Final = 30 * 86400.0

Unit = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Duration:
    """A sum of numbers with units, in written order."""

    terms: tuple[tuple[float, str], ...]

    def seconds(self, unit: Unit) -> float:
        """The length in seconds; ``unit`` gives the seconds of MSL, RTO, MINRTO, DELACK, ONCE."""
        return sum(
            count * (UNITS[name] if name in UNITS else unit(name)) for count, name in self.terms
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """From ``low`` (None: from at once) to ``high``, both included."""

    high: Duration
    low: Duration | None = None


AT_ONCE: Final = Bounds(Duration(((1.0, ONCE),)))


@dataclass(frozen=True, slots=True)
class Ratio:
    """A closed range of plain numbers, for ``backoff:``."""

    low: float
    high: float


def parse_duration(text: str, params: Mapping[str, str] | None = None) -> Duration:
    """Read a whole text as one duration; raises NotationError."""
    scanner = Scanner(text, params)
    duration = read_duration(scanner)
    scanner.end()
    return duration


def parse_bounds(text: str, params: Mapping[str, str] | None = None) -> Bounds:
    """Read ``1s`` (an upper bound), ``200ms..3s`` or ``at once``; raises NotationError."""
    scanner = Scanner(text, params)
    if scanner.next.text == "at" and scanner.next.kind is TokenKind.NAME:
        at = scanner.take()
        if scanner.next.text != "once":
            scanner.fail("a duration expected", "such as 1s, 200ms..3s or at once", at)
        scanner.take()
        scanner.end()
        return AT_ONCE
    first = read_duration(scanner)
    bounds = Bounds(read_duration(scanner), first) if scanner.accept("..") else Bounds(first)
    scanner.end()
    if bounds.low and not ordered(bounds.low, bounds.high):
        scanner.fail("these bounds are empty: they end before they begin")
    return bounds


def ordered(low: Duration, high: Duration) -> bool:
    """Whether the first is not the longer one, as far as that can be told without a target."""
    units = {name for _, name in (*low.terms, *high.terms)}
    if len(units & set(NAMED)) > (0 if units & set(UNITS) else 1):
        return True  # only the target's profile can tell
    return low.seconds(lambda _: 1.0) <= high.seconds(lambda _: 1.0)


def parse_ratio(text: str, params: Mapping[str, str] | None = None) -> Ratio:
    """Read ``1.7..2.3``; raises NotationError."""
    scanner = Scanner(text, params)
    low = _plain(scanner)
    scanner.expect("..", "between two ratios")
    high = _plain(scanner)
    scanner.end()
    if low > high:
        scanner.fail("this range is empty: it ends before it begins")
    return Ratio(low, high)


def _plain(scanner: Scanner) -> float:
    if scanner.next.kind is not TokenKind.NUMBER or scanner.next.text.startswith("0x"):
        scanner.fail("a number expected, as in 1.7..2.3")
    return float(scanner.take().text)


def read_duration(scanner: Scanner) -> Duration:
    """Read one duration under the cursor."""
    terms = [_term(scanner)]
    while scanner.accept("+"):
        terms.append(_term(scanner))
    return Duration(tuple(terms))


def _term(scanner: Scanner) -> tuple[float, str]:
    count = scanner.next
    if count.kind is not TokenKind.NUMBER or count.text.startswith("0x"):
        scanner.fail("a duration expected", "such as 1s, 200ms or 2MSL")
    scanner.take()
    unit = scanner.next
    if unit.kind is not TokenKind.NAME:
        scanner.fail(f"{count.text} has no unit", "such as 1s, 200ms or 2MSL", count)
    if unit.text not in UNITS and unit.text not in NAMED:
        scanner.fail(f"unknown unit {unit.text}", suggest(unit.text, (*UNITS, *NAMED)))
    scanner.take()
    value = float(count.text)
    if value * UNITS.get(unit.text, 1.0) > LONGEST_SECONDS:
        scanner.fail(f"{count.text}{unit.text} is too long", "at most 30 days", count)
    return value, unit.text
