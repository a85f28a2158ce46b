"""The records of some files, one after another, as they were when their cases had ended.

Each is judged again, because its story is in its events; the verdict is the one that was written.
What cannot be judged any more is a record without a story, whose verdict stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from conformance.case.model import Case
from conformance.commands.replay import read, rebuild
from conformance.errors import CaseError, Owner
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report.jsonlines import Loaded
from conformance.targets.runs.rejudge import judge


def recorded(names: Sequence[str]) -> Iterator[Record]:
    """Every record of the files, in their order; raises CaseError for what is none."""
    for name in names:
        for loaded in read(Path(name)):
            yield _record(loaded)


def _record(loaded: Loaded) -> Record:
    then = loaded.verdict
    try:
        case = rebuild(loaded.sources, loaded.path, loaded.case, loaded.parameters)
        record = judge(case, loaded)
    except CaseError as error:
        case = Case(loaded.case, loaded.path, loaded.title, ())
        record = Record(case, loaded.profile, loaded.addressing, loaded.started)
        why = f"its story cannot be told: {str(error).splitlines()[0]}"
        record.verdict = then or Verdict(Outcome.ERROR, why, owner=Owner.CASE)
        return record
    now = record.verdict
    if then and now and (now.outcome, now.reason) != (then.outcome, then.reason):
        record.verdict = replace(then, step=now.step)
    return record
