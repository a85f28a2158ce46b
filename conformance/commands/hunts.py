"""Which cases are played against which wrong TCP, and in what order.

Only those that pass the place of the fault can find it (:mod:`conformance.sim.reach`). Those that
speak of the same things come first: the first that fails is enough. Over IPv6 the target's numbers
wrap elsewhere than over IPv4, for a case seldom finds by the one what it does not by the other.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from conformance.errors import CaseError
from conformance.play.verdict import Outcome
from conformance.sim.faults import WrongTcp
from conformance.sim.reach import passing, place_of
from conformance.targets.base import Job
from conformance.targets.kinds.reference import ISNS, Reference

ISN_OF: Final = {4: "wrapping", 6: "second"}  # by IP version: where the target's numbers wrap
WRONG: Final = frozenset({Outcome.FAIL, Outcome.BLOCKED, Outcome.ERROR, Outcome.INCONCLUSIVE})
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Hunt:
    """One fault, and the jobs that may find it, the likeliest first."""

    fault: WrongTcp
    jobs: Sequence[Job]


def hunts(wanted: Sequence[WrongTcp], jobs: Sequence[Job]) -> list[Hunt]:
    """A hunt for each; CaseError where a job fails on the reference itself."""
    places = {fault.name: place_of(fault) for fault in wanted}
    fit: list[Job] = []
    able: dict[str, list[Job]] = {fault.name: [] for fault in wanted}
    for job in jobs:
        with passing() as passed:
            record = Reference(ISNS[ISN_OF[job.ip]], make=passed.stack).play(job)
        assert record.verdict is not None
        if record.verdict.outcome in WRONG:
            raise CaseError(f"{record.id} does not pass by itself: {record.verdict.reason}")
        if record.verdict.outcome is not Outcome.PASS or record.verdict.reason:
            continue
        fit.append(job)
        for name, place in places.items():
            if not place or place & passed.lines:
                able[name].append(job)
    if not fit:
        raise CaseError("nothing to find them with: no case passes on the reference")
    weights = _weights(fit)
    return [Hunt(fault, _ordered(fault, able[fault.name], weights)) for fault in wanted]


def _ordered(fault: WrongTcp, jobs: Sequence[Job], weights: Mapping[str, float]) -> list[Job]:
    """By the weight of the words in common; IPv6 after IPv4, which few faults tell apart."""
    own = _words(f"{fault.name} {fault.about}")

    def last(job: Job) -> tuple[int, float]:
        shared = own & _words(f"{job.case.id} {job.case.title}")
        return job.ip, -sum(weights[word] for word in shared)

    return sorted(jobs, key=last)


def _weights(jobs: Sequence[Job]) -> dict[str, float]:
    """A word weighs more the fewer cases have it."""
    texts = {f"{job.case.id} {job.case.title}" for job in jobs}
    count = Counter(word for text in texts for word in _words(text))
    return {word: math.log(1 + len(texts) / often) for word, often in count.items()}


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
