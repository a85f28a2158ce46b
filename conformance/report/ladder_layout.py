"""Two lifelines, the tester's and the target's, and what goes between them: rows to lines.

The picture is the RFC's (RFC 9293 figures 6 to 12) with a time line. Rules:

- A segment has an arrow head at both ends, in the direction it went. One that the network lost
  has an X where it fell: ``--X`` beside the target, ``X--`` beside the tester.
- What happens on the target (a call, an option) stands against the target's rail; the state it
  is in then stands beyond it. Time in which nothing may happen has lifelines of dots.
- The lifelines are as far apart as the longest text asks, and no line is wider than asked for: a
  longer text goes on in the next line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from conformance.case.step import Way
from conformance.report.colour import Colours
from conformance.visible import on_one_line

WIDEST: Final = 100
_NARROWEST: Final = 38  # between the lifelines, so that short ladders look alike
_ARROWS: Final = 10  # columns of both arrows and the blanks around them
_STATE: Final = len("  SYN-RECEIVED")


@dataclass(frozen=True, slots=True)
class LadderRow:
    """One row. ``mark`` is a character before the rail; ``style`` paints the text."""

    way: Way
    text: str = ""
    time: str = ""
    conn: str = ""
    state: str = ""
    mark: str = ""
    lost: bool = False
    style: str = ""
    indent: int = 0


@dataclass(frozen=True, slots=True)
class _Layout:
    time: int
    conn: int
    inner: int
    paint: Colours


def draw(rows: Sequence[LadderRow], *, width: int = WIDEST, color: bool = False) -> str:
    """The rows between two lifelines, under a heading; no line wider than ``width``."""
    rows = [_seen(row) for row in rows]
    time = max([len(row.time) for row in rows], default=0)
    names = {row.conn for row in rows if row.conn}
    conn = max(map(len, names)) + 1 if len(names) > 1 else 0
    wanted = max([_NARROWEST, *(_wants(row) for row in rows)])
    beside = time + conn + len(" ! |") + len("|") + _STATE
    layout = _Layout(time, conn, max(20, min(wanted, width - beside)), Colours(color))
    lines = [_heading(layout)]
    before = ""
    for row in rows:
        lines += _lines(row, layout, show_time=row.time != before)
        before = row.time
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _seen(row: LadderRow) -> LadderRow:
    """The row with nothing hidden in its texts: what is laid out is what will be seen."""
    text, conn, state = map(on_one_line, (row.text, row.conn, row.state))
    return replace(row, text=text, conn=conn, state=state)


def _wants(row: LadderRow) -> int:
    """Columns between the lifelines that the row's text asks for."""
    if row.way in (Way.TO_TARGET, Way.TO_TESTER):
        return len(row.text) + row.indent + _ARROWS
    if row.way is Way.PASSES:
        return len(row.text) + row.indent + _ARROWS
    return len(row.text) + row.indent + 4


def _heading(layout: _Layout) -> str:
    left = layout.time + layout.conn + len(" ! ")
    tester, target = "tester", "target"
    first = max(0, left - len(tester) // 2)
    gap = left + 1 + layout.inner - len(target) // 2 - first - len(tester)
    return " " * first + layout.paint(tester, "bold") + " " * gap + layout.paint(target, "bold")


def _lines(row: LadderRow, layout: _Layout, *, show_time: bool) -> list[str]:
    paint = layout.paint
    room = layout.inner - (4 if row.way in (Way.AT_TARGET, Way.BETWEEN, Way.RULE) else _ARROWS)
    parts = pieces(row.text, max(8, room - row.indent))
    rail = ":" if row.way is Way.PASSES else "|"
    lines = []
    for number, piece in enumerate(parts):
        first = number == 0
        time = row.time if first and show_time else ""
        mark = row.mark if first else ""
        name = row.conn if first and layout.conn else ""
        left = f"{time:>{layout.time}}{name:>{layout.conn}} "
        middle = _middle(row, piece, layout, first=first)
        state = f"  {row.state}" if first and row.state else ""
        lines.append(
            paint(left, "dim")
            + paint(f"{mark or ' '} ", "bad" if mark == "!" else "dim")
            + paint(rail, "dim")
            + middle
            + paint(rail, "dim")
            + paint(state, "name")
        )
    return lines


def _middle(row: LadderRow, piece: str, layout: _Layout, *, first: bool) -> str:
    paint, inner = layout.paint, layout.inner
    text = " " * row.indent + piece
    style = row.style or ("lost" if row.lost else "")
    match row.way:
        case Way.TO_TARGET | Way.TO_TESTER:
            left, right = _heads(row) if first else ("   ", "   ")
            body = paint(text.ljust(inner - _ARROWS), style)
            arrow = "lost" if row.lost else style
            return f" {paint(left, arrow)} {body} {paint(right, arrow)} "
        case Way.AT_TARGET:
            return paint(f"{text:>{inner - 1}} ", style)
        case Way.PASSES:
            return paint(f"     {text}".ljust(inner), style or "dim")
        case Way.BETWEEN:
            return paint(f"  {text}".ljust(inner), style or "dim")
        case Way.RULE:
            return paint(f"-- {text} ".ljust(inner, "-") if text else "-" * inner, style or "dim")


def _heads(row: LadderRow) -> tuple[str, str]:
    if row.way is Way.TO_TARGET:
        return ("-->", "--X") if row.lost else ("-->", "-->")
    return ("X--", "<--") if row.lost else ("<--", "<--")


def pieces(text: str, room: int) -> list[str]:
    """The text in lines of at most ``room``; a list of options is not torn if it need not be."""
    if len(text) <= room:
        return [text]
    head, bracket, options = text.partition(" <")
    if bracket and len(head) <= room and len(options) + 3 <= room:
        return [head, "  <" + options]
    return textwrap.wrap(text, room, subsequent_indent="  ", break_on_hyphens=False) or [""]
