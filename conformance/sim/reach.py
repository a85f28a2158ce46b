"""Which lines of the reference a play passes: a fault on other lines cannot show in it.

The reference is deterministic. A play that never gets to the changed statement, or never looks the
changed row of the table up, is the same with the fault as without it: nobody need play it again.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Final

import conformance.reference
from conformance.reference import transitions
from conformance.reference.machine import Config, Stack
from conformance.reference.transitions import TABLE, Input, Transition
from conformance.sim.edits import Edit
from conformance.tcp.states import State

_HOME: Final = Path(conformance.reference.__file__).parent
Place = tuple[str, int]  # a module of the reference, a line of it
_Trace = Callable[[FrameType, str, Any], Any]


def place_of(edit: Edit) -> frozenset[Place]:
    """The lines of the statements or rows that are changed; none: any play may meet it.

    That is so outside of functions: a constant, a field.
    """
    text, functions = _read(edit.place)
    at = text.index(edit.old)
    first = text.count("\n", 0, at) + 1
    last = first + edit.old.rstrip("\n").count("\n")
    around = _innermost(functions, first, last)
    if around is not None:
        inside = (node for node in ast.walk(around) if isinstance(node, ast.stmt))
        spans = [_own_lines(node) for node in inside if node is not around]
    else:
        spans = list(_row_lines().values()) if edit.place == "transitions" else []
    touched = [span for span in spans if span.start <= last and first < span.stop]
    return frozenset((edit.place, line) for span in touched for line in span)


@cache
def _read(place: str) -> tuple[str, list[ast.FunctionDef]]:
    """The text of a module of the reference and its functions, the outer ones first."""
    text = (_HOME / f"{place}.py").read_text(encoding="utf-8")
    return text, [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]


@cache
def _row_lines() -> dict[tuple[State, Input], range]:
    """The lines of each row of the table."""
    tree = ast.parse(Path(transitions.__file__).read_text(encoding="utf-8"))
    (table,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "TABLE"
    )
    assert isinstance(table, ast.Tuple)
    spans = (range(row.lineno, (row.end_lineno or row.lineno) + 1) for row in table.elts)
    return {(row.state, row.input): span for row, span in zip(TABLE, spans, strict=True)}


class _Rows(dict[tuple[State, Input], Transition]):
    """The table; which of its rows were looked up is written down."""

    def __init__(self, rows: dict[tuple[State, Input], Transition], seen: set[Place]) -> None:
        super().__init__(rows)
        self._seen = seen

    def get(self, key: Any, default: Any = None) -> Any:
        self._look(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._look(key)
        return super().__contains__(key)

    def _look(self, key: Any) -> None:
        self._seen.update(("transitions", line) for line in _row_lines().get(key, ()))


class PassedRows:
    """The lines that were passed while it was on, and the stack to be watched."""

    def __init__(self) -> None:
        self.lines: set[Place] = set()

    def stack(self, config: Config) -> Stack:
        """A reference that writes down which rows it looks up."""
        return _Watched(config, self.lines)


class _Watched(Stack):
    def __init__(self, config: Config, seen: set[Place]) -> None:
        super().__init__(config)
        self._ctx.rows = _Rows(self._ctx.rows, seen)


def _innermost(
    functions: Sequence[ast.FunctionDef], first: int, last: int
) -> ast.FunctionDef | None:
    """The smallest function whose body has all these lines."""
    found: ast.FunctionDef | None = None
    for node in functions:
        if node.body[0].lineno <= first:
            assert node.end_lineno is not None
            if last <= node.end_lineno:
                found = node
    return found


def _own_lines(node: ast.stmt) -> range:
    """The lines of a statement without those of its body, which has statements of its own."""
    assert node.end_lineno is not None
    body = getattr(node, "body", None)
    return range(node.lineno, body[0].lineno if body else node.end_lineno + 1)


@contextmanager
def passing() -> Iterator[PassedRows]:
    """The lines that are passed from here on, until the end of the block."""
    told = PassedRows()
    by_file = {str(path): _line_tracer(path.stem, told.lines) for path in _HOME.glob("*.py")}

    def called(frame: FrameType, _event: str, _arg: object) -> _Trace | None:
        return by_file.get(frame.f_code.co_filename)

    before = sys.gettrace()
    sys.settrace(called)
    try:
        yield told
    finally:
        sys.settrace(before)


def _line_tracer(module: str, seen: set[Place]) -> _Trace:
    def line(frame: FrameType, _event: str, _arg: object) -> _Trace:
        seen.add((module, frame.f_lineno))
        return line

    return line
