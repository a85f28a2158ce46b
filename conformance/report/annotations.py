"""GitHub's workflow commands: an error at the line of the case that a run ended at."""

from __future__ import annotations

from conformance.play.record import Record
from conformance.report.causes import BAD, cause_of


class Annotations:
    """A line for each case that did not pass."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, record: Record) -> None:
        """One more final record."""
        verdict = record.verdict
        if verdict is not None and verdict.outcome not in BAD:
            return
        span = verdict.step.span if verdict and verdict.step else record.case.span
        path = span.path or record.case.path
        place = f"file={_property(path)},line={max(1, span.line)},title={_property(record.id)}"
        self._lines.append(f"::error {place}::{_data(cause_of(record))}")

    def broke(self, why: str) -> None:
        """Not all was played to its end."""
        self._lines.append(f"::error title=conformance::{_data(why)}")

    def text(self) -> str:
        """The lines; a job prints them."""
        return "".join(f"{line}\n" for line in self._lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
