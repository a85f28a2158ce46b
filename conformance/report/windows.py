"""Which windows a ladder shows: those that a reader would miss.

A window is shown where a step wrote it, where it is zero, and where it changed by more than the
text that was acknowledged with it; after the SYN the first only sets the scale of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.notation.expr import exactly
from conformance.notation.printer import print_segment
from conformance.notation.segment import parse_segment
from conformance.play.record import Entry, Record, What
from conformance.tcp.flags import Flags
from conformance.tcp.options import WindowScale
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff

_Side = tuple[str, What]  # of a connection


def with_windows(record: Record) -> dict[int, str]:
    """The texts of the entries whose window is shown, by the entry's place in the record."""
    return {at: _text(entry, segment) for at, entry, segment in _telling(record)}


def _telling(record: Record) -> Iterator[tuple[int, Entry, Segment]]:
    shifts: dict[_Side, int | None] = {}
    before: dict[_Side, Segment] = {}
    for at, entry in enumerate(record.entries):
        segment, side = entry.segment, (entry.conn, entry.what)
        if segment is None:
            continue
        if _is_written(entry):
            yield at, entry, segment
        elif not segment.has(Flags.RST):
            last = before.get(side)
            if not segment.window or (
                last and _jumps(last, segment, _shift(shifts, entry.conn, side))
            ):
                yield at, entry, segment
        if segment.has(Flags.SYN):
            scale = segment.option(WindowScale)
            shifts[side] = min(scale.shift, 14) if scale else None
            before.pop(side, None)
        elif not segment.has(Flags.RST):
            before[side] = segment


def _is_written(entry: Entry) -> bool:
    step = entry.taken or entry.step
    return step is not None and any("win" in one.fields for one in step.patterns)


def _shift(shifts: dict[_Side, int | None], conn: str, side: _Side) -> int:
    both = [shifts.get((conn, what)) for what in (What.SENT, What.RECEIVED)]
    return 0 if None in both else shifts[side] or 0


def _jumps(before: Segment, now: Segment, shift: int) -> bool:
    """Whether the window changed by more than what was acknowledged since."""
    acknowledged = max(diff(now.ack, before.ack), 0)
    # A scaled window is told in whole units.
    return abs(now.window - before.window) << shift >= acknowledged + (1 << shift)


def _text(entry: Entry, segment: Segment) -> str:
    text = parse_segment(entry.text)
    return print_segment(replace(text, fields={**text.fields, "win": exactly(segment.window)}))
