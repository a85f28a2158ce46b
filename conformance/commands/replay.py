"""The command that judges recorded runs again.

The interpreter is fed the events it was fed then, at the times it was fed them; the same events
always give the same verdict. Where they do not, the language or the interpreter has changed. The
case is read from the text that was recorded with the run, never from the files of today.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from conformance import files
from conformance.case.decode import Decoder, Known
from conformance.case.expand import Document, Expander
from conformance.case.faults import CaseFaults, Fault, Faults
from conformance.case.lint import lint
from conformance.case.load import FRAGMENTS, SUFFIX
from conformance.case.model import Case
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Unreadable, decode_text, parse
from conformance.case.spans import Span
from conformance.commands.output import in_color, note, say, say_json
from conformance.errors import CaseError
from conformance.exits import Exit
from conformance.play.record import Record
from conformance.play.verdict import Verdict
from conformance.report import jsonlines
from conformance.report.causes import BAD
from conformance.report.failure import explain
from conformance.report.jsonlines import Loaded
from conformance.report.ladder import ladder
from conformance.targets.names import requirement_text
from conformance.targets.runs.rejudge import judge

_KEPT_LIBRARIES: Final = 64  # sets of fragments that several cases share
_KEPT_FILES: Final = 16  # a file's cases follow one another


def replay(args: Namespace) -> int:
    """Judge every run of the file; 1 if a verdict is another one now, or is a failure.

    2 if a run cannot be judged: its case does not load, or its events contradict it.
    """
    status = damaged = Exit.EXPECTED
    count = 0
    rows: list[dict[str, Any]] = []
    for loaded in read(Path(args.file)):
        count += 1
        try:
            case = rebuild(loaded.sources, loaded.path, loaded.case, loaded.parameters)
            record = judge(case, loaded)
        except CaseError as error:  # the other runs of the file are good all the same
            damaged = Exit.WRONG
            note(f"{args.file}:{loaded.line}: {_damage(error)}")
            continue
        verdict = record.verdict
        assert verdict is not None
        same = _same(verdict, loaded)
        status = max(status, Exit.found(not same or verdict.outcome in BAD))
        if args.json:
            rows.append(
                {
                    "id": record.id,
                    "outcome": str(verdict.outcome),
                    "reason": verdict.reason,
                    "recorded": str(loaded.verdict.outcome) if loaded.verdict else "",
                    "same": same,
                }
            )
        else:
            _tell(record, loaded, same=same)
    if not count:
        raise CaseError(f"{args.file}: no run is recorded in it")
    if args.json:
        say_json(rows)
    return damaged or status


def _damage(error: CaseError) -> str:
    if isinstance(error, CaseFaults):
        return f"the case of this run does not load any more:\n{error}"
    return str(error)


def _same(now: Verdict, loaded: Loaded) -> bool:
    """Whether it ended as it did then, at the same step; where it was cut off nobody knows."""
    then = loaded.verdict
    if then is None:
        return True
    span = now.step.span if now.step else None
    return (now.outcome, now.reason, span) == (then.outcome, then.reason, loaded.step)


def _tell(record: Record, loaded: Loaded, *, same: bool) -> None:
    verdict = record.verdict
    assert verdict is not None
    color = in_color()
    if verdict.outcome in BAD:
        say(explain(record, requirement_text=requirement_text, color=color), painted=True)
    else:
        reason = f": {verdict.reason}" if verdict.reason else ""
        say(f"{record.id}\n{record.case.title}\n")
        say(ladder(record, color=color), painted=True)
        say(f"{verdict.outcome}{reason}\n")
    if not same and loaded.verdict is not None:
        then = f"{loaded.verdict.outcome}: {loaded.verdict.reason}".removesuffix(": ")
        note(f"conformance: {record.id}: the verdict was another one then: {then}")


def read(path: Path) -> Iterator[Loaded]:
    """Every conversation of a file; raises CaseError for what is no record."""
    try:
        with files.reading(path) as octets:
            yield from jsonlines.read(jsonlines.lines(octets, str(path)), str(path))
    except OSError as error:
        raise CaseError(f"{path}: {files.reason(error)}") from None


# ---- a case from the text of its files -----------------------------------------------------------


def rebuild(sources: Mapping[str, str], path: str, id: str, parameters: Mapping[str, str]) -> Case:
    """The case as it was played; raises CaseError if today's language has no room for it."""
    texts = {str(Path(name)): text for name, text in sources.items()}
    own = str(Path(path))
    if own not in texts:
        raise CaseError(f"it holds no text of its case {path}")
    document = _document(own, texts[own])
    if document.root is None:
        raise CaseFaults(document.faults.all(), sources)
    blank = Case(id, path, "", (), parameters=parameters, sources=sources, span=Span(path, 1, 1))
    if FRAGMENTS not in document.file.parts:
        del texts[own]  # what is left is what many cases share
    fragments = _Fragments(_library(tuple(sorted(texts.items()))), document.file)
    case = Decoder(parameters, document.faults, fragments, Known()).case(document.root, blank)
    if not document.faults:
        lint(case, document.faults)
    if document.faults:
        raise CaseFaults(document.faults.all(), sources)
    return case


@lru_cache(_KEPT_LIBRARIES)
def _library(texts: tuple[tuple[str, str], ...]) -> Expander:
    """These fragments, each decoded once for all the cases that have the same."""
    return Expander(_Texts(dict(texts)))


def _document(path: str, text: str) -> Document:
    """A file, with faults of its own to add to."""
    faults = Faults()
    try:
        root, found = _parsed(path, text)
        faults.extend(found)
    except Unreadable as error:
        faults.extend(error.faults)
        return Document(path, Path(path), text, None, faults)
    if not isinstance(root, MappingNode):
        faults.add(root.span, "a case is a mapping", "it begins with title:")
        return Document(path, Path(path), text, None, faults)
    return Document(path, Path(path), text, root, faults)


@lru_cache(_KEPT_FILES)
def _parsed(path: str, text: str) -> tuple[Node, list[Fault]]:
    """The tree of a file: the choices of its parameters share it."""
    return parse(path, decode_text(path, text.encode()))


@dataclass(frozen=True, slots=True)
class _Fragments:
    """The fragments as one file sees them."""

    expander: Expander
    near: Path

    def fragment(self, name: str, span: Span, faults: Faults) -> Case | None:
        return self.expander.fragment(name, span, faults, self.near)


class _Texts:
    """The fragments of a case, as they were."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def document(self, file: Path) -> Document:
        return _document(str(file), self._sources[str(file)])

    def find_fragment(self, name: str, near: Path) -> Path | None:
        """The nearest of this name: the one with the longest directory above both."""
        end = f"{FRAGMENTS}/{name}{SUFFIX}"
        found = [Path(path) for path in self._sources if f"/{path}".endswith(f"/{end}")]

        def above(path: Path) -> tuple[bool, int]:
            home = path.parents[end.count("/")]
            return near.is_relative_to(home), len(home.parts)

        return max(found, key=above, default=None)

    def fragment_names(self, near: Path) -> list[str]:
        marks = (path.partition(f"{FRAGMENTS}/")[2] for path in self._sources)
        return sorted(mark.removesuffix(SUFFIX) for mark in marks if mark)

    def fragment_places(self, near: Path) -> str:
        return "the record holds the fragments of its case"

    def case_id(self, file: Path) -> str:
        _, _, name = f"/{file}".rpartition(f"/{FRAGMENTS}/")
        return f"{FRAGMENTS}/{name.removesuffix(SUFFIX)}"

    def name(self, file: Path) -> str:
        return str(file)
