"""The rows of a ladder as SVG: time runs down, the tester left, the target right.

Segments are arrows between the lifelines with their text above, one that the network lost ends in
a cross; calls and states stand beside the target. What failed has a band, a ``!`` and, below it,
what would have been accepted. Nothing here knows a colour: classes do.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.case.step import Way
from conformance.report.ladder_layout import LadderRow, pieces
from conformance.report.site.markup import Html, line
from conformance.visible import on_one_line

_CHARACTER: Final = 6.65  # the width of one at 11 px
_LINE: Final = 14
_TIME: Final = 72  # the column of the times
_NARROWEST, _WIDEST = 300, 470  # between the lifelines
_SIDE: Final = 196  # beside the target's
_SIDE_CHARACTERS: Final = 27
_TOP: Final = 34
_HEAD: Final = 6  # of an arrow
_MOST_ROWS: Final = 600  # of one picture; a case may repeat something a thousand times


@dataclass(slots=True)
class _Drawing:
    """The elements so far, and how far down they reach."""

    left: float
    right: float
    conns: bool
    y: float = _TOP
    parts: list[str] = field(default_factory=list)
    before: float = 0.0
    shown: str = ""

    @property
    def width(self) -> float:
        return self.right + _SIDE

    def words(self, x: float, y: float, said: str, kind: str = "", anchor: str = "") -> None:
        classes = f' class="{kind}"' if kind else ""
        at = f' text-anchor="{anchor}"' if anchor else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}"{classes}{at}>{line(said)}</text>')

    def stroke(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self.parts.append(f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{kind}"/>')


def picture(rows: Sequence[LadderRow], wanted: Sequence[str] = ()) -> Html:
    """The rows, then what would have been accepted where the first marked one stands."""
    if not rows:
        return Html("")
    left_out = len(rows) - _MOST_ROWS
    if left_out > 0:
        gap = LadderRow(Way.BETWEEN, f"... {left_out} rows are left out of the picture ...")
        rows = [*rows[: _MOST_ROWS // 2], gap, *rows[-_MOST_ROWS // 2 :]]
    conns = len({row.conn for row in rows if row.conn}) > 1
    left = _TIME + (20 if conns else 0) + 12.0
    longest = max(
        (len(piece) for row in rows for piece in _pieces(row) if _between(row)), default=0
    )
    inner = min(_WIDEST, max(_NARROWEST, longest * _CHARACTER + 36))
    drawing = _Drawing(left, left + inner, conns)
    marked = max((i for i, row in enumerate(rows) if row.mark == "!"), default=None)
    for number, row in enumerate(rows):
        _row(drawing, row)
        if wanted and number == (len(rows) - 1 if marked is None else marked):
            _wanted(drawing, wanted)
    return _framed(drawing)


def _between(row: LadderRow) -> bool:
    return row.way is not Way.AT_TARGET


def _room() -> int:
    return int((_WIDEST - 36) / _CHARACTER)


def _pieces(row: LadderRow) -> list[str]:
    """The lines of its text."""
    said = on_one_line(row.text)
    if row.way is Way.AT_TARGET:
        return textwrap.wrap(said, _SIDE_CHARACTERS, subsequent_indent="  ") if said else []
    return pieces(said, _room()) if said else []


def _framed(drawing: _Drawing) -> Html:
    height = drawing.y + 10
    left, right = drawing.left, drawing.right
    head = (
        f'<text x="{left:g}" y="16" class="end" text-anchor="middle">tester</text>'
        f'<text x="{right:g}" y="16" class="end" text-anchor="middle">target</text>'
        f'<line x1="{left:g}" y1="22" x2="{left:g}" y2="{height:g}" class="rail"/>'
        f'<line x1="{right:g}" y1="22" x2="{right:g}" y2="{height:g}" class="rail"/>'
    )
    return Html(
        f'<svg class="ladder" viewBox="0 0 {drawing.width:g} {height:g}" '
        f'width="{drawing.width:g}" height="{height:g}" role="group" '
        f'aria-label="ladder of what happened">{head}{"".join(drawing.parts)}</svg>'
    )


def _row(drawing: _Drawing, row: LadderRow) -> None:
    lines = _pieces(row)
    at = _seconds(row.time)
    if row.time and at > drawing.before:
        drawing.y += _gap(at - drawing.before)
        drawing.before = at
    side = row.way is Way.AT_TARGET
    high = max(1, len(lines) + bool(row.state and side and lines)) * _LINE + 8
    top = drawing.y
    if row.mark == "!":
        drawing.parts.append(
            f'<rect x="2" y="{top:g}" width="{drawing.width - 4:g}" height="{high:g}" '
            'rx="4" class="band"/>'
        )
        drawing.words(4, top + 13, "!", "bad mark")
    if row.time and row.time != drawing.shown:
        drawing.words(_TIME, top + 13, row.time.strip(), "time", "end")
        drawing.shown = row.time
    if row.conn and drawing.conns:
        drawing.words(_TIME + 8, top + 13, row.conn, "conn")
    _DRAWN[row.way](drawing, row, lines, top)
    if row.state:
        _state(drawing, row.state, top + (len(lines) * _LINE if side else 0))
    drawing.y = top + high


def _gap(passed: float) -> float:
    """Pixels for a stretch of time: none for a millisecond, some for a second, more for an hour."""
    return 0.0 if passed < 0.005 else min(30.0, 6 * math.log10(passed / 0.001))


def _seconds(time: str) -> float:
    """``12.5 ms`` or ``3.250 s``."""
    number, _, unit = time.strip().partition(" ")
    return float(number) / (1000 if unit == "ms" else 1) if number else 0.0


# ---- one way of a row each -----------------------------------------------------------------------


def _segment(drawing: _Drawing, row: LadderRow, lines: list[str], top: float) -> None:
    left, right = drawing.left, drawing.right
    y = top + len(lines) * _LINE + 3
    kind = "bad" if row.mark == "!" else "lost" if row.lost else "seg"
    for number, piece in enumerate(lines):
        x, y_text = (left + right) / 2, top + 11 + number * _LINE
        drawing.words(x, y_text, piece, f"{kind}-text", "middle")
    forward = row.way is Way.TO_TARGET
    start, end = (left, right) if forward else (right, left)
    if row.lost:
        end = start + (end - start) * 0.86
        drawing.stroke(start, y, end, y, f"{kind} arrow")
        for dy in (5, -5):
            drawing.stroke(end - 5, y - dy, end + 5, y + dy, f"{kind} cross")
        return
    back = -_HEAD if forward else _HEAD
    drawing.stroke(start, y, end + back, y, f"{kind} arrow")
    drawing.parts.append(f'<path d="M{end:g} {y:g}l{back * 1.4:g} -4v8z" class="{kind} head"/>')


def _at_target(drawing: _Drawing, row: LadderRow, lines: list[str], top: float) -> None:
    kind = "bad-text" if row.mark == "!" else "call"
    if lines:
        drawing.stroke(drawing.right, top + 9, drawing.right + 7, top + 9, "tick")
    for number, piece in enumerate(lines):
        drawing.words(drawing.right + 11, top + 13 + number * _LINE, piece, kind)


def _note(drawing: _Drawing, row: LadderRow, lines: list[str], top: float) -> None:
    kind = "bad-text" if row.mark == "!" else "note"
    for number, piece in enumerate(lines):
        drawing.words(drawing.left + 12, top + 13 + number * _LINE, piece, kind)


def _passes(drawing: _Drawing, row: LadderRow, lines: list[str], top: float) -> None:
    bottom = top + max(1, len(lines)) * _LINE + 8
    for x in (drawing.left, drawing.right):
        drawing.stroke(x, top, x, bottom, "pause")
    _note(drawing, row, lines, top)


def _rule(drawing: _Drawing, row: LadderRow, lines: list[str], top: float) -> None:
    y = top + 9
    said = " ".join(lines)
    if not said:
        drawing.stroke(drawing.left, y, drawing.right, y, "rule")
        return
    drawing.words(drawing.left + 12, top + 13, said, "title")
    begun = min(drawing.left + 20 + len(said) * _CHARACTER, drawing.right)
    drawing.stroke(begun, y, drawing.right, y, "rule")


_DRAWN: Final = {
    Way.TO_TARGET: _segment,
    Way.TO_TESTER: _segment,
    Way.AT_TARGET: _at_target,
    Way.BETWEEN: _note,
    Way.PASSES: _passes,
    Way.RULE: _rule,
}


def _state(drawing: _Drawing, state: str, top: float) -> None:
    x = drawing.right + 10
    width = len(state) * _CHARACTER + 12
    drawing.parts.append(
        f'<rect x="{x:g}" y="{top + 1:g}" width="{width:g}" height="16" rx="8" class="pill"/>'
    )
    drawing.words(x + 6, top + 13, state, "state")


def _wanted(drawing: _Drawing, wanted: Sequence[str]) -> None:
    for number, one in enumerate(wanted):
        said = f"{'or ' if number else 'would have been accepted: '}{on_one_line(one)}"
        for piece in textwrap.wrap(said, _room(), subsequent_indent="    "):
            drawing.words(drawing.left + 12, drawing.y + 13, piece, "wanted")
            drawing.y += _LINE
    drawing.y += 6
