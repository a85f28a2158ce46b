"""The command that tells recorded runs: a site, pictures, forms for machines.

A directory that is there is only written to when it is empty or a site of ours: a file in it says
so and names the pages, so that those of an earlier run go and nobody else's do.
"""

from __future__ import annotations

import os
import re
import signal
from argparse import Namespace
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from multiprocessing import active_children, get_context
from pathlib import Path, PurePosixPath
from typing import Final

from conformance import files
from conformance.case.model import Case
from conformance.commands import reports, unended
from conformance.commands.output import say
from conformance.commands.replay import rebuild
from conformance.commands.reports import FORMS, ReportKind, given
from conformance.errors import CaseError, EnvironmentProblem
from conformance.exits import Exit
from conformance.report import jsonlines
from conformance.report.jsonlines import Loaded
from conformance.report.site.model import Site, ToldRecord
from conformance.report.site.pages import FRONT, pages
from conformance.report.site.telling import told, untold
from conformance.targets.runs.rejudge import judge

LIST: Final = "conformance-report.txt"
_OURS: Final = "pages of conformance report --html; it may delete and write them anew\n"
_LARGEST_LIST: Final = 1 << 26
_BEGINS: Final = re.compile(r'\s*\{\s*"type"\s*:\s*"case"')
PATIENCE: Final = 600.0  # seconds for a piece, which takes a process about one
_TOGETHER: Final = 64  # conversations that one process reads at once
_KEPT_CASES: Final = 64  # a case is played over both IP versions, one soon after the other


def visible_name(path: str) -> str:
    """What a run is called: its file, wherever that is."""
    return Path(path).name


def report(args: Namespace) -> int:
    """Write what is asked for; 0 whatever the verdicts are, 2 where a file is no record."""
    forms = {one: path for one in FORMS if (path := given(args, one))}
    if not (args.html or args.svg or forms):
        names = ", ".join(f"--{one.name} FILE" for one in FORMS)
        raise CaseError(f"report writes nothing without --html DIR, --svg DIR, {names}")
    if forms:
        _forms(args.files, forms)
    if args.html or args.svg:
        _site(args)
    return Exit.EXPECTED


def _forms(names: Sequence[str], forms: Mapping[ReportKind, str]) -> None:
    """The forms for machines, each of all the records."""
    from conformance.commands.recorded import recorded

    for one, path in forms.items():
        unended.begin(f"--{one.name}", Path(path), reports.unended(one, unended.RECORDS))
    begun = [(one.begin(Path(path)), path) for one, path in forms.items()]
    found = False
    for record in recorded(names):
        found = True
        for form, _ in begun:
            form.add(record)
    if not found:
        raise CaseError(f"no run is recorded in {', '.join(names)}")
    for form, path in begun:
        try:
            files.write_text(Path(path), form.text())
        except OSError as error:
            raise CaseError(f"{path} cannot be written: {files.reason(error)}") from None
        say(path)


def _site(args: Namespace) -> None:
    folder = Folder(Path(args.html)) if args.html else None
    if folder:
        folder.begin(unended.RECORDS)
    site = Site(map(visible_name, args.files))
    for one in all_told(args.files):
        site.put(one)
    if not site.shelves:
        raise CaseError(f"no run is recorded in {', '.join(args.files)}")
    if args.svg:
        for place in _pictures(site, Path(args.svg), args.ladder):
            say(str(place))
    if folder:
        count = folder.write(pages(site))
        say(f"{count} pages: {folder.path / FRONT}")


def _pictures(site: Site, folder: Path, wanted: str | None) -> Iterator[Path]:
    """The matrix, and the ladder of the play that is wanted."""
    from conformance.report.site.pictures import ladder_of, matrix

    made = {"matrix.svg": matrix(site)}
    if wanted:
        found = next((play for play in site.plays() if play.id == wanted), None)
        if found is None:
            raise CaseError(f"--ladder {wanted}: no play of these runs has this id")
        made["ladder.svg"] = ladder_of(found)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            files.write_text(folder / name, text)
            yield folder / name
    except OSError as error:
        raise CaseError(f"--svg {folder} cannot be written: {files.reason(error)}") from None


# ---- telling: each conversation is judged again for its story, in some processes -----------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines of a file, whole conversations of them; ``first`` is the number of the first line."""

    path: str
    run: int
    first: int
    lines: list[str]


def all_told(names: Sequence[str], *, here: bool = False) -> Iterator[ToldRecord]:
    """What every record adds, in their order; a few pieces are on their way at a time.

    ``here``: in this process alone, which is not ours to fork.
    """
    parts = (piece for run, name in enumerate(names) for piece in _pieces(name, run))
    begun = list(islice(parts, 2))
    if here or len(begun) < 2:
        for piece in chain(begun, parts):
            yield from _told(piece)
        return
    workers = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(workers, get_context("fork"), initializer=_quiet) as pool:
        waiting = deque(pool.submit(_told, piece) for piece in begun)
        try:
            while waiting:
                more = islice(parts, max(0, 2 * workers - len(waiting)))
                waiting.extend(pool.submit(_told, piece) for piece in more)
                yield from waiting.popleft().result(PATIENCE)
        except (BrokenProcessPool, TimeoutError):
            for child in active_children():
                child.kill()
            told = f"was killed, or took more than {PATIENCE:.0f} s for {_TOGETHER} of them"
            raise EnvironmentProblem(f"A process that reads the records {told}.") from None


