"""TAP version 14: a line a case, the reason of each that did not pass beneath it."""

from __future__ import annotations

import json

from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.causes import cause_of
from conformance.visible import on_one_line


class Tap:
    """The lines of one run."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._count = 0
        self._broken: list[str] = []

    def add(self, record: Record) -> None:
        """One more final record."""
        self._count += 1
        verdict = record.verdict
        outcome = verdict.outcome if verdict else Outcome.ERROR
        reason = on_one_line(verdict.reason if verdict else "it never ended").replace("#", "\\#")
        good = outcome in (Outcome.PASS, Outcome.DEVIATES, Outcome.SKIPPED)
        directive = {
            Outcome.SKIPPED: f" # SKIP {reason}",
            Outcome.DEVIATES: f" # TODO deviates: {reason}",
        }.get(outcome, "")
        if verdict and verdict.let_by:
            outcome, directive = Outcome.PASS, f" # {reason}"
        # What is to be done and is done not: a known deviation is "not ok" with a TODO.
        word = "ok" if good and outcome is not Outcome.DEVIATES else "not ok"
        name = on_one_line(record.id).replace("\\", "\\\\").replace("#", "\\#")
        self._lines.append(f"{word} {self._count} - {name}{directive}")
        if not good:
            told = {"outcome": str(outcome), "message": cause_of(record)}
            self._lines += ["  ---", *(f"  {k}: {json.dumps(v)}" for k, v in told.items()), "  ..."]

    def broke(self, why: str) -> None:
        """Not all was played to its end."""
        self._broken.append(why)

    def text(self) -> str:
        """The document."""
        bail = [f"Bail out! {on_one_line('; '.join(self._broken))}"] if self._broken else []
        return "\n".join(["TAP version 14", f"1..{self._count}", *self._lines, *bail]) + "\n"
