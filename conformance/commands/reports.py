"""The reports that ``run`` can write of the whole: an option each, in one tuple.

A report is told each final record and gives its text at the end; it keeps of a record only what it
will tell. Nothing is imported of one before it is asked for.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from conformance.commands.output import note
from conformance.commands.unended import RUN

if TYPE_CHECKING:
    from conformance.play.record import Record


class Report(Protocol):
    """What is told of a run."""

    def add(self, record: Record) -> None: ...
    def broke(self, why: str) -> None: ...
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ReportKind:
    """One report: its option, a line on it, and what makes it, or makes it of what is there."""

    name: str
    doc: str
    make: Callable[[], Report] | None = None
    merge: Callable[[Path], Report] | None = None

    def begin(self, path: Path) -> Report:
        """A report that will be written there."""
        if self.merge is not None:
            return self.merge(path)
        assert self.make is not None
        return self.make()


def unended(one: ReportKind, why: str = RUN) -> str:
    """The text of a report until it is made."""
    assert one.make is not None
    report = one.make()
    report.broke(why)
    return report.text()


def given(args: Namespace, one: ReportKind) -> str | None:
    """The file that its option names, if it does."""
    path: str | None = getattr(args, one.name.replace("-", "_"))
    return path


def _observed(path: Path) -> Report:
    from conformance.targets.observed import Draft
    from conformance.targets.runs.proposals import Proposals

    class Merged(Draft):
        """One that says what it has changed in the file, and what would make it shorter."""

        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self._proposals = Proposals()

        def add(self, record: Record) -> None:
            super().add(record)
            self._proposals.add(record)

        def broke(self, why: str) -> None:
            """What was not played stays as it is."""

        def text(self) -> str:
            text = super().text()
            for line in (*self.told, *self._proposals.told()):
                note(f"{path}: {line}")
            return text

    return Merged(path)


def _junit() -> Report:
    from conformance.report.junit import Junit

    return Junit()


def _markdown() -> Report:
    from conformance.report.markdown import Markdown

    return Markdown()


def _tap() -> Report:
    from conformance.report.tap import Tap

    return Tap()


def _annotations() -> Report:
    from conformance.report.annotations import Annotations

    return Annotations()


REPORTS: Final = (
    ReportKind(
        "observed",
        "write what failed as deviations, to be given reasons; merge it into what is there",
        merge=_observed,
    ),
    ReportKind("junit-xml", "write JUnit's XML", _junit),
    ReportKind("markdown", "write a job's summary in Markdown", _markdown),
    ReportKind("tap", "write TAP version 14", _tap),
    ReportKind("annotations", "write GitHub's annotations, for a job to print", _annotations),
)
# Those that say what a run came to, so that a record of it does as well.
FORMS: Final = tuple(one for one in REPORTS if one.make is not None)
