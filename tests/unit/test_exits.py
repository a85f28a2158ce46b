"""Exit statuses stand in one module; the README's table is made of it."""

from __future__ import annotations

import ast
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import exits
from conformance.exits import Exit

ROOT = Path(__file__).parents[2]
SPEAKERS = [
    *sorted((ROOT / "conformance" / "commands").glob("*.py")),
    *(ROOT / "conformance" / name for name in ("cli.py", "errors.py")),
    *(ROOT / "conformance" / "report" / name for name in ("compare.py", "summary.py")),
]


def numbers(path: Path) -> Iterator[str]:
    """Where a command's end is a number and no member."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Return(value=ast.Constant(value=value)):
                found = type(value) is int
            case ast.Assign(targets=[ast.Name(id="exit_status" | "status")]):
                found = any(isinstance(one, ast.Constant) for one in ast.walk(node.value))
            case _:
                found = False
        if found:
            yield f"{path.name}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("path", SPEAKERS, ids=lambda path: path.stem)
def test_no_command_ends_with_a_number_of_its_own(path: Path) -> None:
    assert list(numbers(path)) == []


def test_the_readme_has_each_with_its_meaning() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("| status | is |")[2].partition("\n\n")[0]
    rows = [
        (int(status), means) for status, means in re.findall(r"\| (\d+) \| (.*) \|\n", table + "\n")
    ]
    assert rows == [(int(one), one.means) for one in Exit]


def test_the_help_has_each_with_its_meaning() -> None:
    words = exits.told().split()
    for one in Exit:
        assert [str(int(one)), *one.means.replace("`", "").split()[:3]] in [
            words[at : at + 4] for at in range(len(words))
        ]


def test_a_signal_is_128_and_its_number() -> None:
    ends = {signal.SIGHUP: Exit.HUNG_UP, signal.SIGINT: Exit.INTERRUPTED}
    ends |= {signal.SIGPIPE: Exit.UNREAD, signal.SIGTERM: Exit.TERMINATED}
    assert {128 + number: end for number, end in ends.items()} == {int(e): e for e in ends.values()}
