"""What failed, by cause: what was wanted, and what came instead, with how often it was so.

Two failures have one cause when they ended at steps that say the same and saw the same, whatever
the numbers were. A stack with one quirk fails in hundreds of cases, and this tells it in a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.run_again import run_again
from conformance.visible import on_one_line

BAD: Final = frozenset({Outcome.FAIL, Outcome.BLOCKED, Outcome.ERROR, Outcome.INCONCLUSIVE})
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(\.\d+)?(?: ?ms|s)?\b")
_MOST: Final = 20  # causes that are shown


@dataclass(slots=True)
class Cause:
    """One cause: in words, and the cases that ended so; ``example`` is the first."""

    text: str
    requirements: tuple[str, ...]
    example: Record
    ids: list[str] = field(default_factory=list)


def causes(records: Iterable[Record]) -> list[Cause]:
    """Those of the records that did not end well, the commonest first."""
    found: dict[str, Cause] = {}
    for record in records:
        verdict = record.verdict
        if verdict is None or verdict.outcome not in BAD:
            continue
        text = cause_of(record)
        key = kind_of(text)
        broken = verdict.failure.requirement if verdict.failure else ""
        requirements = (broken,) if broken else record.case.verifies
        cause = found.setdefault(key, Cause(text, requirements, record))
        cause.ids.append(record.id)
    return sorted(found.values(), key=lambda cause: -len(cause.ids))


def kind_of(text: str) -> str:
    """A cause without its numbers: two of one kind are one cause."""
    return _NUMBER.sub("N", text)


def cause_of(record: Record) -> str:
    """``another segment came: RST seq=1 where ACK seq=1 ack=11 was wanted``, on one line."""
    verdict = record.verdict
    if verdict is None:
        return "it never ended"
    failure = verdict.failure
    where = {Outcome.BLOCKED: "on the way to its beginning: ", Outcome.ERROR: "error: "}
    lead = where.get(verdict.outcome, "")
    if failure is None:
        return on_one_line(lead + verdict.reason)
    told = failure.message
    if failure.actual:
        told += f": {failure.actual}"
    if failure.expected:
        told += f" where {failure.expected[0]} was wanted"
    return on_one_line(lead + told)


def shown(found: Sequence[Cause]) -> str:
    """A few lines a cause: how often, what, which rule, how one of them is run alone."""
    count = sum(len(cause.ids) for cause in found)
    lines = [f"{count} did not pass, for {len(found)} reason{'s' if len(found) > 1 else ''}:"]
    for cause in found[:_MOST]:
        rules = ", ".join(cause.requirements[:3])
        lines.append(f"{len(cause.ids):5} x {cause.text}" + (f" ({rules})" if rules else ""))
        lines.append(f"        {on_one_line(run_again(cause.example))}")
    if len(found) > _MOST:
        lines.append(f"      and {len(found) - _MOST} more")
    return "\n".join(lines)
