"""Which tolerances would let by what a failure began with: the record is judged again with all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from conformance.play.profile import Tolerance
from conformance.play.record import Record
from conformance.play.tolerances import QUIRKS
from conformance.play.verdict import Outcome
from conformance.report.jsonlines import dump, load
from conformance.targets.runs.rejudge import Contradiction, judge

_ENDED = frozenset({Outcome.FAIL, Outcome.BLOCKED})


def explaining(record: Record) -> tuple[str, ...]:
    """Those that its failure would have used."""
    verdict = record.verdict
    if verdict is None or verdict.outcome not in _ENDED or verdict.failure is None:
        return ()
    (loaded,) = load(dump(record))
    has = {one.name for one in loaded.profile.tolerances}
    more = [Tolerance(name, "proposed") for name in QUIRKS if name not in has]
    profile = replace(loaded.profile, tolerances=(*loaded.profile.tolerances, *more))
    try:
        again = judge(record.case, replace(loaded, profile=profile)).verdict
    except Contradiction:  # what it would have done then, nobody has seen
        return ()
    return tuple(name for name in again.tolerated if name not in has) if again else ()


class Proposals:
    """How many failures each would explain."""

    def __init__(self) -> None:
        self._found: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        """One more final record."""
        self._found.update(explaining(record))

    def told(self) -> Iterator[str]:
        """A sentence each, the commonest first."""
        for name, count in self._found.most_common():
            yield (
                f"the tolerance {name} would let {count} of them go on: say so in the target file, "
                "and play again"
            )
