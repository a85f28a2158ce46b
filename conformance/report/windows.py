"""Which windows and counters a ladder shows: those that a reader would miss.

A window is shown where a step wrote it, where it is zero, and where it changed by more than the
text that was acknowledged with it; after the SYN the first only sets the scale of the others.
AE, CWR and ECE are told as the number that they are where a step wrote ``ace=``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from conformance.notation.expr import exactly
from conformance.notation.printer import print_segment
from conformance.notation.segment import parse_segment
from conformance.play.record import Entry, Record, What
from conformance.tcp.flags import ACE, Flags, ace
from conformance.tcp.options import WindowScale
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff

_Side = tuple[str, What]  # of a connection


def with_windows(record: Record) -> dict[int, str]:
    """The texts of the entries of which more is shown, by the entry's place in the record."""
    windows = {at: {"win": segment.window} for at, segment in _telling(record)}
    counters = {
        at: {"ace": ace(entry.segment.flags)}
        for at, entry in enumerate(record.entries)
        if entry.segment is not None and _is_written(entry, "ace")
    }
    places = windows.keys() | counters.keys()
    told = {at: windows.get(at, {}) | counters.get(at, {}) for at in places}
    return {at: _text(record.entries[at], numbers) for at, numbers in told.items()}


def _telling(record: Record) -> Iterator[tuple[int, Segment]]:
    shifts: dict[_Side, int | None] = {}
    before: dict[_Side, Segment] = {}
    for at, entry in enumerate(record.entries):
        segment, side = entry.segment, (entry.conn, entry.what)
        if segment is None:
            continue
        if _is_written(entry, "win"):
            yield at, segment
        elif not segment.has(Flags.RST):
            last = before.get(side)
            if not segment.window or (
                last and _jumps(last, segment, _shift(shifts, entry.conn, side))
            ):
                yield at, segment
        if segment.has(Flags.SYN):
            scale = segment.option(WindowScale)
            shifts[side] = min(scale.shift, 14) if scale else None
            before.pop(side, None)
        elif not segment.has(Flags.RST):
            before[side] = segment


def _is_written(entry: Entry, name: str) -> bool:
    step = entry.taken or entry.step
    return step is not None and any(name in one.fields for one in step.patterns)


def _shift(shifts: dict[_Side, int | None], conn: str, side: _Side) -> int:
    both = [shifts.get((conn, what)) for what in (What.SENT, What.RECEIVED)]
    return 0 if None in both else shifts[side] or 0


def _jumps(before: Segment, now: Segment, shift: int) -> bool:
    """Whether the window changed by more than what was acknowledged since."""
    acknowledged = max(diff(now.ack, before.ack), 0)
    # A scaled window is told in whole units.
    return abs(now.window - before.window) << shift >= acknowledged + (1 << shift)


def _text(entry: Entry, numbers: Mapping[str, int]) -> str:
    text = parse_segment(entry.text)
    flags = text.flags & ~ACE if "ace" in numbers else text.flags
    told = {name: exactly(number) for name, number in numbers.items()}
    return print_segment(replace(text, flags=flags, fields={**text.fields, **told}))
