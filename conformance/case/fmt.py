"""The one committed spelling of a case file: ``format_text``.

The file is written anew from its tree: two spaces of indentation, the values of steps in one
column, segments, calls and times as the notation's printer spells them. Comments and blank lines
stay where they were; whatever stands in quotes, in brackets or over several lines stays as it
was written. Formatting twice changes nothing, and the case that is read from the result is the
same case: what was written is read again, and a text over several lines that would have become
another is put into double quotes instead. Where that does not help either, nothing is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from conformance.case.faults import CaseFaults, Fault
from conformance.case.nodes import Mapping, Node, Scalar, Sequence, Unreadable, parse
from conformance.case.spans import Span
from conformance.case.step import COMMON, Arg
from conformance.case.verbs import BY_NAME, VERBS
from conformance.notation.call import parse_call
from conformance.notation.printer import (
    print_bounds,
    print_call,
    print_duration,
    print_ratio,
    print_segment,
)
from conformance.notation.scanner import NotationError
from conformance.notation.segment import parse_segment
from conformance.notation.time import parse_bounds, parse_duration, parse_ratio

# As "silence: " needs it: every file has the same column, and a longer word stands a little out.
COLUMN: Final = 9
_MOST_TURNS: Final = 4  # until nothing changes any more; one is enough for what people write
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#.*$")
_UNSAFE: Final = re.compile(r": | #|:$|^[-?:,\[\]{}#&*!|>'\"%@`\s]|\s$|^$")

_SPELL: Final[dict[Arg, Callable[[str], str]]] = {
    Arg.SEGMENT: lambda text: print_segment(parse_segment(text)),
    Arg.CALL: lambda text: print_call(parse_call(text)),
    Arg.DURATION: lambda text: print_duration(parse_duration(text)),
    Arg.BOUNDS: lambda text: print_bounds(parse_bounds(text)),
    Arg.RATIO: lambda text: print_ratio(parse_ratio(text)),
}
# What the value of a key is, by what the mapping around it is; "*" for any key.
_ROLES: Final = {
    ("case", "steps"): "steps",
    ("case", "deviations"): "deviations",
    ("deviations", "*"): "deviation",
    ("deviation", "instead"): "steps",
    **{("step", one.verb): "branches" for one in VERBS if one.argument is Arg.BRANCHES},
    ("branch", "steps"): "steps",
    ("step", "steps"): "steps",
}
_ITEMS: Final = {"steps": "step", "branches": "branch", "deviation": "deviation"}


def format_text(text: str, path: str = "<text>") -> str:
    """The committed spelling of a case file; raises CaseFaults for what is no YAML of ours."""
    text = text.replace("\r\n", "\n")
    for _ in range(_MOST_TURNS):
        before, text = text, _once(text, path)
        if text == before:
            break
    return text


def _once(text: str, path: str) -> str:
    """The file written anew."""
    try:
        root, faults = parse(path, text)
    except Unreadable as error:
        raise CaseFaults(error.faults, {path: text}) from error
    if not isinstance(root, Mapping) and not faults:
        faults = [Fault(Span(path, 1, 1), "a case is a mapping", "it begins with title:")]
    if faults:
        raise CaseFaults(faults, {path: text})
    quoted: set[int] = set()
    while True:
        writer = _Writer(text, root, quoted)
        new = writer.written()
        changed = _changed(root, new, writer.spelled)
        if changed == []:
            return new
        guilty = list(_nodes(root)) if changed is None or quoted else changed
        tall = {id(node) for node in guilty if _is_tall(node)} - quoted
        if not tall:
            hint = "write what stands over several lines on one line, in double quotes"
            where = changed[0].span if changed else root.span
            raise CaseFaults([Fault(where, "this cannot be spelled anew", hint)], {path: text})
        quoted |= tall


# ---- the same meaning ----------------------------------------------------------------------------


def _is_tall(node: Node) -> bool:
    return isinstance(node, Scalar) and node.end[0] > node.begin[0]


def _nodes(root: Node) -> Iterator[Node]:
    """All, in written order."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Sequence):
            waiting += reversed(node.items)
        elif isinstance(node, Mapping):
            waiting += [part for pair in reversed(node.entries) for part in reversed(pair)]


def _about(root: Node) -> Node | None:
    return root.get("about") if isinstance(root, Mapping) else None


def _texts(root: Node, spelled: dict[int, str]) -> Iterator[tuple[Node, str]]:
    """Each node, and what it says: a text as ``spelled`` has it, the size of a list or mapping.

    What stands under about: is read without the blanks at the ends of its lines.
    """
    prose = _about(root)
    for node in _nodes(root):
        if isinstance(node, Scalar):
            text = spelled.get(id(node), node.text)
            lines = (line.rstrip() for line in text.strip().split("\n"))
            yield node, "\n".join(lines) if node is prose else text
        else:
            yield node, str(len(node.items if isinstance(node, Sequence) else node.entries))


