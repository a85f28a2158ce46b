"""The target's code as a measure: what gcov counts, as lcov's text, by file and by function.

What the compiler made no code of is not counted: neither reached nor missed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

# What RFC 9293 is about; the others are congestion controls, hashes, options of their own.
CORE: Final = tuple(
    f"net/{name}.c"
    for name in (
        "ipv4/tcp", "ipv4/tcp_input", "ipv4/tcp_output", "ipv4/tcp_timer", "ipv4/tcp_minisocks",
        "ipv4/tcp_ipv4", "ipv6/tcp_ipv6", "ipv4/inet_connection_sock", "ipv4/inet_timewait_sock",
    )
)  # fmt: skip
_DEFINITION: Final = re.compile(r"^(?![#\s/*])[^\n;={}]*?\b(\w+)\([^;{}]*\)\s*\n\{", re.MULTILINE)


@dataclass(slots=True)
class Function:
    """A function that has code of its own."""

    name: str
    first: int
    last: int
    count: int = 0


@dataclass(slots=True)
class CodeFile:
    """How often each line, each branch and each function of a file ran."""

    lines: dict[int, int] = field(default_factory=dict)
    branches: dict[int, list[int]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)

    def add(self, account: Mapping[str, Any]) -> None:
        """What one object has of it; a header is in several."""
        for one in account["functions"]:
            known = self.functions.setdefault(
                one["name"], Function(one["name"], one["start_line"], one["end_line"])
            )
            known.count += one["execution_count"]
        for one in account["lines"]:
            number = one["line_number"]
            self.lines[number] = self.lines.get(number, 0) + one["count"]
            counts = [branch["count"] for branch in one["branches"]]
            if counts:
                before = self.branches.get(number, [])
                longest = max(len(before), len(counts))
                both = (row + [0] * (longest - len(row)) for row in (before, counts))
                self.branches[number] = [sum(pair) for pair in zip(*both, strict=True)]

    def of(self, function: Function) -> list[int]:
        """The lines of a function that have code."""
        return [one for one in sorted(self.lines) if function.first <= one <= function.last]


Code = dict[str, CodeFile]


def gathered(accounts: Iterable[Mapping[str, Any]], wanted: Iterable[str]) -> Code:
    """The accounts of all objects together, of these files."""
    code: Code = {name: CodeFile() for name in wanted}
    for account in accounts:
        for one in account["files"]:
            if (name := os.path.normpath(one["file"])) in code:
                code[name].add(one)
    return {name: file for name, file in code.items() if file.lines}


def lcov(code: Code, home: str) -> str:
    """As lcov has it, for genhtml and editors; ``home`` is where the files are."""
    return "".join(_record(f"{home}/{name}", file) for name, file in sorted(code.items()))


def _record(place: str, file: CodeFile) -> str:
    functions = sorted(file.functions.values(), key=lambda one: one.first)
    lines = ["TN:", f"SF:{place}"]
    lines += [f"FN:{one.first},{one.name}" for one in functions]
    lines += [f"FNDA:{one.count},{one.name}" for one in functions]
    lines += [f"FNF:{len(functions)}", f"FNH:{sum(one.count > 0 for one in functions)}"]
    for number, counts in sorted(file.branches.items()):
        for index, count in enumerate(counts):  # a dash: the condition was never asked
            lines.append(f"BRDA:{number},0,{index},{count if file.lines[number] else '-'}")
    told = [count for counts in file.branches.values() for count in counts]
    lines += [f"BRF:{len(told)}", f"BRH:{sum(count > 0 for count in told)}"]
    lines += [f"DA:{number},{count}" for number, count in sorted(file.lines.items())]
    lines += [f"LF:{len(file.lines)}", f"LH:{sum(map(bool, file.lines.values()))}"]
    return "\n".join([*lines, "end_of_record", ""])


# ---- for people ----------------------------------------------------------------------------------


def table(code: Code) -> str:
    """A row a file: TCP's own first, with their sum, then its neighbours."""
    core = {name: code[name] for name in CORE if name in code}
    others = {name: file for name, file in sorted(code.items()) if name not in core}
    width = max(map(len, (*code, "these nine")), default=0)
    head = f"{'':{width}}  {'lines':>6} {'reached':>8}  {'branches':>8} {'taken':>7}  functions  "
    rows = [_row(name, [file], width) for name, file in core.items()]
    if core:
        rows.append(_row("these nine", list(core.values()), width))
    rows += [_row(name, [file], width) for name, file in others.items()]
    rows.append(_row("all", list(code.values()), width))
    return "\n".join([f"{head}never entered", *rows, ""])


def _row(name: str, of: Sequence[CodeFile], width: int) -> str:
    lines = [count for file in of for count in file.lines.values()]
    branches = [one for file in of for counts in file.branches.values() for one in counts]
    functions = [one.count for file in of for one in file.functions.values()]
    return (
        f"{name:{width}}  {len(lines):>6} {_share(lines):>8}  {len(branches):>8} "
        f"{_share(branches):>7}  {len(functions):>9}  {functions.count(0):>13}"
    )


def _share(counts: Sequence[int]) -> str:
    return f"{100 * sum(map(bool, counts)) / len(counts):.1f} %" if counts else "-"


def functions(code: Code, texts: Mapping[str, str]) -> str:
    """All functions: those never entered first, the largest first; then by the lines missed.

    ``texts``: the sources, for those that the compiler made no function of.
    """
    told = []
    for name, file in code.items():
        for one in file.functions.values():
            lines = file.of(one)
            missed = sum(not file.lines[number] for number in lines)
            told.append((one.count > 0, -missed, name, one, len(lines)))
    told.sort(key=lambda row: row[:3])
    never = [row for row in told if not row[0]]
    entered = [row for row in told if row[0]]
    text = [f"never entered: {len(never)} functions", ""]
    text += [f"{_at(name, one)}  {size} lines" for _, _, name, one, size in never]
    text += ["", f"entered: {len(entered)} functions, by the lines that were not reached", ""]
    text += [
        f"{_at(name, one)}  {-missed} of {size} lines not reached, entered {one.count} times"
        for _, missed, name, one, size in entered
    ]
    return "\n".join([*text, "", *_without_code(code, texts), ""])


def _at(name: str, function: Function) -> str:
    return f"{name}:{function.first} {function.name}"


def _without_code(code: Code, texts: Mapping[str, str]) -> list[str]:
    found = []
    for name, text in sorted(texts.items()):
        own = code[name].functions if name in code else {}
        found += [f"{name} {one}" for one in _DEFINITION.findall(text) if one not in own]
    head = (
        f"without a function of their own: {len(found)}, not configured or put into their callers;"
        " no count of functions has them"
    )
    return [head, "", *found]
