"""One file to its cases: every combination of its parameters, fragments put in their places.

A fragment is itself a case, below ``fragments/`` in the case's own directory or one above it up
to the root of the cases. It is decoded once and used by many. Combinations, chains of fragments
and steps have bounds: a few short files could otherwise ask for millions of cases.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from conformance.case.context import PARAMETER
from conformance.case.decode import Decoder, Known
from conformance.case.faults import Faults
from conformance.case.lint import lint
from conformance.case.model import Case, count_steps, from_fragment
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Scalar, Sequence, parse
from conformance.case.spans import Span
from conformance.notation.scanner import suggest
from conformance.visible import on_one_line

MOST_COMBINATIONS: Final = 256
MOST_PARAMETERS: Final = 16
LONGEST_VALUE: Final = 1000  # characters of a parameter's value
MOST_TOGETHER: Final = 20_000  # steps of all combinations of one file
DEEPEST_CHAIN: Final = 16  # fragments that a fragment is built on
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
# What an id shows must survive a shell, a file name and pytest.
_SHOWN: Final = re.compile(r"[^\[\]/\\\s:](?:[^\[\]/\\\n\t:]{0,38}[^\[\]/\\\s:])?")


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read: its tree (None when it has none) and what was wrong up to there."""

    path: str
    file: Path
    text: str
    root: MappingNode | None
    faults: Faults


