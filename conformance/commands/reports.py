"""The reports that ``run`` can write of the whole: an option each, in one tuple.

A report is told each final record and gives its text at the end; it keeps of a record only what it
will tell. Nothing is imported of one before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from conformance.play.record import Record


class Report(Protocol):
    """What is told of a run."""

    def add(self, record: Record) -> None: ...
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One report: its option, a line on it, and what makes it."""

    name: str
    doc: str
    make: Callable[[], Report]


def _observed() -> Report:
    from conformance.targets.deviations import Draft

    return Draft()


REPORTS: Final = (
    Row("observed", "write what failed as deviations, to be given reasons", _observed),
)
