"""What every measurement is made with: a clock, a figure, a set of cases played."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.play.record import Record
from conformance.targets.base import Job, Target, outcome_of
from conformance.targets.runs.schedule import play


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: what was measured, how much, and how."""

    name: str
    value: float
    unit: str
    how: str = ""


class Stopwatch:
    """Wall and processor time, children included, of a with block; seconds."""

    wall = 0.0
    cpu = 0.0

    def __enter__(self) -> Stopwatch:
        self._wall, self._cpu = time.perf_counter(), _cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, _cpu() - self._cpu


def _cpu() -> float:
    uses = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def play_all(target: Target, jobs: Sequence[Job], at_once: int | None = None) -> list[Record]:
    """The records of the jobs, as a run plays them."""
    records: list[Record] = []
    play(target, jobs, lambda _, record: records.append(record), at_once)
    return records


def ended_as(records: Sequence[Record]) -> str:
    """``1382 pass, 120 deviates``."""
    counts = Counter(outcome_of(record) for record in records)
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
