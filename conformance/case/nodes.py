"""YAML text to our own tree of scalars, sequences and mappings, each with its place.

Only the *events* of the YAML parser are used, never its resolution: a scalar stays text, so
``1:20`` and ``NO`` are what the author wrote. The language has no anchors, no tags, no merge
keys and one document, so nothing can grow while it is read; files, nesting and nodes have bounds,
because a case may come from a stranger. The tree is built with a stack of our own: hostile depth
ends in a fault, not in a RecursionError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

import yaml

from conformance.case.faults import Fault, shorten
from conformance.case.spans import Span

LARGEST_FILE: Final = 1 << 20  # octets
TOO_LARGE: Final = f"the file is larger than {LARGEST_FILE >> 20} MiB"
DEEPEST: Final = 32  # levels of nesting
MOST_NODES: Final = 20_000  # texts, lists and mappings of one file
LONGEST_TEXT: Final = 1 << 16  # characters of one of them

# libyaml when it is there; the events are the same without it, ten times slower.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Whatever YAML calls a line break besides \n would shift our line numbers; the rest is invisible.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # an escape of YAML may make one
_FORBIDDEN: Final = "\x00-\x08\x0b-\x1f\x7f"


class Scalar(NamedTuple):
    """One text. ``plain`` when no quotes stand around it.

    ``exact``: the text stands in the file letter by letter on one line, so that an offset into
    the text is an offset into the file. ``begin`` and ``end`` are (line, column) with the quotes,
    both counted from 1, the end not included.
    """

    text: str
    span: Span
    plain: bool = True
    exact: bool = True
    begin: tuple[int, int] = (0, 0)
    end: tuple[int, int] = (0, 0)

    def part(self, offset: int, length: int) -> Span:
        """The place of a stretch of the text; the whole when it cannot be told."""
        return self.span.part(offset, length) if self.exact else self.span


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list; ``end`` is where it stops, for the flow style."""

    items: tuple[Node, ...]
    span: Span
    flow: bool = False
    end: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, in written order; of a key that stands twice, a fault, only the first is here."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span
    flow: bool = False
    end: tuple[int, int] = (0, 0)

    def get(self, name: str) -> Node | None:
        """The value of a key."""
        return next((value for key, value in self.entries if key.text == name), None)


Node: TypeAlias = Scalar | Sequence | Mapping


