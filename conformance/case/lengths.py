"""How long a segment of the tester is, as far as no run has to tell, and how one sends more.

A name that only a play gives counts with the least that it can be: none of the
target's variables is below 0. So what is refused here is refused by every play.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from conformance.case.segments import LARGEST_DATA
from conformance.case.step import Step
from conformance.case.verbs.send import Send
from conformance.notation.expr import TCB_NAMES, Expr, Name, Number, Value, members
from conformance.notation.segment import SegmentText
from conformance.tcp.flags import Flags
from conformance.tcp.options import encode
from conformance.tcp.segment import ROOM, too_long

DEFAULT_WINDOW: Final = 65535
# What the tester, or the target, has where nothing is written.
_UNWRITTEN: Final = {"len": (0, 0), "urg": (0, 0), "win": (DEFAULT_WINDOW, DEFAULT_WINDOW)}

Labels = Mapping[str, Step]


class _Span(NamedTuple):
    """From the least that a number can be to the most; None: nobody knows, or there is none."""

    low: int | None
    high: int | None


def written(segment: SegmentText) -> bool:
    """Whether anything in it has a length; most are bare."""
    return bool("len" in segment.fields or segment.data or segment.options or segment.raw_options)


def flaws(step: Step, segment: SegmentText, labels: Labels) -> Iterator[tuple[str, str, str]]:
    """The word that asks for more than the link carries, what about it, a hint."""
    word = "len" if "len" in segment.fields else "data"
    text = _text(segment, labels)
    least = text.low or 0
    if least > LARGEST_DATA:
        yield word, f"one step sends at most {LARGEST_DATA} octets", "send it in several steps"
        return
    cut = step.cut if isinstance(step, Send) else 0
    octets = min(least, cut or least) + _options(segment)
    if octets > ROOM:
        exact = cut or text.low == text.high
        yield word, ("" if exact else "at least ") + too_long(octets), several(step, segment)


def several(step: Step, segment: SegmentText) -> str:
    """How the tester sends a text for which one segment has no room."""
    if Flags.SYN in segment.flags:
        return "send its text after it"
    if isinstance(step, Send):
        return "cut: 1000 sends it in several"
    return "lose it in several steps, of 1000 octets each"


def _text(segment: SegmentText, labels: Labels) -> _Span:
    if segment.data is not None:
        return _Span(len(segment.data), len(segment.data))
    return _value(segment.fields["len"], labels) if "len" in segment.fields else _Span(0, 0)


def _options(segment: SegmentText) -> int:
    if segment.raw_options is not None or segment.options is None:
        return len(segment.raw_options or b"")
    made = (one.family.make([0] * len(one.values), one.octets) for one in segment.options.options)
    return len(encode(tuple(made)))


def _value(value: Value, labels: Labels) -> _Span:
    ends = [(one.low, one.high or one.low) for one in members(value)]
    lows = [_sum(low, labels).low for low, _ in ends] or [None]
    highs = [_sum(high, labels).high for _, high in ends] or [None]
    return _Span(
        None if None in lows else min(low for low in lows if low is not None),
        None if None in highs else max(high for high in highs if high is not None),
    )


def _sum(expr: Expr, labels: Labels) -> _Span:
    low: int | None = 0
    high: int | None = 0
    for sign, term in expr.terms:
        one = _term(term, labels) if sign > 0 else _negative(_term(term, labels))
        low = None if low is None or one.low is None else low + one.low
        high = None if high is None or one.high is None else high + one.high
    return _Span(low, high)


def _negative(span: _Span) -> _Span:
    return _Span(*(None if end is None else -end for end in (span.high, span.low)))


def _term(term: object, labels: Labels) -> _Span:
    if isinstance(term, Number):
        return _Span(term.value, term.value)
    if not isinstance(term, Name):
        return _Span(None, None)
    if term.name in TCB_NAMES:
        return _Span(0, None)
    label, _, field = term.name.partition(".")
    step = labels.get(label)
    if field not in _UNWRITTEN or step is None or (isinstance(step, Send) and step.cut):
        return _Span(None, None)
    return _field(step, field, labels)


def _field(step: Step, field: str, labels: Labels) -> _Span:
    """What is written of a segment that has a label; a window of the target may be any."""
    (segment,) = step.patterns
    earlier = {name: one for name, one in labels.items() if one is not step}
    if field == "len" and segment.data is not None:
        return _text(segment, earlier)
    if field in segment.fields:
        found = _value(segment.fields[field], earlier)
        return _Span(0 if found.low is None else found.low, found.high)
    if field == "win" and not step.by_tester:
        return _Span(0, None)
    return _Span(*_UNWRITTEN[field])
