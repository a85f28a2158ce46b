"""Which cases are played against which wrong TCP, and in what order.

Only those that pass the place of the fault can find it (:mod:`conformance.sim.reach`). The first
that fails is enough: the one that found it before comes first, then those that speak of the same
things. Over IPv6 the target's numbers wrap elsewhere than over IPv4, for a case seldom finds by the
one what it does not by the other.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from conformance.commands.altered import apart
from conformance.errors import CaseError
from conformance.play.verdict import Outcome
from conformance.sim.faults import WrongTcp, found_before
from conformance.sim.reach import Place, passing, place_of
from conformance.targets.base import Job
from conformance.targets.kinds.reference import ISNS, Reference

ISN_OF: Final = {4: "wrapping", 6: "second"}  # by IP version: where the target's numbers wrap
WRONG: Final = frozenset({Outcome.FAIL, Outcome.BLOCKED, Outcome.ERROR, Outcome.INCONCLUSIVE})
_SLICES: Final = 8  # of the jobs, each in a process of its own
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Hunt:
    """One fault, and the jobs that may find it, the likeliest first."""

    fault: WrongTcp
    jobs: Sequence[Job]


def hunts(wanted: Sequence[WrongTcp], jobs: Sequence[Job]) -> list[Hunt]:
    """A hunt for each; CaseError where a job fails on the reference itself."""
    able = by_place({fault.name: place_of(fault.edit) for fault in wanted}, jobs, ISN_OF)
    weights = _weights(jobs)
    return [Hunt(fault, _ordered(fault, able[fault.name], weights)) for fault in wanted]


def by_place(
    places: Mapping[str, frozenset[Place]], jobs: Sequence[Job], isn_of: Mapping[int, str]
) -> dict[str, list[Job]]:
    """For each name the jobs that pass its place; CaseError where a job fails by itself."""
    able: dict[str, list[Job]] = {name: [] for name in places}
    finders = _finders(jobs, places, isn_of)
    for job, names in zip(jobs, finders, strict=True):
        for name in names or ():
            able[name].append(job)
    if all(names is None for names in finders):
        raise CaseError("nothing to find them with: no case passes on the reference")
    return able


def _finders(
    jobs: Sequence[Job], places: Mapping[str, frozenset[Place]], isn_of: Mapping[int, str]
) -> list[list[str] | None]:
    """For each job the names whose place it passes; None where it finds nothing."""
    slices = [range(first, len(jobs), _SLICES) for first in range(min(_SLICES, len(jobs)))]
    found: dict[int, list[str] | None] = {}
    for numbers, lines, end in apart(slices, partial(_trace, jobs, places, isn_of)):
        for number, line in zip(numbers, lines, strict=False):
            told = json.loads(line)
            if isinstance(told, str):
                raise CaseError(told)
            found[number] = told
        if len(lines) < len(numbers):
            raise CaseError(f"{jobs[numbers[len(lines)]].case.id}: the reference {end}")
    return [found[number] for number in range(len(jobs))]


def _trace(
    jobs: Sequence[Job],
    places: Mapping[str, frozenset[Place]],
    isn_of: Mapping[int, str],
    numbers: range,
    pipe: int,
) -> None:
    """A line for each of these jobs: names, null, or why nobody can hunt with it."""
    for number in numbers:
        job = jobs[number]
        with passing() as passed:
            record = Reference(ISNS[isn_of[job.ip]], make=passed.stack).play(job)
        assert record.verdict is not None
        told: str | list[str] | None = None
        if record.verdict.outcome in WRONG:
            told = f"{record.id} does not pass by itself: {record.verdict.reason}"
        elif record.verdict.outcome is Outcome.PASS and not record.verdict.reason:
            told = [name for name, at in places.items() if not at or at & passed.lines]
        os.write(pipe, json.dumps(told).encode() + b"\n")


def _ordered(fault: WrongTcp, jobs: Sequence[Job], weights: Mapping[str, float]) -> list[Job]:
    """What found it before, then by the weight of the words in common; IPv6 after IPv4, which few
    faults tell apart.
    """
    own = _words(f"{fault.name} {fault.about}")
    before = found_before().get(fault.name)

    def last(job: Job) -> tuple[bool, int, float]:
        shared = own & _words(f"{job.case.id} {job.case.title}")
        first = (job.case.id, job.ip) == before
        return not first, job.ip, -sum(weights[word] for word in shared)

    return sorted(jobs, key=last)


def _weights(jobs: Sequence[Job]) -> dict[str, float]:
    """A word weighs more the fewer cases have it."""
    texts = {f"{job.case.id} {job.case.title}" for job in jobs}
    count = Counter(word for text in texts for word in _words(text))
    return {word: math.log(1 + len(texts) / often) for word, often in count.items()}


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
