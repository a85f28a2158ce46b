"""The command that judges recorded runs again.

The interpreter is fed the events it was fed then, at the times it was fed them; the same events
always give the same verdict. Where they do not, the language or the interpreter has changed. The
case is read from the text that was recorded with the run, never from the files of today.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from conformance import files
from conformance.case.decode import Decoder, Known
from conformance.case.expand import Document, Expander
from conformance.case.faults import CaseFaults, Faults
from conformance.case.load import FRAGMENTS, SUFFIX
from conformance.case.model import Case
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import parse
from conformance.case.spans import Span
from conformance.commands.output import in_color, note, say, say_json
from conformance.errors import CaseError
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report import jsonlines
from conformance.report.failure import explain
from conformance.report.jsonlines import Loaded
from conformance.report.ladder import ladder
from conformance.targets.again import judge
from conformance.targets.plan import FAILED, requirement_text

_BAD = FAILED | {Outcome.ERROR}


def replay(args: Namespace) -> int:
    """Judge every run of the file; 1 if a verdict is another one now, or is a failure."""
    status = count = 0
    rows: list[dict[str, Any]] = []
    for loaded in _read(Path(args.file)):
        count += 1
        case = rebuild(loaded.sources, loaded.path, loaded.case, loaded.parameters)
        record = judge(case, loaded)
        verdict = record.verdict
        assert verdict is not None
        same = _same(verdict, loaded)
        status |= not same or verdict.outcome in _BAD
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
    return status


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
    if verdict.outcome in _BAD:
        say(explain(record, requirement_text=requirement_text, color=color))
    else:
        reason = f": {verdict.reason}" if verdict.reason else ""
        say(f"{record.id}\n{record.case.title}\n\n{ladder(record, color=color)}")
        say(f"{verdict.outcome}{reason}\n")
    if not same and loaded.verdict is not None:
        then = f"{loaded.verdict.outcome}: {loaded.verdict.reason}".removesuffix(": ")
        note(f"conformance: {record.id}: the verdict was another one then: {then}")


def _read(path: Path) -> Iterator[Loaded]:
    try:
        with files.reading(path) as octets, TextIOWrapper(octets, encoding="utf-8") as stream:
            yield from jsonlines.read(stream, str(path))
    except OSError as error:
        raise CaseError(f"{path}: {files.reason(error)}") from None
    except UnicodeDecodeError:
        raise CaseError(f"{path}: not a record of a run") from None


# ---- a case from the text of its files -----------------------------------------------------------


def rebuild(sources: Mapping[str, str], path: str, id: str, parameters: Mapping[str, str]) -> Case:
    """The case as it was played; raises CaseFaults if today's language has no room for it."""
    texts = _Texts(sources, id.partition("[")[0])
    document = texts.document(Path(path))
    if document.root is None:
        raise CaseFaults(document.faults.all(), sources)
    blank = Case(id, path, "", (), parameters=parameters, sources=sources, span=Span(path, 1, 1))
    fragments = _Fragments(Expander(texts), document.file)
    case = Decoder(parameters, document.faults, fragments, Known()).case(document.root, blank)
    if document.faults:
        raise CaseFaults(document.faults.all(), sources)
    return case


@dataclass(frozen=True, slots=True)
class _Fragments:
    """The fragments as one file sees them."""

    expander: Expander
    near: Path

    def fragment(self, name: str, span: Span, faults: Faults) -> Case | None:
        return self.expander.fragment(name, span, faults, self.near)


class _Texts:
    """The files of one case, as they were."""

    def __init__(self, sources: Mapping[str, str], id: str) -> None:
        self._sources = sources
        self._id = id

    def document(self, file: Path) -> Document:
        path = str(file)
        text, faults = self._sources[path], Faults()
        root, found = parse(path, text)
        faults.extend(found)
        return Document(path, file, text, root if isinstance(root, MappingNode) else None, faults)

    def find_fragment(self, name: str, near: Path) -> Path | None:
        """The nearest of this name: the one with the longest directory above both."""
        end = f"{FRAGMENTS}/{name}{SUFFIX}"
        found = [Path(path) for path in self._sources if f"/{path}".endswith(f"/{end}")]
        return max(found, key=lambda path: len(path.parts), default=None)

    def fragment_names(self, near: Path) -> list[str]:
        marks = (path.partition(f"{FRAGMENTS}/")[2] for path in self._sources)
        return sorted(mark.removesuffix(SUFFIX) for mark in marks if mark)

    def case_id(self, file: Path) -> str:
        return self._id
