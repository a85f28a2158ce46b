"""A comparison of two runs told: as text for a person, as Markdown for a job's comment.

Rules:

- What is red comes first, with both ladders; then the rest. Cases that differ in the same way are
  one entry. The line of counts ends a text, where a log is read first, and begins a comment.
- Every list but that of the regressions has a bound, and says what it leaves out.
- A comment at GitHub holds 65,536 characters: ladders are folded in as long as there is room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from conformance.report.colour import Colours
from conformance.report.compare import ComparedCase, Comparison, Kind, Side
from conformance.report.markdown import cell, fenced, html_line
from conformance.visible import on_one_line

_SHOWN: Final = 20  # entries of one kind
_NAMED: Final = 3  # cases of one entry
_LADDERS: Final = 5  # that a comment holds
_ROOM: Final = 60_000  # characters of a comment
_STYLES: Final = {Kind.REGRESSION: "bad", Kind.OTHER: "warn", Kind.MENDED: "good"}


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


def _whole(row: ComparedCase, paint: Colours) -> Iterator[str]:
    """A regression with both its ladders."""
    assert row.a is not None
    assert row.b is not None
    yield f"{paint(str(row.kind), 'bad')}  {on_one_line(str(row.key))}: {_verdicts(row)}"
    yield on_one_line(row.title)
    for name, one, ladder in (("A", row.a, row.ladders[0]), ("B", row.b, row.ladders[1])):
        told = on_one_line(f"{one.outcome}: {one.reason}".removesuffix(": "))
        yield ""
        yield paint(f"{name}  {on_one_line(one.id)}: {told}", "bold")
        yield from (f"   at {on_one_line(one.step)}",) if one.step else ()
        yield from ladder.text.splitlines()
    yield from ("", on_one_line(row.told)) if row.told else ()
    yield ""


def _listed(kind: Kind, rows: Sequence[ComparedCase], paint: Colours) -> Iterator[str]:
    groups = _groups(kind, rows)
    for told, alike in groups[:_SHOWN]:
        head = paint(str(kind), _STYLES.get(kind, ""))
        yield f"{head}  {'; '.join((_verdicts(alike[0]), *told)) if told else _verdicts(alike[0])}"
        yield from (f"   {on_one_line(str(row.key))}" for row in alike[:_NAMED])
        if len(alike) > _NAMED:
            yield f"   and {len(alike) - _NAMED} more"
    if len(groups) > _SHOWN:
        yield f"{kind}  {_left(groups)}"
    if groups:
        yield ""


def _groups(
    kind: Kind, rows: Sequence[ComparedCase]
) -> list[tuple[tuple[str, ...], list[ComparedCase]]]:
    """What there is to say of rows of one kind, each with the rows of which it is to be said."""
    found: dict[tuple[str, ...], list[ComparedCase]] = {}
    for row in rows:
        if row.differences:
            for one in row.differences:
                text = on_one_line(f"{one.change}: A {one.a}, B {one.b}")
                found.setdefault((_verdicts(row), text), []).append(row)
        elif kind is not Kind.SAME or row.told:
            found.setdefault((_verdicts(row), *_short(row)), []).append(row)
    groups = sorted(found.items(), key=lambda group: -len(group[1]))
    return [(said[1:], alike) for said, alike in groups]


def _verdicts(row: ComparedCase) -> str:
    """``pass -> fail``, or the one that both have, or the one there is."""
    return on_one_line(" -> ".join(dict.fromkeys(one.outcome for one in (row.a, row.b) if one)))


def _short(row: ComparedCase) -> Iterator[str]:
    """What there is to say of it, a text a thing."""
    if row.kind is not Kind.SAME:
        for name, one in (("A", row.a), ("B", row.b)):
            if one is not None and one.reason and not _alone(row, one):
                yield on_one_line(f"{name}: {one.reason}")
    if row.told:
        yield on_one_line(row.told)


def _alone(row: ComparedCase, one: Side) -> bool:
    """Whether one side alone has the case, and nothing is wrong with it."""
    return (row.a is None or row.b is None) and not one.failed


# ---- a comment -----------------------------------------------------------------------------------


def markdown(comparison: Comparison) -> str:
    """For a job's comment."""
    regressed = comparison.of(Kind.REGRESSION)
    verdict = f"**{len(regressed)} regressed.**" if regressed else "Nothing regressed."
    lines = ["## TCP conformance, compared", "", f"{verdict} {cell(comparison.line())}.", ""]
    lines += [f"A is {cell(comparison.a)}  ", f"B is {cell(comparison.b)}", ""]
    lines += [f"- {cell(note)}" for note in comparison.notes] + [""] * bool(comparison.notes)
    rows = [line for kind in Kind for line in _table(kind, comparison.of(kind))]
    if rows:
        lines += ["| | cases | verdict | what | one of them |"]
        lines += ["| --- | ---: | --- | --- | --- |", *rows]
    room = _ROOM - sum(len(line) + 1 for line in lines)
    for row in regressed[:_LADDERS]:
        folded = fenced(html_line(str(row.key)), "\n".join(_whole(row, Colours())))
        room -= sum(len(line) + 1 for line in folded)
        if room < 0:
            break
        lines += ["", *folded]
    return "\n".join(lines) + "\n"


def _table(kind: Kind, rows: Sequence[ComparedCase]) -> Iterator[str]:
    groups = _groups(kind, rows)
    for told, alike in groups[:_SHOWN]:
        cells = (str(len(alike)), _verdicts(alike[0]), "; ".join(told), str(alike[0].key))
        yield "| " + " | ".join(map(cell, (str(kind), *cells))) + " |"
    if len(groups) > _SHOWN:
        yield f"| {kind} | | | {_left(groups)} | |"


def _left(groups: Sequence[object]) -> str:
    more = len(groups) - _SHOWN
    return f"{more} more {'entry' if more == 1 else 'entries'}, which --json has"
