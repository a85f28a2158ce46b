"""The command that judges recorded runs again.

The interpreter is fed the events it was fed then, at the times it was fed them; the same events
always give the same verdict. Where they do not, the language or the interpreter has changed. The
case is read from the text that was recorded with the run, never from the files of today.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance import files
from conformance.case.decode import Decoder, Known
from conformance.case.expand import Document, Expander
from conformance.case.faults import CaseFaults, Faults
from conformance.case.lint import lint
from conformance.case.load import FRAGMENTS, SUFFIX
from conformance.case.model import Case
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Unreadable, decode_text, parse
from conformance.case.spans import Span
from conformance.commands.output import in_color, note, say, say_json
from conformance.errors import CaseError
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report import jsonlines
from conformance.report.failure import explain
from conformance.report.jsonlines import Loaded
from conformance.report.ladder import ladder
from conformance.targets.names import requirement_text
from conformance.targets.runs.rejudge import judge

_BAD = frozenset({Outcome.FAIL, Outcome.BLOCKED, Outcome.INCONCLUSIVE, Outcome.ERROR})


def replay(args: Namespace) -> int:
    """Judge every run of the file; 1 if a verdict is another one now, or is a failure.

    2 if a run cannot be judged: its case does not load, or its events contradict it.
    """
    status = count = damaged = 0
    rows: list[dict[str, Any]] = []
    for loaded in _read(Path(args.file)):
        count += 1
        try:
            case = rebuild(loaded.sources, loaded.path, loaded.case, loaded.parameters)
            record = judge(case, loaded)
        except CaseError as error:  # the other runs of the file are good all the same
            damaged = CaseError.exit_status
            note(f"{args.file}:{loaded.line}: {_damage(error)}")
            continue
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
    if verdict.outcome in _BAD:
        say(explain(record, requirement_text=requirement_text, color=color), painted=True)
    else:
        reason = f": {verdict.reason}" if verdict.reason else ""
        say(f"{record.id}\n{record.case.title}\n")
        say(ladder(record, color=color), painted=True)
        say(f"{verdict.outcome}{reason}\n")
    if not same and loaded.verdict is not None:
        then = f"{loaded.verdict.outcome}: {loaded.verdict.reason}".removesuffix(": ")
        note(f"conformance: {record.id}: the verdict was another one then: {then}")


def _read(path: Path) -> Iterator[Loaded]:
    try:
        with files.reading(path) as octets:
            yield from jsonlines.read(jsonlines.lines(octets, str(path)), str(path))
    except OSError as error:
        raise CaseError(f"{path}: {files.reason(error)}") from None


# ---- a case from the text of its files -----------------------------------------------------------


def rebuild(sources: Mapping[str, str], path: str, id: str, parameters: Mapping[str, str]) -> Case:
    """The case as it was played; raises CaseError if today's language has no room for it."""
    if str(Path(path)) not in map(str, map(Path, sources)):
        raise CaseError(f"it holds no text of its case {path}")
    texts = _Texts(sources, id.partition("[")[0])
    document = texts.document(Path(path))
    if document.root is None:
        raise CaseFaults(document.faults.all(), sources)
    blank = Case(id, path, "", (), parameters=parameters, sources=sources, span=Span(path, 1, 1))
    fragments = _Fragments(Expander(texts), document.file)
    case = Decoder(parameters, document.faults, fragments, Known()).case(document.root, blank)
    if not document.faults:
        lint(case, document.faults)
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
        self._sources = {str(Path(path)): text for path, text in sources.items()}
        self._id = id

    def document(self, file: Path) -> Document:
        path = str(file)
        text, faults = self._sources[path], Faults()
        root: Node | None = None
        try:
            root, found = parse(path, decode_text(path, text.encode()))
            faults.extend(found)
        except Unreadable as error:
            faults.extend(error.faults)
        else:
            if not isinstance(root, MappingNode):
                faults.add(root.span, "a case is a mapping", "it begins with title:")
        return Document(path, file, text, root if isinstance(root, MappingNode) else None, faults)

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
        _, below, name = f"/{file}".rpartition(f"/{FRAGMENTS}/")
        return f"{FRAGMENTS}/{name.removesuffix(SUFFIX)}" if below else self._id

    def name(self, file: Path) -> str:
        return str(file)