def _changed(root: Node, new: str, spelled: dict[int, str]) -> list[Node] | None:
    """The nodes that say something else in the new file; None if it has another form."""
    try:
        after = list(_texts(parse("", new)[0], {}))
    except Unreadable:
        return None
    before = list(_texts(root, spelled))
    if [type(node) for node, _ in before] != [type(node) for node, _ in after]:
        return None
    pairs = zip(before, after, strict=True)
    return [node for (node, text), (_, other) in pairs if text != other]


# ---- writing -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Atom:
    """What is written as it stands: a scalar or a list in brackets, with its place."""

    begin: tuple[int, int]
    end: tuple[int, int]
    block: bool = False


class _Writer:
    """Writes a tree; ``_line`` is the first line of the source whose comments are not out yet."""

    def __init__(self, text: str, root: Node, quoted: Collection[int] = ()) -> None:
        self.spelled: dict[int, str] = {}  # what a node says now, where that was spelled anew
        self._quoted = quoted
        self._exact: set[int] = set()  # lines in which blanks at the end are text
        self._source = text.split("\n")
        self._root = root
        self._out: list[str] = []
        self._line = 1
        self._columns: dict[int, int] = {}
        self._comments: dict[int, tuple[int, str]] = {}
        self._blank: set[int] = set()
        self._look()

    def written(self) -> str:
        """The whole text."""
        assert isinstance(self._root, Mapping)
        self._node(self._root, 0, "", "case")
        self._flush(len(self._source) + 1, 0, 0)
        while self._out and not self._out[-1] and len(self._out) - 1 not in self._exact:
            self._out.pop()
        lines = (line if at in self._exact else line.rstrip() for at, line in enumerate(self._out))
        return "\n".join(lines) + "\n"

    # Comments

    def _look(self) -> None:
        """Find the comments and the blank lines: what no node covers."""
        ends: dict[int, int] = {}
        inside: set[int] = set()
        waiting: list[Node] = [self._root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Scalar) or node.flow:
                atom = self._atom(node)
                inside.update(range(atom.begin[0], atom.end[0] + 1))
                line, column = atom.end
                ends[line] = max(ends.get(line, 0), column - 1)
                inside.discard(line) if not atom.block else None
            elif isinstance(node, Sequence):
                waiting += node.items
            else:
                waiting += [part for pair in node.entries for part in pair]
        for number, source in enumerate(self._source, 1):
            if number in inside:
                continue
            found = _COMMENT.search(source, ends.get(number, 0))
            if found:
                self._comments[number] = (found.start(), found[0].rstrip())
            elif not source.strip():
                self._blank.add(number)

    def _flush(self, until: int, column: int, indent: int) -> None:
        """Write the comments and blank lines before the source's line ``until``."""
        for number in range(self._line, until):
            if number in self._comments:
                at, text = self._comments.pop(number)
                place = indent if at == column else self._columns.get(at, indent)
                self._out.append(" " * place + text)
            elif number in self._blank and self._out and self._out[-1]:
                self._out.append("")
        self._line = max(self._line, until)

    def _put(self, text: str, line: int) -> None:
        """Write a line, with the comment that stands behind it in the source's ``line``."""
        comment = self._comments.pop(line, None)
        if comment is not None:
            text = text.rstrip()
            text += " " * max(2, comment[0] - len(text)) + comment[1]
        self._out.append(text)
        self._line = max(self._line, line + 1)

    # Nodes

    def _node(self, node: Mapping | Sequence, indent: int, prefix: str, role: str) -> None:
        column = node.span.column - 1
        if isinstance(node, Sequence):
            for i, item in enumerate(node.items):
                self._item(item, column, indent, prefix if i == 0 else "", role)
            return
        for i, (key, value) in enumerate(node.entries):
            self._entry(key, value, indent, prefix if i == 0 else "", role)

    def _open(self, line: int, column: int, indent: int) -> None:
        """Write what stands before a line; remember which column became which indentation."""
        self._flush(line, column, indent)
        self._columns = {c: i for c, i in self._columns.items() if c < column}
        self._columns[column] = indent

    def _item(self, item: Node, column: int, indent: int, prefix: str, role: str) -> None:
        if not prefix:
            self._open(item.span.line, column, indent)
            prefix = " " * indent
        inner = _ITEMS.get(role, "plain")
        if isinstance(item, Scalar) or item.flow:
            self._write(item, prefix + "- ", indent, column, None)
        else:
            if inner == "branch" and isinstance(item, Sequence):
                inner = "steps"
            self._node(item, indent + 2, prefix + "- ", inner)

    def _entry(self, key: Scalar, value: Node, indent: int, prefix: str, role: str) -> None:
        column = key.begin[1] - 1
        atom = isinstance(value, Scalar) or value.flow
        first = self._atom(value).begin[0] if atom else key.begin[0]
        if prefix:
            self._flush(first, column, indent)
            self._columns = {c: i for c, i in self._columns.items() if c < column}
            self._columns[column] = indent
        else:
            self._open(first, column, indent)
            prefix = " " * indent
        name = self._source[key.begin[0] - 1][column : key.end[1] - 1] + ":"
        inner = _ROLES.get((role, key.text)) or _ROLES.get((role, "*")) or "plain"
        if isinstance(value, Scalar) and not value.text and value.begin == value.end:
            self._put(prefix + name, key.begin[0])
        elif isinstance(value, Scalar) or value.flow:
            name = name.ljust(COLUMN - 1) if role == "step" else name
            arg = _argument(key.text) if role == "step" else None
            self._write(value, f"{prefix}{name} ", indent, column, arg)
        else:
            self._put(prefix + name, key.begin[0])
            self._node(value, indent + 2, "", inner)

    # Atoms

    def _atom(self, node: Node) -> _Atom:
        """The stretch of the source that a scalar or a list in brackets takes."""
        if not isinstance(node, Scalar):
            return _Atom((node.span.line, node.span.column), node.end)
        (line, column), (last, to) = node.begin, node.end
        if node.plain or self._source[line - 1][column - 1 : column] not in ("|", ">"):
            return _Atom(node.begin, node.end)
        if to == 1 or last > len(self._source) or not self._source[last - 1][: to - 1].strip():
            last -= 1
        kept = "+" in self._source[line - 1][column - 1 :].partition("#")[0]
        while last > line and not self._source[last - 1].strip() and not kept:
            last -= 1
        return _Atom(node.begin, (last, len(self._source[last - 1]) + 1), block=True)

    def _write(
        self,
        node: Scalar | Mapping | Sequence,
        prefix: str,
        indent: int,
        column: int,
        arg: Arg | None,
    ) -> None:
        """Write a prefix and an atom behind it."""
        atom = self._atom(node)
        self._flush(atom.begin[0], column, indent)
        lines = self._source[atom.begin[0] - 1 : atom.end[0]]
        if id(node) in self._quoted and isinstance(node, Scalar):
            self._put(prefix + json.dumps(node.text, ensure_ascii=False), atom.end[0])
            return
        if len(lines) == 1:
            text = lines[0][atom.begin[1] - 1 : atom.end[1] - 1]
            if isinstance(node, Scalar) and arg in _SPELL:
                text = self._spell(node, text, _SPELL[arg])
            self._put(prefix + text, atom.end[0])
            return
        lines[-1] = lines[-1][: atom.end[1] - 1]
        head, rest = lines[0][atom.begin[1] - 1 :], lines[1:]
        if isinstance(node, Scalar) and not atom.block:
            rest = [" " * (indent + 2) + line.strip() if line.strip() else "" for line in rest]
        else:
            given = re.search(r"\d", head.partition("#")[0]) if atom.block else None
            rest = _shift(rest, indent + 2, indent - column if given else None)
        self._out += [prefix + head, *rest[:-1]]
        self._line = max(self._line, atom.end[0])
        if atom.block and node is not _about(self._root):
            first = len(self._out) - len(rest) + 1
            self._exact.update(range(first, first + len(rest)))
        self._put(rest[-1], atom.end[0])

    def _spell(self, node: Scalar, source: str, spell: Callable[[str], Any]) -> str:
        """The notation's own spelling; what cannot be parsed yet stays as it is."""
        try:
            text = str(spell(node.text))
        except NotationError:
            return source
        self.spelled[id(node)] = text
        return "'" + text.replace("'", "''") + "'" if _UNSAFE.search(text) else text


def _argument(name: str) -> Arg | None:
    if name in BY_NAME:
        return BY_NAME[name].argument
    every = [COMMON, *(verb.siblings for verb in VERBS)]
    found = {siblings[name].arg for siblings in every if name in siblings}
    return found.pop() if len(found) == 1 else None


def _shift(lines: list[str], indent: int, by: int | None) -> list[str]:
    """The lines moved together: by so many columns, or until the least has ``indent``."""
    if by is None:
        least = min((len(one) - len(one.lstrip()) for one in lines if one.strip()), default=0)
        by = indent - least
    return [_moved(one, by) for one in lines]


def _moved(line: str, by: int) -> str:
    """A line by so many columns to the right; of blanks alone, what is more than that is text."""
    blanks = len(line) - len(line.lstrip())
    if blanks == len(line):
        return " " * max(0, blanks + by) if blanks else ""
    return " " * by + line if by >= 0 else line[min(-by, blanks) :]