class Unreadable(Exception):
    """The text holds no tree of ours; ``faults`` say why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


def decode_text(path: str, octets: bytes) -> str:
    """The text of a file; raises Unreadable for what is no text in UTF-8."""
    whole = Span(path, 0, 0)
    if len(octets) > LARGEST_FILE:
        raise Unreadable(Fault(whole, TOO_LARGE))
    if octets.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        hint = "save the file as UTF-8 without one"
        raise Unreadable(Fault(whole, "the file begins with a byte order mark", hint))
    if b"\0" in octets:
        raise Unreadable(Fault(whole, "the file is binary, a case is text"))
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        column = error.start - octets.rfind(b"\n", 0, error.start)
        message = f"octet 0x{octets[error.start]:02x} is not UTF-8"
        raise Unreadable(Fault(Span(path, line, column), message, "save it as UTF-8")) from error
    return text.replace("\r\n", "\n")


# The second takes milliseconds to compile, for the sake of a file that is hardly ever there.
@cache
def _in_ascii() -> re.Pattern[str]:
    return re.compile(f"[{_FORBIDDEN}]")


@cache
def _in_any() -> re.Pattern[str]:
    return re.compile(f"[{_FORBIDDEN}\x80-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def parse(path: str, text: str) -> tuple[Node, list[Fault]]:
    """The tree of one file and what is wrong with it as YAML; raises Unreadable without a tree."""
    bad = (_in_ascii if text.isascii() else _in_any)().search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        column = bad.start() - text.rfind("\n", 0, bad.start())
        message = f"the character U+{ord(bad[0]):04X} cannot stand in a case"
        raise Unreadable(Fault(Span(path, line, column), message))
    builder = _Builder(path)
    try:
        _feed(builder, text)
    except yaml.YAMLError as error:
        raise Unreadable(_yaml_fault(path, text, error)) from error
    if builder.aliased:
        raise Unreadable(*builder.faults)
    if builder.root is None or (isinstance(builder.root, Scalar) and not builder.root.text):
        raise Unreadable(Fault(Span(path, 0, 0), "the file is empty", "a case begins with title:"))
    return builder.root, builder.faults


def _feed(builder: _Builder, text: str) -> None:
    """All events of the text; ``yaml.parse`` looks at each twice."""
    loader = _LOADER(text)
    try:
        while (event := loader.get_event()) is not None:
            builder.feed(event)
    finally:
        loader.dispose()


def _yaml_fault(path: str, text: str, error: yaml.YAMLError) -> Fault:
    mark: Any = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    span = Span(path, mark.line + 1, mark.column + 1) if mark else Span(path, 0, 0)
    if "maximum nesting depth" in problem:  # libyaml's own bound (PyYAML 6.0.4), far beyond ours
        return Fault(span, _TOO_DEEP)
    hint = ""
    if "mapping values are not allowed" in problem:
        hint = "a text that holds ': ' or ' #' must stand in quotes"
    elif "cannot start any token" in problem:
        hint = "a text that begins with this character must stand in quotes"
    elif "did not find expected key" in problem or "block" in context:
        hint = "look at the indentation of this line and of the one before"
    before = text.split("\n")[mark.line : mark.line + 1] if mark else []
    if before and before[0][: mark.column + 1].lstrip(" ").startswith("\t"):
        hint = "indent with spaces, never with tabs"
    message = f"not YAML: {context + ': ' if context else ''}{problem}"
    return Fault(span, shorten(message), hint)


@dataclass(slots=True)
class _Open:
    """A sequence or a mapping whose end has not come; ``key`` waits for its value."""

    span: Span
    flow: bool
    mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: list[tuple[Scalar, Node]] = field(default_factory=list)
    key: Scalar | None = None
    keyed: bool = False
    lines: dict[str, int] = field(default_factory=dict)

    def closed(self, end: tuple[int, int]) -> Node:
        if self.mapping:
            return Mapping(tuple(self.entries), self.span, self.flow, end)
        return Sequence(tuple(self.items), self.span, self.flow, end)


class _Builder:
    """Events in, a tree and faults out."""

    def __init__(self, path: str) -> None:
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self.aliased = False
        self._path = path
        self._stack: list[_Open] = []
        self._documents = 0
        self._nodes = 0

    def feed(self, event: Any) -> None:
        """Take one event."""
        if isinstance(event, yaml.ScalarEvent):
            self._marks(event)
            self._add(self._scalar(event))
        elif isinstance(event, yaml.AliasEvent):
            self._fault(event, f"the language has no aliases (*{event.anchor})", _ANCHOR_HINT)
            self.aliased = True  # what it stands for is not here: nothing below can be judged
            self._add(Scalar("", self._span(event), exact=False))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._marks(event)
            self._push(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            end: Any = event.end_mark
            self._add(self._stack.pop().closed((end.line + 1, end.column + 1)))
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                hint = "one file holds one case: begin another file"
                raise Unreadable(Fault(self._span(event), "a second document begins here", hint))

    def _push(self, event: Any) -> None:
        if len(self._stack) >= DEEPEST:
            raise Unreadable(Fault(self._span(event), _TOO_DEEP))
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._stack.append(_Open(self._span(event), bool(event.flow_style), mapping))

    def _span(self, event: Any) -> Span:
        mark = event.start_mark
        return Span(self._path, mark.line + 1, mark.column + 1)

    def _fault(self, event: Any, message: str, hint: str = "") -> None:
        self.faults.append(Fault(self._span(event), shorten(message), hint))

    def _marks(self, event: Any) -> None:
        if event.anchor is not None:
            self._fault(event, f"the language has no anchors (&{event.anchor})", _ANCHOR_HINT)
        if event.tag is not None:
            self._fault(event, f"the language has no tags ({event.tag})", "write the value alone")

    def _scalar(self, event: Any) -> Scalar:
        if len(event.value) > LONGEST_TEXT:
            message = f"a text longer than {LONGEST_TEXT} characters"
            raise Unreadable(Fault(self._span(event), message))
        if not event.value.isascii() and (half := _SURROGATE.search(event.value)):
            message = f"U+{ord(half[0]):04X} is half of a surrogate pair, not a character"
            raise Unreadable(Fault(self._span(event), message))
        start, end = event.start_mark, event.end_mark
        begin, close = (start.line + 1, start.column + 1), (end.line + 1, end.column + 1)
        marked = event.anchor is not None or event.tag is not None
        plain, quotes = event.style in (None, ""), event.style in ("'", '"')
        one_line = start.line == end.line
        inside = end.column - start.column - (2 if quotes else 0)
        exact = one_line and (plain or quotes) and inside == len(event.value) and not marked
        length = len(event.value) if exact else end.column - start.column if one_line else 1
        column = begin[1] + (1 if quotes and not marked else 0)
        span = Span(self._path, begin[0], column, max(1, length))
        return Scalar(event.value, span, plain, exact, begin, close)

    def _add(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            message = f"the file holds more than {MOST_NODES} values"
            raise Unreadable(Fault(node.span, message, "put them into several cases"))
        if not self._stack:
            self.root = node
            return
        top = self._stack[-1]
        if not top.mapping:
            top.items.append(node)
        elif not top.keyed:
            top.key, top.keyed = self._key(top, node), True
        else:
            if top.key is not None:
                top.entries.append((top.key, node))
            top.keyed = False

    def _key(self, top: _Open, node: Node) -> Scalar | None:
        if not isinstance(node, Scalar):
            self.faults.append(Fault(node.span, "a key must be a name, not a list or a mapping"))
            return None
        if node.plain and node.text == "<<":
            self.faults.append(
                Fault(node.span, "the language has no merge keys (<<)", _ANCHOR_HINT)
            )
            return None
        if node.text in top.lines:
            message = f"{shorten(node.text, 60)} is written twice"
            self.faults.append(Fault(node.span, message, f"first in line {top.lines[node.text]}"))
            return None
        top.lines[node.text] = node.span.line
        return node


_TOO_DEEP: Final = f"nested deeper than {DEEPEST} levels"
_ANCHOR_HINT: Final = "write it out, or put it into a fragment and include it"
