"""Finding and reading the files of cases: ``load``, ``load_case``, ``select``.

The root of the cases is the nearest directory above a file that holds ``fragments/``; a case's
id is its path below the root. A fragment that none of these directories has is looked for among
the shipped ones. Each file is read once. All faults of all files come back
together; only ``load_case`` and ``select`` raise, since they were asked for one thing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from conformance import files as disk
from conformance.case.decode import Known
from conformance.case.expand import Document, Expander
from conformance.case.faults import CaseFaults, Fault, Faults, ordered
from conformance.case.model import Case
from conformance.case.nodes import LARGEST_FILE, Mapping, Unreadable, decode_text, parse
from conformance.case.spans import Span
from conformance.notation.scanner import suggest

FRAGMENTS: Final = "fragments"
SUFFIX: Final = ".yaml"
SHIPPED: Final = "shipped:/"  # before the name of a file that is not below the root of the cases
_NOTHING_KNOWN: Final = Known()

Asked = tuple[Path, Path]  # a file, and the file or directory that was named
Read = tuple[list[Case], tuple[Fault, ...]]


def load_case(
    path: str | Path, root: str | Path | None = None, known: Known = _NOTHING_KNOWN
) -> list[Case]:
    """The cases of one file; raises CaseFaults with everything that is wrong with it."""
    files = Files(Path(root) if root is not None else None)
    ((cases, faults),) = read([(Path(path), Path(path).parent)], files, known)
    if faults:
        raise CaseFaults(faults, files.sources)
    return cases


def load(
    paths: Iterable[str | Path],
    root: str | Path | None = None,
    known: Known = _NOTHING_KNOWN,
    sources: dict[str, str] | None = None,
) -> tuple[list[Case], list[Fault]]:
    """The cases of files and directories, and the faults of those that are none.

    ``sources`` receives the text of every file that was read, by path, for ``render``.
    """
    files = Files(Path(root) if root is not None else None)
    asked, faults = listed(paths)
    cases: list[Case] = []
    for found, wrong in read(asked, files, known):
        cases += found
        faults += wrong
    if sources is not None:
        sources.update(files.sources)
    return cases, list(ordered(faults))


def listed(paths: Iterable[str | Path]) -> tuple[list[Asked], list[Fault]]:
    """Each file at or below the paths once, with the path that asked for it; what cannot be one."""
    asked: list[Asked] = []
    faults: list[Fault] = []
    seen: set[str] = set()
    for path in map(Path, paths):
        for file, problem in find(path):
            if problem is not None:
                faults.append(problem)
            elif (real := os.path.abspath(file)) not in seen:
                seen.add(real)
                asked.append((file, path))
    return asked, faults


def read(asked: Iterable[Asked], files: Files, known: Known) -> Iterator[Read]:
    """The cases of each file, or its faults; a fragment is decoded once for all of them."""
    expanders: dict[Path, Expander] = {}
    for file, path in asked:
        base = files.root_of(file, path)
        if base not in expanders:
            expanders[base] = Expander(files.below(base, known.shipped), known)
        cases, faults = expanders[base].cases(files.document(file))
        yield cases, faults.all()


def select(
    selector: str, root: str | Path | None = None, known: Known = _NOTHING_KNOWN
) -> list[Case]:
    """The cases that ``path``, ``path::id`` or (below ``root``) ``id`` names.

    The id may be whole, or only its ``role=active`` part. Raises CaseFaults when nothing has it.
    """
    path, _, name = selector.partition("::")
    if not name and root is not None and not disk.exists(path):
        stem = path.partition("[")[0]
        path, name = str(Path(root, stem + SUFFIX)), path if "[" in path else ""
    if disk.is_directory(path) and not name:
        sources: dict[str, str] = {}
        cases, faults = load([path], root, known, sources)
        if faults:
            raise CaseFaults(faults, sources)
        return cases
    cases = load_case(path, root, known)
    wanted = name.strip("[]")
    found = [c for c in cases if not name or name == c.id or c.id.endswith(f"[{wanted}]")]
    if not found:
        hint = suggest(name, [case.id for case in cases])
        raise CaseFaults([Fault(Span(path, 0, 0), f"no case {name} in this file", hint)])
    return found


def find(path: Path) -> Iterator[tuple[Path, Fault | None]]:
    """The files of cases at or below ``path``, in order, and what cannot be one."""
    if not disk.is_directory(path):
        yield path, None
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if name.startswith("."):
                continue
            if file.suffix == SUFFIX:
                yield file, None
            elif file.suffix == ".yml":
                message = "only files that end in .yaml are cases"
                yield file, Fault(Span(str(file), 0, 0), message, f"name it {file.stem}.yaml")


@dataclass(slots=True)
class Files:
    """Every file that was read, once; ``root`` is the root of the cases when it was told."""

    root: Path | None = None
    sources: dict[str, str] = field(default_factory=dict)
    _documents: dict[Path, Document] = field(default_factory=dict)
    _names: dict[Path, list[str]] = field(default_factory=dict)
    _holds: dict[Path, bool] = field(default_factory=dict)
    _roots: dict[Path, Path | None] = field(default_factory=dict)
    _absolute: dict[Path, str] = field(default_factory=dict)

    def below(self, root: Path, shipped: Path | None = None) -> Rooted:
        """These files as one root of cases sees them, beside the shipped ones."""
        return Rooted(self, root, shipped)

    def root_of(self, file: Path, asked: Path) -> Path:
        """The root of the cases that ``file`` belongs to."""
        if self.root is not None:
            return self.root
        folder = file.parent
        if folder not in self._roots:
            above = (folder, *folder.parents, *_beyond(folder))
            self._roots[folder] = next(filter(self.holds_fragments, above), None)
        return self._roots[folder] or (asked if disk.is_directory(asked) else folder)

    def holds_fragments(self, folder: Path) -> bool:
        """Whether ``fragments/`` stands in this directory."""
        if folder not in self._holds:
            self._holds[folder] = disk.is_directory(folder / FRAGMENTS)
        return self._holds[folder]

    def document(self, file: Path) -> Document:
        """The file, read once."""
        if file not in self._documents:
            self._documents[file] = self._read(file)
        return self._documents[file]

    def _read(self, file: Path) -> Document:
        path, faults, text = str(file), Faults(), ""
        try:
            text = decode_text(path, disk.read(file, LARGEST_FILE + 1))
            self.sources[path] = text
            root, found = parse(path, text)
            faults.extend(found)
        except OSError as error:
            faults.add(Span(path, 0, 0), disk.reason(error))
            return Document(path, file, text, None, faults)
        except Unreadable as error:
            faults.extend(error.faults)
            return Document(path, file, text, None, faults)
        if not isinstance(root, Mapping):
            faults.add(root.span, "a case is a mapping", "it begins with title:")
            return Document(path, file, text, None, faults)
        return Document(path, file, text, root, faults)

    def names(self, folder: Path) -> list[str]:
        """The names of the fragments in this directory."""
        if folder not in self._names:
            home = folder / FRAGMENTS
            files = sorted(home.rglob("*" + SUFFIX)) if disk.is_directory(home) else []
            self._names[folder] = [self.name_below(file, home) for file in files]
        return self._names[folder]

    def name_below(self, file: Path, root: Path) -> str:
        """The file's path below ``root``, without its suffix; absolute where it is not there."""
        base = os.path.join(self._whole(root), "")
        path = self._whole(file).removeprefix(base).removesuffix(SUFFIX)
        return path.replace(os.sep, "/")

    def _whole(self, path: Path) -> str:
        if path not in self._absolute:
            self._absolute[path] = os.path.abspath(path)
        return self._absolute[path]


