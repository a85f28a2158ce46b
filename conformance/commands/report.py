"""The command that makes a site of recorded runs, and what a run writes as one.

A directory that is there is only written to when it is empty or a site of ours: a file in it says
so and names the pages, so that those of an earlier run go and nobody else's do.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

from conformance import files
from conformance.case.model import Case
from conformance.commands.output import say
from conformance.commands.replay import rebuild
from conformance.errors import CaseError
from conformance.report import jsonlines
from conformance.report.jsonlines import Loaded
from conformance.report.site.model import Site
from conformance.report.site.pages import FRONT, pages
from conformance.targets.runs.rejudge import judge

LIST: Final = "conformance-report.txt"
_OURS: Final = "pages of conformance report --html; it may delete and write them anew\n"
_LARGEST_LIST: Final = 1 << 26
_KEPT_CASES: Final = 64  # a case is played over both IP versions, one soon after the other


def report(args: Namespace) -> int:
    """Write the site; 0 whatever the verdicts are, 2 where a file is no record."""
    folder = Folder(Path(args.html))
    site = Site(args.files)
    for run, name in enumerate(args.files):
        for loaded in _read(Path(name)):
            tell(site, loaded, run)
    if not site.shelves:
        raise CaseError(f"no run is recorded in {', '.join(args.files)}")
    count = folder.write(pages(site))
    say(f"{count} pages: {folder.path / FRONT}")
    return 0


def tell(site: Site, loaded: Loaded, run: int) -> None:
    """One conversation for the site, judged again for its story."""
    try:
        case = _rebuilt(loaded.case, loaded.path, _pairs(loaded.parameters), _pairs(loaded.sources))
        record = judge(case, loaded)
    except CaseError as error:
        site.add_untold(loaded, str(error), run)
    else:
        site.add(record, loaded, run)


_Pairs = tuple[tuple[str, str], ...]


def _pairs(texts: Mapping[str, str]) -> _Pairs:
    return tuple(texts.items())


@lru_cache(_KEPT_CASES)
def _rebuilt(id: str, path: str, parameters: _Pairs, sources: _Pairs) -> Case:
    return rebuild(dict(sources), path, id, dict(parameters))


def _read(path: Path) -> Iterator[Loaded]:
    try:
        with files.reading(path) as octets:
            yield from jsonlines.read(jsonlines.lines(octets, str(path)), str(path))
    except OSError as error:
        raise CaseError(f"{path}: {files.reason(error)}") from None


# ---- the directory -------------------------------------------------------------------------------


class Folder:
    """Where a site is written; CaseError where something else is, or nothing can be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._before = self._listed()
            path.mkdir(parents=True, exist_ok=True)
            files.try_to_write_in(path)
        except OSError as error:
            raise _unwritten(path, error) from None

    def _listed(self) -> set[str]:
        """The pages that an earlier site has there."""
        if not files.exists(self.path):
            return set()
        if not self.path.is_dir():
            raise CaseError(f"--html {self.path} is no directory")
        if not any(self.path.iterdir()):
            return set()
        known = self.path / LIST
        if not files.is_file(known):
            raise CaseError(f"--html {self.path} holds what is no site of ours: name a new one")
        text = files.read(known, _LARGEST_LIST).decode("utf-8", "replace")
        if not text.startswith(_OURS):
            raise CaseError(f"--html {self.path} holds what is no site of ours: name a new one")
        return {name for name in text.splitlines()[1:] if _is_page(name)}

    def write(self, made: Iterable[tuple[str, str]]) -> int:
        """Each page, whole; how many there are. An OSError is the caller's."""
        try:
            return self._write(made)
        except OSError as error:
            raise _unwritten(self.path, error) from None

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


def _unwritten(path: Path, error: OSError) -> CaseError:
    return CaseError(f"--html {path} cannot be written: {files.reason(error)}")


def _is_there(place: Path, text: str) -> bool:
    return files.is_file(place) and files.read(place) == text.encode()


def _is_page(name: str) -> bool:
    """Whether a line of the list can be a page of ours: nothing that leads elsewhere."""
    parts = PurePosixPath(name).parts
    return 0 < len(parts) <= 2 and ".." not in parts and name.endswith(".html") and parts[0] != "/"
