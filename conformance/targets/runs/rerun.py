"""What was inconclusive is played again.

Twice at most; the record says how often. A failure that was doubted is played alone and believed
when it is seen a second time. What was only late is played again alone too, where it is many first
with few beside it. Where none of the first that are played alone passes, being alone makes no
difference, and the rest are played again together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets.base import Done, Job, Target, outcome_of, settled

RERUNS: Final = 2
_TRUSTED: Final = 20  # that did not pass alone either, after which the rest need not be alone
FEW: Final = 4  # at once: a case mostly waits, so these leave the machine as idle as one does


def repeat(
    target: Target, jobs: Sequence[tuple[Job, Record]], done: Done, at_once: int | None
) -> None:
    """Play the inconclusive again: few at once, then alone until that makes no difference."""
    doubted = [one for one in jobs if _is_doubted(one[1])]
    late = [one for one in jobs if not _is_doubted(one[1])]
    if len(late) > FEW:
        late = _once_more(target, late, done, FEW)
    left = deque([*doubted, *late])
    trusted = 0
    while left and trusted < _TRUSTED:
        job, first = left.popleft()
        record = play_again(target, job, first)
        trusted = 0 if outcome_of(record) is Outcome.PASS else trusted + 1
        done(job, record)
    rest = list(left)
    while rest:
        rest = _once_more(target, rest, done, at_once if len(rest) > FEW else 1)


def _is_doubted(record: Record) -> bool:
    return record.verdict is not None and record.verdict.doubted is not None


def _once_more(
    target: Target, jobs: Sequence[tuple[Job, Record]], done: Done, at_once: int | None
) -> list[tuple[Job, Record]]:
    """Play these together once more; returned are those that may be played yet again."""
    before = {id(job): record for job, record in jobs}
    ends: list[tuple[Job, Record]] = []
    again = [job for job, _ in jobs]
    target.run(again, settled(target, lambda *end: ends.append(end)), at_once)
    left: list[tuple[Job, Record]] = []
    for job, record in ends:
        one_more(record, [before[id(job)]])
        if outcome_of(record) is Outcome.INCONCLUSIVE and record.reruns < RERUNS:
            left.append((job, record))
        else:
            done(job, record)
    return left


def play_again(target: Target, job: Job, first: Record) -> Record:
    """Play an inconclusive job with nothing beside it, ``RERUNS`` times at most."""
    records = [first]
    while records[-1].reruns < RERUNS:
        target.run([job], settled(target, lambda _, record: records.append(record)), 1)
        one_more(records[-1], records[:-1])
        if outcome_of(records[-1]) is not Outcome.INCONCLUSIVE:
            break
    return records[-1]


def one_more(record: Record, before: Sequence[Record]) -> None:
    """The record of a job that was played before: how often, and whether it is believed."""
    record.reruns = before[-1].reruns + 1
    verdict = record.verdict
    if verdict is not None and any(one.verdict and one.verdict.doubted for one in before):
        record.verdict = verdict.believed()


def play_alone(target: Target, job: Job) -> Record:
    """Play one job with nothing beside it, again when it was inconclusive."""
    records: list[Record] = []
    target.run([job], settled(target, lambda _, record: records.append(record)), 1)
    inconclusive = outcome_of(records[-1]) is Outcome.INCONCLUSIVE
    return play_again(target, job, records[-1]) if inconclusive else records[-1]
