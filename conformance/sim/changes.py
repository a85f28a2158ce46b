"""Every small change of the reference's functions: wrong TCPs that nobody chose.

A fault with a name was thought of by somebody, who has an eye for some kinds and none for others.
These are made by rule, one place each: another comparison, a condition turned round or dropped, a
constant one more or less, a statement left out. Which of them are drawn hangs on their own text
alone, so that the draw stays as it is when another place of the reference changes.

Many such changes make no wrong TCP: another TCP that is as right, or the same one. Each of those
that no case finds is told apart by its reason in ``changes.yaml``.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

import conformance.reference
from conformance.sim.faults import WrongTcp

_HOME: Final = Path(conformance.reference.__file__).parent
_NO_TCP: Final = ("__init__", "config", "info", "outputs")  # settings, and what Linux tells
_COMPARED: Final[Mapping[type[ast.cmpop], tuple[str, ...]]] = {
    ast.Lt: ("<=", ">="), ast.LtE: ("<", ">"), ast.Gt: (">=", "<="), ast.GtE: (">", "<"),
    ast.Eq: ("!=",), ast.NotEq: ("==",), ast.Is: ("is not",), ast.IsNot: ("is",),
    ast.In: ("not in",), ast.NotIn: ("in",),
}  # fmt: skip
_COUNTED: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.Div: "*",
    ast.BitAnd: "|", ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip
_Text = Callable[[ast.AST], str]


@cache
def changes() -> dict[str, WrongTcp]:
    """All of them by name, module by module; the equivalent ones with their reason."""
    reasons = _reasons()
    found: dict[str, WrongTcp] = {}
    for path in sorted(_HOME.glob("*.py")):
        if path.stem not in _NO_TCP:
            for name, old, new in _Module(path).changes():
                about = name.partition(" ")[2]
                found[name] = WrongTcp(name, about, path.stem, old, new, reasons.get(name, ""))
    return found


def drawn(every: int) -> dict[str, WrongTcp]:
    """One of ``every`` so many."""
    return {name: change for name, change in changes().items() if _number(name) % every == 0}


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


@cache
def _reasons() -> dict[str, str]:
    """By name, why a change that no case finds makes no wrong TCP."""
    text = Path(__file__).with_name("changes.yaml").read_text(encoding="utf-8")
    return {name: row["why"] for row in yaml.safe_load(text) or () for name in row["changes"]}


class _Module:
    """One module of the reference, and what may be changed in it."""

    def __init__(self, path: Path) -> None:
        self._place, self._source = path.stem, path.read_text(encoding="utf-8")
        self._octets = self._source.encode()
        self._lines = [0]
        for line in self._octets.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._seen = Counter[str]()

    def changes(self) -> Iterator[tuple[str, str, str]]:
        """The name, the text and what stands for it."""
        for function in ast.walk(ast.parse(self._source)):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in _own_nodes(function):
                for kind, ways in _WAYS:
                    for at, new in ways(node, self._text) if isinstance(node, kind) else ():
                        first, last = self._span(at)
                        octets = self._octets[:first] + new.encode() + self._octets[last:]
                        yield self._named(function, at, new, octets)

    def _named(
        self, function: ast.FunctionDef, at: ast.AST, new: str, octets: bytes
    ) -> tuple[str, str, str]:
        is_, was = " ".join(new.split()), " ".join(self._text(at).split())
        name = f"{self._place}.{function.name}: {was} -> {is_}"
        self._seen[name] += 1
        if self._seen[name] > 1:
            name += f" (the {self._seen[name]}. one)"
        return name, *self._unique(at, octets)

    def _unique(self, at: ast.AST, octets: bytes) -> tuple[str, str]:
        """The whole lines around the place, as many as it takes to be there once."""
        assert isinstance(at, ast.expr | ast.stmt)
        first, last = at.lineno - 1, at.end_lineno or at.lineno
        while True:
            begin, end = self._lines[first], self._lines[last]
            old = self._octets[begin:end]
            if self._octets.count(old) == 1:
                new = octets[begin : len(octets) - (len(self._octets) - end)]
                return old.decode(), new.decode()
            first -= 1

    def _span(self, node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, ast.expr | ast.stmt)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first = self._lines[node.lineno - 1] + node.col_offset
        return first, self._lines[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.AST) -> str:
        first, last = self._span(node)
        return self._octets[first:last].decode()


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What is executed in it: no annotation, no docstring, no function inside."""
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            continue
        yield node
        inside: Sequence[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.AnnAssign):
            inside = [node.value] if node.value else []
        waiting += reversed(inside)


# ---- the ways: what may stand for a node, or for a part of it ------------------------------------

_Ways = Iterator[tuple[ast.AST, str]]


def _comparison(node: ast.Compare, text: _Text) -> _Ways:
    if len(node.ops) == 1:
        for instead in _COMPARED[type(node.ops[0])]:
            yield node, f"({text(node.left)} {instead} {text(node.comparators[0])})"


def _condition(node: ast.BoolOp, text: _Text) -> _Ways:
    parts = [f"({text(part)})" for part in node.values]
    own, other = (" and ", " or ") if isinstance(node.op, ast.And) else (" or ", " and ")
    yield node, f"({other.join(parts)})"
    for left_out in range(len(parts)):
        yield node, f"({own.join(parts[:left_out] + parts[left_out + 1 :])})"


def _calculation(node: ast.BinOp, text: _Text) -> _Ways:
    left, right = f"({text(node.left)})", f"({text(node.right)})"
    if type(node.op) in _COUNTED:
        yield node, f"({left} {_COUNTED[type(node.op)]} {right})"
        yield node, left


def _negation(node: ast.UnaryOp, text: _Text) -> _Ways:
    if isinstance(node.op, ast.Not):
        yield node, f"bool({text(node.operand)})"


def _constant(node: ast.Constant, text: _Text) -> _Ways:
    if isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node.value, int | float):
        yield node, f"({text(node)} + 1)"
        if node.value:
            yield node, f"({text(node)} - 1)"


def _branch(node: ast.If | ast.While, text: _Text) -> _Ways:
    yield node.test, f"(not ({text(node.test)}))"
    yield node.test, "False"
    if isinstance(node, ast.If):
        yield node.test, "True"


def _choice(node: ast.IfExp, text: _Text) -> _Ways:
    yield node, f"({text(node.body)})"
    yield node, f"({text(node.orelse)})"


def _bound(node: ast.Call, text: _Text) -> _Ways:
    if isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
        yield node.func, "max" if node.func.id == "min" else "min"
        for alone in node.args if len(node.args) == 2 else ():
            yield node, f"({text(alone)})"


def _assignment(node: ast.Assign, _: _Text) -> _Ways:
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield node, "pass"


def _left_out(node: ast.stmt, _: _Text) -> _Ways:
    yield node, "pass"


def _call_left_out(node: ast.Expr, _: _Text) -> _Ways:
    if isinstance(node.value, ast.Call):
        yield node, "pass"


_WAYS: Final[Sequence[tuple[Any, Callable[[Any, _Text], _Ways]]]] = (
    (ast.Compare, _comparison), (ast.BoolOp, _condition), (ast.BinOp, _calculation),
    (ast.UnaryOp, _negation), (ast.Constant, _constant), (ast.If | ast.While, _branch),
    (ast.IfExp, _choice), (ast.Call, _bound), (ast.Assign, _assignment),
    (ast.AugAssign, _left_out), (ast.Expr, _call_left_out),
)  # fmt: skip
