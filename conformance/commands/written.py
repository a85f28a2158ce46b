"""What a run writes besides its lines: records, captures, and reports of the whole."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from conformance import files
from conformance.commands import reports, unended
from conformance.commands.captures import Captures
from conformance.commands.reports import REPORTS, ReportKind, given
from conformance.errors import CaseError, EnvironmentProblem
from conformance.play.record import Record
from conformance.report import jsonlines

Sink = Callable[[Record], None]


def begin(args: Namespace) -> None:
    """Have what is written whole say that the run did not end, whatever comes first."""
    for report in REPORTS:
        if (path := given(args, report)) and report.merge is None:
            unended.begin(f"--{report.name}", Path(path), reports.unended(report))
    if args.html:
        from conformance.commands.report import Folder

        Folder(Path(args.html)).begin(unended.RUN)


def sinks(
    args: Namespace, captures: Captures | None, broken: Sequence[str] = ()
) -> Iterator[AbstractContextManager[Sink]]:
    """What takes each record as its case ends; ``broken``, when all have: why not all did."""
    if args.record:
        yield _recording(Path(args.record))
    if captures is not None:
        yield _captures(captures)
    if args.html:
        yield _site(Path(args.html), broken)
    for report in REPORTS:
        if path := given(args, report):
            yield _reporting(report, Path(path), broken)


@contextmanager
def _recording(path: Path, option: str = "--record") -> Iterator[Sink]:
    """Write each record as lines of JSON, when its case has ended.

    So what is there holds whole runs after any end: of a disk that is full, too.
    """
    with _begun(option, path):
        grown = files.Growing(path)

    def write(record: Record) -> None:
        with _named(path):
            grown.append(jsonlines.dump(record).encode())

    with grown:
        yield write


class Kept:
    """The records of a session that ends no run: the file is begun when the first one comes."""

    def __init__(self, place: str, worker: str = "", option: str = "--conformance-record") -> None:
        """``place`` may be empty; a worker of xdist has a file of its own beside it."""
        self._place = f"{place}.{worker}" if worker and place else place
        self._option, self._open = option, ExitStack()
        self._write: Sink | None = None

    def add(self, record: Record) -> None:
        """One more final record."""
        if self._place and self._write is None:
            self._write = self._open.enter_context(_recording(Path(self._place), self._option))
        if self._write is not None:
            self._write(record)

    def close(self) -> None:
        """That was all."""
        self._open.close()


@contextmanager
def _captures(captures: Captures) -> Iterator[Sink]:
    """Write each record as a capture of its own, named as the record is."""
    from conformance.report.pcapng import pcapng

    with _begun("--pcap", captures.folder):
        captures.folder.mkdir(parents=True, exist_ok=True)
        files.try_to_write_in(captures.folder)

    def write(record: Record) -> None:
        path = captures.path(record)
        with _named(path):
            files.write(path, pcapng(record))

    yield write


@contextmanager
def _site(path: Path, broken: Sequence[str]) -> Iterator[Sink]:
    """Write the site, at the end of a run that was not interrupted."""
    from conformance.commands.report import Folder
    from conformance.report.site.model import Site
    from conformance.report.site.pages import pages
    from conformance.report.site.telling import told

    folder, site = Folder(path), Site()
    yield lambda record: site.put(told(record))
    site.broken += broken
    folder.write(pages(site))


@contextmanager
def _reporting(kind: ReportKind, path: Path, broken: Sequence[str]) -> Iterator[Sink]:
    """Write the report whole, at the end of a run that was not interrupted."""
    with _begun(f"--{kind.name}", path):
        files.try_to_write(path)
    report = kind.begin(path)
    yield report.add
    for why in broken:
        report.broke(why)
    with _named(path):
        files.write_text(path, report.text())


@contextmanager
def _begun(option: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = files.reason(error)
        raise CaseError(f"{option} {path} cannot be written: {why}") from None


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be written: {files.reason(error)}") from None