class Documents(Protocol):
    """Whatever reads files, each once."""

    def document(self, file: Path) -> Document:
        """The file, read."""

    def find_fragment(self, name: str, near: Path) -> Path | None:
        """The fragment's file for a case that stands at ``near``."""

    def fragment_names(self, near: Path) -> list[str]:
        """The fragments that a case at ``near`` could name."""

    def fragment_places(self, near: Path) -> str:
        """Where a fragment was looked for, in words."""

    def case_id(self, file: Path) -> str:
        """The file's path below the root of the cases, without its suffix."""

    def name(self, file: Path) -> str:
        """The file's path below the root of the cases, the same on every machine."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """One value of one parameter, and how an id shows it."""

    name: str
    shown: str
    value: str


@dataclass(slots=True)
class Expander:
    """Turns documents into cases; keeps every fragment that it has decoded."""

    reader: Documents
    known: Known = field(default_factory=Known)
    _fragments: dict[tuple[Path, str], tuple[Case | None, Faults]] = field(default_factory=dict)
    _chain: list[tuple[Path, str]] = field(default_factory=list)

    def cases(self, document: Document) -> tuple[list[Case], Faults]:
        """Every case of one file, and everything that is wrong with it and its fragments."""
        faults = Faults()
        faults.extend(document.faults.all())
        if document.root is None:
            return [], faults
        found: list[Case] = []
        together = 0
        name = self.reader.case_id(document.file)
        parameters = document.root.get("parameters")
        if parameters is not None and "fragments" in name.split("/"):
            hint = "write the fragment for each value, and choose it with given: $name"
            faults.add(parameters.span, "a fragment has no parameters", hint)
            return [], faults
        self._chain.append((document.file, name.removeprefix("fragments/")))
        for choice in _combinations(document.root, faults):
            case = self._case(document, name, choice, faults)
            found.append(case)
            together += count_steps(case.all_steps)
            if together > MOST_TOGETHER:
                message = f"all combinations together have more than {MOST_TOGETHER} steps"
                faults.add(case.span, message, "make several cases of it")
            if faults.full or together > MOST_TOGETHER:
                break
        self._chain.pop()
        if found:
            _unused(document.root, faults)
        return ([] if faults else found), faults

    def _case(
        self, document: Document, name: str, choice: tuple[_Choice, ...], faults: Faults
    ) -> Case:
        assert document.root is not None
        blank = Case(
            id=_id(name, choice),
            path=document.path,
            title="",
            steps=(),
            parameters={one.name: one.value for one in choice},
            sources={document.path: document.text},
            names={document.path: self.reader.name(document.file)},
            span=Span(document.path, 1, 1),
        )
        library = _Near(self, document)
        mine = Faults()
        case = Decoder(blank.parameters, mine, library, self.known).case(document.root, blank)
        if not mine:
            lint(case, mine)
        faults.extend(mine.all())
        return case

    def fragment(self, name: str, span: Span, faults: Faults, near: Path) -> Case | None:
        """The fragment ``name`` for a case at ``near``; None after a fault."""
        file = self.reader.find_fragment(name, near)
        if file is None:
            hints = (
                suggest(name, self.reader.fragment_names(near)),
                self.reader.fragment_places(near),
            )
            faults.add(span, f"unknown fragment {name}", "; ".join(filter(None, hints)))
            return None
        names = [inner for _, inner in self._chain]
        files = [inner for inner, _ in self._chain]
        if file in files:
            chain = " > ".join([*names[files.index(file) :], name])
            faults.add(span, f"fragment {name} includes itself: {chain}")
            return None
        if len(files) > DEEPEST_CHAIN:
            faults.add(span, f"fragments stand on fragments more than {DEEPEST_CHAIN} deep")
            return None
        if (file, name) not in self._fragments:
            self._fragments[file, name] = self._decode(file, name)
        case, inner = self._fragments[file, name]
        faults.extend(inner.all())
        if case is None and not inner:
            faults.add(span, f"fragment {name} cannot be read")
        return case

    def _decode(self, file: Path, name: str) -> tuple[Case | None, Faults]:
        cases, faults = self.cases(self.reader.document(file))
        if not cases:
            return None, faults
        steps = tuple(from_fragment(step, name) for step in cases[0].steps)
        return replace(cases[0], steps=steps), faults


@dataclass(frozen=True, slots=True)
class _Near:
    """The fragments as one file sees them."""

    expander: Expander
    document: Document

    def fragment(self, name: str, span: Span, faults: Faults) -> Case | None:
        return self.expander.fragment(name, span, faults, self.document.file)


def choices(case: Case) -> Iterator[str]:
    """The ids of all choices of the parameters that the file of a case has."""
    text = case.sources.get(case.path)
    root = parse(case.path, text)[0] if text else None
    if isinstance(root, MappingNode):
        for choice in _combinations(root, Faults()):
            yield _id(case.id.partition("[")[0], choice)


def _id(name: str, choice: tuple[_Choice, ...]) -> str:
    shown = ",".join(f"{one.name}={one.shown}" for one in choice)
    return f"{name}[{shown}]" if choice else name


def _combinations(root: MappingNode, faults: Faults) -> Iterator[tuple[_Choice, ...]]:
    node = root.get("parameters")
    if node is None:
        yield ()
        return
    if not isinstance(node, MappingNode) or not node.entries:
        hint = "as in parameters: {role: [active, passive]}"
        faults.add(node.span, "a mapping from names to values expected", hint)
        return
    before = len(faults)
    choices = [_choices(key, value, faults) for key, value in node.entries]
    total = 1
    for one in choices:
        total = min(total * len(one), MOST_COMBINATIONS + 1)
    if total > MOST_COMBINATIONS or len(choices) > MOST_PARAMETERS:
        message = f"at most {MOST_COMBINATIONS} of at most {MOST_PARAMETERS} parameters"
        faults.add(node.span, "too many combinations of parameters", message)
    if len(faults) == before:
        yield from itertools.product(*choices)


def _choices(key: Scalar, node: Node, faults: Faults) -> list[_Choice]:
    if not _NAME.fullmatch(key.text):
        hint = "letters, digits and _, a letter first, at most 40"
        faults.add(key.span, f"{key.text} is no name of a parameter", hint)
    pairs: list[tuple[Span, str, Node]] = []
    if isinstance(node, MappingNode):
        pairs = [(name.span, name.text, value) for name, value in node.entries]
    elif isinstance(node, Sequence):
        pairs = [
            (item.span, item.text if isinstance(item, Scalar) else "", item) for item in node.items
        ]
    if not pairs:
        hint = "as in [active, passive], or {short: the long value}"
        faults.add(node.span, f"the values of {key.text} are a list", hint)
    found: dict[str, _Choice] = {}
    for span, shown, value in pairs:
        if not isinstance(value, Scalar):
            faults.add(value.span, f"a value of {key.text} is one text")
        elif len(value.text) > LONGEST_VALUE:
            faults.add(value.span, f"a value longer than {LONGEST_VALUE} characters")
        elif PARAMETER.search(value.text):
            faults.add(value.span, "the value of a parameter cannot use a parameter")
        elif not _SHOWN.fullmatch(shown) or on_one_line(shown) != shown:
            hint = f"give it a name: {key.text}: {{short: the value}}"
            faults.add(span, "this value cannot stand in an id", hint)
        elif shown in found:
            faults.add(span, f"{shown} is written twice")
        else:
            found[shown] = _Choice(key.text, shown, value.text)
    return list(found.values())


def _unused(root: MappingNode, faults: Faults) -> None:
    """A parameter that nothing uses only makes copies of one case."""
    node = root.get("parameters")
    if not isinstance(node, MappingNode):
        return
    used: set[str] = set()
    waiting: list[Node] = [value for key, value in root.entries if key.text != "parameters"]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Scalar):
            used.update(PARAMETER.findall(item.text))
        elif isinstance(item, Sequence):
            waiting += item.items
        else:
            waiting += [value for _, value in item.entries]
    for key, _ in node.entries:
        if key.text not in used:
            hint = f"write ${key.text} where its value belongs"
            faults.add(key.span, f"no step uses the parameter {key.text}", hint)
