"""Cases against targets, differences first: where two stacks, or two IP versions, part ways.

A row in which all agree is of little interest: such rows are counted, by what they agree on. The
rows that differ come first and are all shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from conformance.play.record import Record
from conformance.play.verdict import ORDER, Outcome
from conformance.report.paint import Paint

_NOT_RUN: Final = "-"


def matrix(records: Iterable[Record], *, every: bool = False, color: bool = False) -> str:
    """The table; ``every`` shows the cases that all columns agree on too."""
    cells: dict[str, dict[str, Outcome]] = {}
    columns: list[str] = []
    for record in records:
        column = f"{record.profile.name}-ipv{record.addressing.ip}"
        if column not in columns:
            columns.append(column)
        outcome = record.verdict.outcome if record.verdict else Outcome.ERROR
        cells.setdefault(record.case.id, {})[column] = outcome
    if not cells:
        return "nothing was played\n"
    differ = [case for case in cells if len({cells[case].get(one) for one in columns}) > 1]
    alike = [case for case in cells if case not in differ]
    shown = differ + (alike if every else [])
    lines = _table(shown, columns, cells, Paint(color)) if shown else []
    told = _alike(alike, cells, columns)
    return "\n".join([*lines, *([""] if lines and told else []), *told]) + "\n"


def _table(
    cases: list[str], columns: list[str], cells: dict[str, dict[str, Outcome]], paint: Paint
) -> list[str]:
    first = max(map(len, cases)) + 2
    wide = [max(len(column), len("inconclusive")) + 2 for column in columns]
    heads = "".join(f"{column:<{size}}" for column, size in zip(columns, wide, strict=True))
    lines = [paint((" " * first + heads).rstrip(), "bold")]
    for case in cases:
        texts = []
        for column, size in zip(columns, wide, strict=True):
            outcome = cells[case].get(column)
            texts.append(paint(f"{outcome or _NOT_RUN:<{size}}", str(outcome or "dim")))
        lines.append(f"{case:<{first}}{''.join(texts)}".rstrip())
    return lines


def _alike(cases: list[str], cells: dict[str, dict[str, Outcome]], columns: list[str]) -> list[str]:
    """``112 alike on all 2: 110 pass, 2 fail``."""
    if not cases:
        return []
    counts = Counter(cells[case][columns[0]] for case in cases)
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ORDER if counts[outcome])
    return [f"{len(cases)} alike on all {len(columns)}: {told}"]
