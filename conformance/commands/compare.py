"""The command that holds two recorded runs side by side.

A record is read once to the end, and it is remembered where each conversation stands in it; then a
case at a time is read again from both. So ten thousand cases need no more room than two. A record
whose last line is not whole was cut in the middle: what is before it is compared, and it is said.
"""

from __future__ import annotations

from argparse import Namespace
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from conformance import files
from conformance.case.model import Case
from conformance.commands import unended
from conformance.commands.output import in_color, say, say_json
from conformance.commands.replay import rebuild
from conformance.errors import CaseError
from conformance.play.played import split_played
from conformance.play.record import Record
from conformance.report import jsonlines
from conformance.report.compare import (
    CUT,
    Comparison,
    Drawn,
    Kind,
    PlayKey,
    alone,
    as_object,
    compared,
)
from conformance.report.compare_text import markdown, text
from conformance.report.jsonlines import Loaded
from conformance.report.ladder import ladder, rows
from conformance.targets.runs.rejudge import judge

_ROOM: Final = 400  # pictures of a page
_FACTS: Final = ("stack", "kernel", "surroundings")  # what tells two targets of one name apart


def compare(args: Namespace) -> int:
    """Compare; 1 where something regressed, 2 where a record is damaged."""
    wanted = {name: Path(path) for name in _PAGES if (path := getattr(args, name))}
    for name, path in wanted.items():
        unended.begin(f"--{name}", path, f"{unended.COMPARISON}\n")
    with ExitStack() as stack:
        a, b = (stack.enter_context(_opened(Path(path))) for path in (args.a, args.b))
        found = _compare(a, b, _Draw(pictures=_ROOM if args.html else 0))
    for name, path in wanted.items():
        files.write_text(path, _PAGES[name](found))
    if args.json:
        say_json(as_object(found))
    else:
        say(text(found, color=in_color()), painted=True)
    return found.exit_status


def _page(found: Comparison) -> str:
    from conformance.report.site.comparison import comparison_page

    return comparison_page(found)


_PAGES: Final[Mapping[str, Callable[[Comparison], str]]] = {"markdown": markdown, "html": _page}


def _compare(a: _Run, b: _Run, draw: _Draw) -> Comparison:
    named = len(a.targets) > 1 or len(b.targets) > 1
    first, second = a.places(named=named), b.places(named=named)
    found = Comparison(a.name, b.name, [], [*a.notes, *b.notes], a.damaged or b.damaged)
    again = _Judge()
    for key in sorted({*first, *second}):
        if key not in first:
            found.rows.append(alone(key, b.read(second[key]), new=True))
        elif key not in second:
            found.rows.append(alone(key, a.read(first[key]), new=False))
        else:
            one, other = a.read(first[key]), b.read(second[key])
            found.rows.append(compared(key, one, other, again, draw))
    return found


@dataclass(slots=True)
class _Draw:
    """Draws the ladders of regressions, and so many pictures, of what behaves otherwise too."""

    pictures: int

    def __call__(self, record: Record, kind: Kind) -> Drawn:
        said = ladder(record, color=in_color()) if kind is Kind.REGRESSION else ""
        if not self.pictures:
            return Drawn(said)
        from conformance.report.site.ladder import picture

        self.pictures -= 1
        failure = record.verdict.failure if record.verdict else None
        return Drawn(said, picture(rows(record), failure.expected if failure else ()))


# ---- one record ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """A file of records: where each of its conversations begins, in lines and octets."""

    path: str
    file: BinaryIO
    notes: list[str] = field(default_factory=list)
    damaged: bool = False
    targets: dict[str, str] = field(default_factory=dict)  # and what each says of itself
    _plays: dict[PlayKey, int] = field(default_factory=dict)  # to a place among the heads
    _heads: list[int] = field(default_factory=list)  # the first line of each
    _starts: array[int] = field(default_factory=lambda: array("Q"))  # octets before each line

    @property
    def shown(self) -> str:
        """Without the directories of this machine, but for the last."""
        return "/".join(Path(self.path).parts[-2:]).lstrip("/")

    @property
    def name(self) -> str:
        """The file, and what was played on."""
        told = [f"{name} ({facts})" if facts else name for name, facts in self.targets.items()]
        return f"{self.shown}: {', '.join(told)}"

    def scan(self) -> None:
        """Read all of it once; raises NoRecord for what is none."""
        twice = 0
        for one in jsonlines.read(self._lines(), self.path):
            target = split_played(one.id.partition("::")[2]).target
            facts = one.profile.facts
            self.targets.setdefault(target, ", ".join(facts[n] for n in _FACTS if n in facts))
            isn = one.addressing.isn
            key = PlayKey(one.case, one.addressing.ip, -1 if isn is None else isn, target)
            twice += key in self._plays
            self._plays[key] = len(self._heads)
            self._heads.append(one.line)
            if one.verdict is None:
                self._cut(one.line, f"{one.id} is {CUT}")
        if twice:
            told = "1 case was" if twice == 1 else f"{twice} cases were"
            self.notes.append(f"{self.shown}: {told} played twice; the last play is compared")
        if not self._heads:
            raise CaseError(f"{self.path}: no run is recorded in it")

    def _lines(self) -> Iterator[str]:
        """The lines that are whole."""
        at = 0
        for line in jsonlines.lines(self.file, self.path):
            self._starts.append(at)
            at += len(line.encode())
            if not line.endswith("\n"):
                self._cut(
                    len(self._starts), f"the record is {CUT} here; what came after is missing"
                )
                return
            yield line

    def _cut(self, line: int, told: str) -> None:
        self.damaged = True
        self.notes.append(f"{self.shown}:{line}: {told}")

    def places(self, *, named: bool) -> Mapping[PlayKey, int]:
        """Where each play is; of one target, its name is none of the key."""
        if named:
            return self._plays
        return {PlayKey(key.case, key.ip, key.isn): at for key, at in self._plays.items()}

    def read(self, place: int) -> Loaded:
        """One conversation, again."""
        first = self._heads[place] - 1
        last = self._heads[place + 1] - 1 if place + 1 < len(self._heads) else len(self._starts)
        lines = []
        self.file.seek(self._starts[first])
        for _ in range(last - first):
            line = self.file.readline()
            if line.endswith(b"\n"):
                lines.append(line.decode())
        (one,) = jsonlines.read(lines, self.path)
        return one


@contextmanager
def _opened(path: Path) -> Iterator[_Run]:
    try:
        with files.reading(path) as octets:
            run = _Run(str(path), octets)
            run.scan()
            yield run
    except OSError as error:
        raise CaseError(f"{path}: {files.reason(error)}") from None


# ---- judging again -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Judge:
    """Judges records again; the last case is kept, for both sides are of the same."""

    _of: tuple[object, ...] = ()
    _case: Case | None = None

    def __call__(self, loaded: Loaded) -> Record | str:
        try:
            return judge(self._rebuilt(loaded), loaded)
        except CaseError as error:
            return str(error).partition("\n")[0]

    def _rebuilt(self, loaded: Loaded) -> Case:
        asked = (loaded.case, loaded.path, dict(loaded.sources), dict(loaded.parameters))
        if self._case is None or asked != self._of:
            self._case = rebuild(loaded.sources, loaded.path, loaded.case, loaded.parameters)
            self._of = asked
        return self._case
