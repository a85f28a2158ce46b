"""Several targets side by side: cases down, targets across, what differs first.

Rules:

- A case that ended alike everywhere is one row; where that was a pass on all it is only counted,
  for a terminal; the JSON holds every case.
- A case that differs has its reasons below it, one line a target.
- What was not played on a target is ``-``; what it lacks is ``skipped``. Neither is a difference:
  only what was judged on two targets can differ.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from conformance.play.played import way
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.colour import Colours
from conformance.visible import on_one_line

_ABSENT: Final = "-"
_NOT_JUDGED: Final = frozenset({_ABSENT, str(Outcome.SKIPPED)})
_LONGEST: Final = 160  # characters of a reason


class Table:
    """Grows as records come; one column a target, in the order of their first record."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, tuple[str, str]]] = {}  # case, target: outcome, reason
        self._targets: dict[str, Counter[str]] = {}

    def add(self, record: Record) -> None:
        """One more final record."""
        verdict, target = record.verdict, record.profile.name
        outcome = str(verdict.outcome if verdict else Outcome.ERROR)
        reason = verdict.reason if verdict else "it never ended"
        name, bracket, rest = record.case.id.partition("[")
        how = way(record.addressing.ip, record.addressing.isn)
        case = on_one_line(f"{name}::{how}{bracket}{rest}")
        row = self._found.setdefault(case, {})
        row[target] = outcome, reason
        self._targets.setdefault(target, Counter())[outcome] += 1

    @property
    def targets(self) -> list[str]:
        """The columns."""
        return list(self._targets)

    def object(self) -> dict[str, Any]:
        """All of it for another program."""
        return {
            "type": "table",
            "targets": self.targets,
            "cases": {
                case: {target: outcome for target, (outcome, _) in row.items()}
                for case, row in self._found.items()
            },
        }

    def text(self, *, color: bool = False) -> str:
        """The table, then how many ended how on each target."""
        rows = {case: [self._at(case, target)[0] for target in self._targets]
                for case in self._found}  # fmt: skip
        judged = {case: set(row) - _NOT_JUDGED for case, row in rows.items()}
        differing = [case for case, found in judged.items() if len(found) > 1]
        rest = [case for case, found in judged.items() if len(found) < 2]
        alike = [case for case in rest if len(set(rows[case])) == 1]
        shown = [case for case in rest if set(rows[case]) != {Outcome.PASS}]
        page = _Page(self.targets, [*differing, *shown], Colours(color))
        lines = [page.line("", self.targets)]
        for case in differing:
            lines += [page.line(case, rows[case]), *self._reasons(case, page.paint)]
        if differing and shown:
            lines.append("")
        lines += (page.line(case, rows[case]) for case in shown)
        lines += ["", page.line("", self.targets)]
        for outcome in Outcome:
            counts = [self._targets[target][outcome] for target in self._targets]
            if any(counts):
                lines.append(page.line(str(outcome), [str(count) for count in counts]))
        differs = "1 case differs" if len(differing) == 1 else f"{len(differing)} cases differ"
        passes = len(rest) - len(shown)
        told = f"{differs}, {len(alike)} ended alike, {passes} of them passed on all"
        some = len(rest) - len(alike)
        lines.append(told + (f"; {some} not played on all" if some else ""))
        return "\n".join(lines) + "\n"

    def _at(self, case: str, target: str) -> tuple[str, str]:
        return self._found[case].get(target, (_ABSENT, ""))

    def _reasons(self, case: str, paint: Colours) -> list[str]:
        lines = []
        for target in self._targets:
            reason = self._at(case, target)[1].partition("\n")[0]
            if reason:
                short = reason if len(reason) <= _LONGEST else reason[: _LONGEST - 3] + "..."
                lines.append(paint(f"    {target}: {short}", "dim"))
        return lines


class _Page:
    """The widths of the columns."""

    def __init__(self, targets: list[str], cases: list[str], paint: Colours) -> None:
        self.paint = paint
        self._first = max((len(case) for case in cases), default=12)
        self._columns = [max(len(target), len(Outcome.INCONCLUSIVE)) for target in targets]

    def line(self, first: str, cells: list[str]) -> str:
        """One row; the words of outcomes have their colours."""
        known = {str(outcome) for outcome in Outcome}
        padded = [cell.ljust(width) for cell, width in zip(cells, self._columns, strict=True)]
        padded[-1] = padded[-1].rstrip()
        painted = (self.paint(text, text.strip()) if text.strip() in known else text
                   for text in padded)  # fmt: skip
        return "  ".join([first.ljust(self._first), *painted]).rstrip()