def _pieces(name: str, run: int) -> Iterator[_Piece]:
    """The file in pieces of some conversations; a line that begins one is known by its look."""
    path, count, piece = Path(name), 0, _Piece(name, run, 1, [])
    try:
        with files.reading(path) as octets:
            for number, line in enumerate(jsonlines.lines(octets, name), 1):
                if _BEGINS.match(line):
                    if count == _TOGETHER:
                        yield piece
                        count, piece = 0, _Piece(name, run, number, [])
                    count += 1
                piece.lines.append(line)
    except OSError as error:
        raise CaseError(f"{path}: {files.reason(error)}") from None
    yield piece


def _quiet() -> None:
    """A worker ends with the command, without a word of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _told(piece: _Piece) -> list[ToldRecord]:
    found = jsonlines.read(piece.lines, piece.path, piece.first)
    try:
        return [_one_told(loaded, piece.run) for loaded in found]
    except CaseError as error:  # as one that finds its way out of a process
        raise CaseError(str(error)) from None


def _one_told(loaded: Loaded, run: int) -> ToldRecord:
    parameters, sources = tuple(loaded.parameters.items()), tuple(loaded.sources.items())
    try:
        case = _rebuilt(loaded.case, loaded.path, parameters, sources)
        record = judge(case, loaded)
    except CaseError as error:
        return untold(loaded, str(error), run)
    return told(record, loaded, run)


_Pairs = tuple[tuple[str, str], ...]


@lru_cache(_KEPT_CASES)
def _rebuilt(id: str, path: str, parameters: _Pairs, sources: _Pairs) -> Case:
    return rebuild(dict(sources), path, id, dict(parameters))


# ---- the directory -------------------------------------------------------------------------------


class Folder:
    """Where a site is written; CaseError where something else is, or nothing can be."""

    def __init__(self, path: Path, option: str = "--html") -> None:
        self.path, self._option = path, option
        try:
            self._before = self._listed()
            path.mkdir(parents=True, exist_ok=True)
            files.try_to_write_in(path)
        except OSError as error:
            raise CaseError(f"{option} {path} cannot be written: {files.reason(error)}") from None

    def _listed(self) -> set[str]:
        """The pages that an earlier site has there."""
        if not files.exists(self.path):
            return set()
        if not self.path.is_dir():
            raise CaseError(f"{self._option} {self.path} is no directory")
        if not any(self.path.iterdir()):
            return set()
        known = self.path / LIST
        foreign = f"{self._option} {self.path} holds what is no site of ours: name a new one"
        if not files.is_file(known):
            raise CaseError(foreign)
        text = files.read(known, _LARGEST_LIST).decode("utf-8", "replace")
        if not text.startswith(_OURS):
            raise CaseError(foreign)
        return {name for name in text.splitlines()[1:] if _is_page(name)}

    def begin(self, told: str) -> None:
        """Have the front page of an earlier site say this, until there is another."""
        if FRONT in self._before:
            with self._named():
                files.write_text(self.path / FRONT, f"<!DOCTYPE html>\n<p>{told}</p>\n")

    def write(self, made: Iterable[tuple[str, str]]) -> int:
        """Each page, whole; how many there are. EnvironmentProblem where one cannot be written."""
        with self._named():
            return self._write(made)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = files.reason(error)
            raise EnvironmentProblem(f"{self.path} cannot be written: {why}") from None

    def _write(self, made: Iterable[tuple[str, str]]) -> int:
        self._list(self._before)
        written: set[str] = set()
        folders: set[Path] = set()
        for name, text in made:
            place = self.path / name
            if place.parent not in folders:
                place.parent.mkdir(exist_ok=True)
                folders.add(place.parent)
            if name not in self._before or not _is_there(place, text):
                files.write_text(place, text)
            written.add(name)
        for name in self._before - written:
            (self.path / name).unlink(missing_ok=True)
        self._list(written)
        return len(written)

    def _list(self, names: Iterable[str]) -> None:
        files.write_text(self.path / LIST, _OURS + "".join(f"{name}\n" for name in sorted(names)))


def _is_there(place: Path, text: str) -> bool:
    return files.is_file(place) and files.read(place) == text.encode()


def _is_page(name: str) -> bool:
    """Whether a line of the list can be a page of ours: nothing that leads elsewhere."""
    parts = PurePosixPath(name).parts
    return 0 < len(parts) <= 2 and ".." not in parts and name.endswith(".html") and parts[0] != "/"
