"""Which cases a command line means: paths, ids as they are printed, ``-k``.

Whatever a report prints as the name of a case can be pasted as an argument: a file, a directory,
an id below the root of the cases, and ``::`` with the target, the IP version and the parameters
that were played.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from conformance import files
from conformance.case.faults import CaseFaults, ordered
from conformance.case.load import FRAGMENTS, SUFFIX
from conformance.case.model import Case
from conformance.commands.shares import load
from conformance.errors import CaseError
from conformance.notation.scanner import suggest
from conformance.play.played import split_played
from conformance.targets import releases
from conformance.targets.names import Chosen, vocabulary

Keyword = Callable[[str], bool]
_DEEPEST: Final = 50
_SHOWN: Final = 200  # characters of an expression


def shipped() -> Path:
    """The cases that came with the package, of which there have to be some."""
    place = releases.shipped()
    if place is None:
        raise CaseError("no cases came with this installation; name a file or a directory")
    return place


def paths_of(arguments: Sequence[str]) -> list[Path]:
    """The files and directories that arguments without ``::`` name."""
    return [_Argument.of(argument).path for argument in arguments] or [shipped()]


def chosen(arguments: Sequence[str], *, fragments: bool = False) -> list[Chosen]:
    """The cases that the arguments name; none: all that are shipped.

    Fragments are left out of a directory, unless it is theirs or ``fragments`` says to keep them.
    Raises CaseFaults with everything that is wrong with any of them.
    """
    wanted = [_Argument.of(argument) for argument in arguments] or [_Argument("", shipped())]
    sources: dict[str, str] = {}
    cases, faults = load(dict.fromkeys(one.path for one in wanted), vocabulary(), sources)
    if faults:
        raise CaseFaults(ordered(faults), sources)
    of_file: dict[str, list[Case]] = {}
    for case in cases:
        of_file.setdefault(case.path, []).append(case)
    by_path = {Path(path).absolute(): found for path, found in of_file.items()}
    return [found for one in wanted for found in one.choose(by_path, keep_fragments=fragments)]


def each_once(asked: Iterable[Chosen]) -> list[Case]:
    """The cases themselves, each once."""
    return list({(one.case.path, one.case.id): one.case for one in asked}.values())


@dataclass(frozen=True, slots=True)
class _Argument:
    """One argument: as written, its path, and what stands after ``::``."""

    text: str
    path: Path
    name: str = ""

    @staticmethod
    def of(text: str) -> _Argument:
        place, _, name = text.partition("::")
        if files.exists(place):
            return _Argument(text, Path(place), name)
        stem, bracket, rest = place.partition("[")
        found = _below_root(stem)
        if found is None:
            raise CaseError(_nowhere(text, stem))
        return _Argument(text, found, name or bracket + rest)

    def choose(self, by_path: dict[Path, list[Case]], *, keep_fragments: bool) -> Iterator[Chosen]:
        """The cases below this argument's path that its name means."""
        base = self.path.absolute()
        cases = [
            case
            for path, found in by_path.items()
            if path == base or base in path.parents
            if keep_fragments or FRAGMENTS not in path.relative_to(base).parts
            for case in found
        ]
        if not self.name:
            yield from map(Chosen, cases)
            return
        played = split_played(self.name)
        matching = [case for case in cases if _is_named(case, played.params)]
        if not matching:
            ids = [case.id for case in cases]
            hint = suggest(self.name, [*ids, *(id.partition("[")[2][:-1] for id in ids)])
            raise CaseError(f"no case {self.text!r}" + (f": {hint}" if hint else ""))
        yield from (Chosen(case, played.target, played.ip, played.isn) for case in matching)


def _is_named(case: Case, name: str) -> bool:
    return not name or case.id == name or case.id.endswith(f"[{name.strip('[]')}]")


def _below_root(stem: str) -> Path | None:
    if not stem or Path(stem).is_absolute():
        return None
    root = shipped()
    places = (root / (stem + SUFFIX), root / stem)
    return next((place for place in places if files.exists(place)), None)


def _nowhere(text: str, stem: str) -> str:
    root = shipped()
    ids = [path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*" + SUFFIX)]
    hint = suggest(stem, ids) if len(ids) > 16 else ""
    return f"no file, directory or case {text!r}" + (f": {hint}" if hint else "")


# ---- -k ------------------------------------------------------------------------------------------


def keyword(text: str) -> Keyword:
    """``or``, ``and``, ``not`` and parentheses over parts of an id, as a test of an id.

    ::

        either = both *("or" both)
        both   = one *("and" one)
        one    = "not" one / "(" either ")" / WORD
    """
    reader = _Keyword(text)
    test = reader.either()
    if reader.next:
        reader.fail(f"{reader.next!r} is not expected")
    return test


class _Keyword:
    """A cursor over the words of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._words = re.findall(r"[()]|[^\s()]+", text)

    @property
    def next(self) -> str:
        return self._words[0] if self._words else ""

    def either(self) -> Keyword:
        tests = [self._both()]
        while self._accept("or"):
            tests.append(self._both())
        return lambda id: any(test(id) for test in tests)

    def _both(self) -> Keyword:
        tests = [self._one()]
        while self._accept("and"):
            tests.append(self._one())
        return lambda id: all(test(id) for test in tests)

    def _one(self) -> Keyword:
        self._depth += 1
        if self._depth > _DEEPEST:
            self.fail(f"more than {_DEEPEST} of not and ( inside each other")
        test = self._inner()
        self._depth -= 1
        return test

    def _inner(self) -> Keyword:
        if self._accept("not"):
            test = self._one()
            return lambda id: not test(id)
        if self._accept("("):
            test = self.either()
            if not self._accept(")"):
                self.fail("a parenthesis is not closed")
            return test
        if self.next in ("", ")", "and", "or"):
            self.fail("a part of an id is missing")
        word = self._words.pop(0).casefold()
        return lambda id: word in id.casefold()

    def _accept(self, word: str) -> bool:
        found = self.next == word
        if found:
            self._words.pop(0)
        return found

    def fail(self, why: str) -> NoReturn:
        text = self._text if len(self._text) <= _SHOWN else self._text[:_SHOWN] + "..."
        raise CaseError(f"-k {text!r}: {why}; it is read as 'close and not (ipv6 or lost)'")