def _beyond(folder: Path) -> Iterator[Path]:
    """The directories above the one that a relative path begins in."""
    if not folder.is_absolute():
        here = Path(os.path.abspath(folder))
        depth = len(folder.parts)
        yield from (above for above in list(here.parents)[depth:])


@dataclass(frozen=True, slots=True)
class Rooted:
    """The files of one root of cases; ``shipped``: that of the fragments which all may use."""

    files: Files
    root: Path
    shipped: Path | None = None
    _found: dict[Path, tuple[Path, ...]] = field(default_factory=dict)

    def document(self, file: Path) -> Document:
        """The file, read."""
        return self.files.document(file)

    def case_id(self, file: Path) -> str:
        """The file's path below the root, without its suffix."""
        here = self.files.name_below(file, self.root)
        return (
            here
            if self.shipped is None or not os.path.isabs(here)
            else self.files.name_below(file, self.shipped)
        )

    def name(self, file: Path) -> str:
        """The file's path below the root, or below the shipped one's: the same on every machine."""
        for root, mark in ((self.root, ""), (self.shipped, SHIPPED)):
            if root is not None and not os.path.isabs(here := self.files.name_below(file, root)):
                return mark + here + SUFFIX
        return file.name

    def _homes(self, near: Path) -> tuple[Path, ...]:
        """Where ``fragments/`` stands for a case at ``near``: nearest first, the shipped last."""
        folder = near.parent
        if folder not in self._found:
            shipped = () if self.shipped is None else (self.shipped,)
            self._found[folder] = (*self._own_homes(folder), *shipped)
        return self._found[folder]

    def _own_homes(self, folder: Path) -> Iterator[Path]:
        base = os.path.abspath(self.root)
        while True:
            if self.files.holds_fragments(folder):
                yield folder
            here = os.path.abspath(folder)
            if here == base or not here.startswith(os.path.join(base, "")):
                return
            folder = folder.parent if folder.parts else Path(here).parent

    def find_fragment(self, name: str, near: Path) -> Path | None:
        """The nearest fragment of this name."""
        return next(
            (
                home / FRAGMENTS / (name + SUFFIX)
                for home in self._homes(near)
                if name in self.files.names(home)
            ),
            None,
        )

    def fragment_names(self, near: Path) -> list[str]:
        """The fragments that a case at ``near`` could name."""
        return sorted({name for home in self._homes(near) for name in self.files.names(home)})

    def fragment_places(self, near: Path) -> str:
        """Where a fragment was looked for, in words."""
        homes = dict.fromkeys(os.path.join(home, FRAGMENTS) for home in self._homes(near))
        own = any(self._own_homes(near.parent))
        missing = "" if own else f"no {FRAGMENTS}/ stands beside the case or above it"
        looked = f"looked in {', '.join(homes)}" if homes else ""
        return "; ".join(filter(None, (looked, missing)))
