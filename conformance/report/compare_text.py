"""A comparison of two runs told: as text for a person, as Markdown for a job's comment.

Rules:

- The line of counts comes first, then what is red with both ladders, then the rest, a line or two a
  case. Every list but that of the regressions has a bound, and says what it leaves out.
- A comment at GitHub holds 65,536 characters: ladders are folded in as long as there is room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from conformance.report.colour import Colours
from conformance.report.compare import Comparison, Kind, Row, Side
from conformance.report.markdown import cell, fenced, html_line
from conformance.visible import on_one_line

_SHOWN: Final = 30  # lines of one kind
_LADDERS: Final = 5  # that a comment holds
_ROOM: Final = 60_000  # characters of a comment
_STYLES: Final = {Kind.REGRESSION: "bad", Kind.MENDED: "pass"}


def text(comparison: Comparison, *, color: bool = False) -> str:
    """For a person."""
    paint = Colours(color)
    lines = [f"A  {on_one_line(comparison.a)}", f"B  {on_one_line(comparison.b)}", ""]
    for row in comparison.of(Kind.REGRESSION):
        lines += _whole(row, paint)
    for kind in Kind:
        if kind is not Kind.REGRESSION:
            lines += _listed(kind, comparison.of(kind), paint)
    lines += [on_one_line(note) for note in comparison.notes]
    return "\n".join([*lines, paint(comparison.line(), "bold")]) + "\n"


def _whole(row: Row, paint: Colours) -> Iterator[str]:
    assert row.a is not None
    assert row.b is not None
    yield paint(f"{row.kind}: ", "bad") + _head(row)
    yield on_one_line(row.title)
    for name, one, ladder in (("A", row.a, row.ladders[0]), ("B", row.b, row.ladders[1])):
        yield ""
        yield paint(f"{name}  {on_one_line(one.id)}: {_ended(one)}", "bold")
        yield from (f"   at {on_one_line(one.step)}",) if one.step else ()
        yield from ladder.splitlines()
    if row.told:
        yield on_one_line(row.told)
    yield ""


def _listed(kind: Kind, rows: Sequence[Row], paint: Colours) -> Iterator[str]:
    told = [row for row in rows if kind is not Kind.SAME or row.told]
    for row in told[:_SHOWN]:
        yield paint(f"{kind}: ", _STYLES.get(kind, "")) + _head(row)
        yield from (f"   {line}" for line in _short(row))
    if len(told) > _SHOWN:
        yield f"   and {len(told) - _SHOWN} more {kind}; --json has all of them"
    if told:
        yield ""


def _head(row: Row) -> str:
    sides = " -> ".join(one.outcome for one in (row.a, row.b) if one)
    if row.a and row.b and row.a.outcome == row.b.outcome:
        sides = row.a.outcome
    return f"{on_one_line(str(row.key))}  {on_one_line(sides)}"


def _short(row: Row) -> Iterator[str]:
    """What there is to say of it, a line a thing."""
    found = row.difference
    if found is not None:
        yield on_one_line(f"{found.change}: A {found.a}, B {found.b}")
    elif row.a is not None and row.b is not None and row.kind is not Kind.SAME:
        for name, one in (("A", row.a), ("B", row.b)):
            if one.reason:
                yield on_one_line(f"{name} {one.reason}")
    elif row.b is not None and row.a is None and row.b.failed:
        yield on_one_line(row.b.reason)
    if row.told:
        yield on_one_line(row.told)


def _ended(one: Side) -> str:
    return on_one_line(f"{one.outcome}: {one.reason}".removesuffix(": "))


# ---- a comment -----------------------------------------------------------------------------------


def markdown(comparison: Comparison) -> str:
    """For a job's comment."""
    regressed = comparison.of(Kind.REGRESSION)
    verdict = "Nothing regressed." if not regressed else f"**{len(regressed)} regressed.**"
    lines = ["## TCP conformance, compared", "", f"{verdict} {cell(comparison.line())}.", ""]
    lines += [f"A is {cell(comparison.a)}, B is {cell(comparison.b)}.", ""]
    lines += [f"- {cell(note)}" for note in comparison.notes] + [""] * bool(comparison.notes)
    rows = [_cells(row) for kind in Kind for row in _first(comparison, kind)]
    if rows:
        lines += ["| | case | A | B | what |", "| --- | --- | --- | --- | --- |", *rows]
    left = [(kind, len(comparison.of(kind)) - _SHOWN) for kind in Kind if kind is not Kind.SAME]
    lines += [f"\n{count} more: {kind}." for kind, count in left if count > 0]
    room = _ROOM - sum(len(line) + 1 for line in lines)
    for row in regressed[:_LADDERS]:
        folded = _folded(row)
        room -= len(folded)
        if room < 0:
            break
        lines.append(folded)
    return "\n".join(lines) + "\n"


def _first(comparison: Comparison, kind: Kind) -> list[Row]:
    """The rows of a kind that a table has: of the unchanged none."""
    return [] if kind is Kind.SAME else comparison.of(kind)[:_SHOWN]


def _cells(row: Row) -> str:
    what = "; ".join(_short(row))
    sides = (one.outcome if one else "" for one in (row.a, row.b))
    cells = (str(row.kind), str(row.key), *sides, what)
    return "| " + " | ".join(map(cell, cells)) + " |"


def _folded(row: Row) -> str:
    told = "\n".join(line for line in _whole(row, Colours(False)))
    return "\n".join(["", *fenced(html_line(str(row.key)), told)])
