"""Which lines of a patch ran: those that it adds, in the kernel that was built with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.errors import CaseError
from conformance.report.code import Code

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Line:
    """One that is added: its file, its number there, its text."""

    path: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Patch:
    """What a unified diff adds."""

    place: str
    lines: Sequence[Line]

    @staticmethod
    def read(text: str, place: str) -> Patch:
        """Read a diff; raises CaseError for what adds no line."""
        found = list(_added(text))
        if not found:
            raise CaseError(f"{place} is no unified diff that adds a line")
        return Patch(place, found)

    def require(self, sources: Mapping[str, str]) -> None:
        """Raise CaseError unless these files, which were built, have the lines."""
        split = {path: text.split("\n") for path, text in sources.items()}
        counted = [line for line in self.lines if line.path in split]
        if not counted:
            raise CaseError(f"{self.place} adds nothing to a file whose lines are counted")
        for line in counted:
            there = split[line.path][line.number - 1 : line.number]
            if there != [line.text]:
                raise CaseError(
                    f"{self.place} is not in this kernel: its {line.path}:{line.number} "
                    "was another line when it was built"
                )

    def reached(self, code: Code) -> list[Line]:
        """The lines that ran."""
        return [
            line
            for line in self.lines
            if line.path in code and code[line.path].lines.get(line.number)
        ]

    @property
    def files(self) -> frozenset[str]:
        """The files whose counters tell of it; none: a header's lines are counted in any."""
        paths = {line.path for line in self.lines}
        return frozenset() if any(path.endswith(".h") for path in paths) else frozenset(paths)

    def told(
        self,
        code: Code,
        sources: Mapping[str, str],
        cases: Mapping[Line, Sequence[str]] | None = None,
    ) -> str:
        """Each line, how often it ran and by which cases, and their sum."""
        rows, sums = [], Counter[str]()
        for line in self.lines:
            how = _how(line, code, sources)
            sums[how if how in (_NEVER, _NO_CODE, _NOT_COUNTED) else "ran"] += 1
            rows.append(f"{how:>11}  {line.path}:{line.number}  {line.text}")
            rows += [f"{'':>11}  by {name}" for name in (cases or {}).get(line, ())]
        words = [f"{sums[one]} {one}" for one in ("ran", _NEVER, _NO_CODE, _NOT_COUNTED)]
        rows.insert(0, f"{len(self.lines)} lines added: {', '.join(words)}")
        if sums[_NO_CODE]:
            rows.append(f"{_NO_CODE}: {_WITHOUT}")
        return "\n".join([*rows, ""])


_WITHOUT = (
    "comments, lines that go on, what the compiler dropped, and calls of inline functions, whose "
    "lines are counted where they are"
)
_NEVER, _NO_CODE, _NOT_COUNTED = "never", "no code", "not counted"


def _how(line: Line, code: Code, sources: Mapping[str, str]) -> str:
    """How often it ran, or why that is not known."""
    if line.path not in sources:
        return _NOT_COUNTED
    file = code.get(line.path)
    if file is None or line.number not in file.lines:
        return _NO_CODE
    count = file.lines[line.number]
    return f"{count} times" if count else _NEVER


def _added(text: str) -> Iterator[Line]:
    """The lines that begin with a plus, in the hunks of each file."""
    path, number, old, new = "", 0, 0, 0
    for line in text.split("\n"):
        if old > 0 or new > 0:  # within a hunk, where --- and +++ are text too
            kind = line[:1]
            if kind == "+":
                yield Line(path, number, line[1:])
            if kind in "+ ":  # an empty line is one whose blank was lost
                number, new = number + 1, new - 1
            if kind in "- ":
                old -= 1
        elif line.startswith("+++ "):
            path = line[4:].partition("\t")[0].strip()
            path = path.partition("/")[2] if path.startswith("b/") else path
        elif hunk := _HUNK.match(line):
            number = int(hunk[2])
            old, new = int(hunk[1] or 1), int(hunk[3] or 1)
