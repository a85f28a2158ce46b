"""What one target costs: its start, its first verdict, the whole set on it.

In virtual time the cases' own waits cost nothing, so what is measured is the harness and the stack.
"""

from __future__ import annotations

import select
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import Final

from conformance import processes
from conformance.case.model import Case
from conformance.commands.choice import Keyword
from conformance.commands.measure import Figure, Stopwatch, ended_as
from conformance.errors import CaseError, TargetError
from conformance.play.record import Record
from conformance.targets import open_target
from conformance.targets.base import outcome_of
from conformance.targets.names import Chosen
from conformance.targets.runs.schedule import play
from conformance.targets.runs.selection import choose

_LONGEST: Final = 600.0  # seconds for a first verdict
_TIMES: Final = 5
_FIRST: Final = "smoke/handshake"


def figures(
    name: str, cases: Sequence[Case], keyword: Keyword | None, *, quick: bool
) -> Iterator[Figure]:
    """Measure one target by its name; ``keyword`` says which of the cases."""
    times = 1 if quick else _TIMES
    first = statistics.median(_first_verdict(name) for _ in range(times))
    how = f"from the command, in a process of its own; median of {times}"
    yield Figure(f"{name}, first verdict", first, "s", how)
    starts = [_start(name) for _ in range(times)]
    how = f"until it can be played on; median of {times}, the first {1000 * starts[0]:.0f} ms"
    yield Figure(f"{name}, start", statistics.median(starts) * 1000, "ms", how)
    yield from _whole_set(name, cases, keyword)


def _first_verdict(name: str) -> float:
    words = [sys.executable, "-m", "conformance.cli", "run", "--json", "--target", name]
    began = time.perf_counter()
    with subprocess.Popen([*words, "--ip", "4", _FIRST], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        there, _, _ = select.select([process.stdout], [], [], _LONGEST)
        told = process.stdout.readline() if there else b""
        took = time.perf_counter() - began
        processes.end(process, _LONGEST if told else 0)
    if process.returncode or not told:
        raise TargetError(f"{name} does not play {_FIRST}: the run ends with {process.returncode}")
    return took


def _start(name: str) -> float:
    with Stopwatch() as clock:
        target = open_target(name)
    with closing(target):
        return clock.wall


def _whole_set(name: str, cases: Sequence[Case], keyword: Keyword | None) -> Iterator[Figure]:
    records: list[Record] = []
    times = [time.perf_counter()]

    def done(_: object, record: Record) -> None:
        records.append(record)
        times.append(time.perf_counter())

    with open_target(name) as target:
        known = target.deviations
        plan = choose(map(Chosen, cases), target.profile, keyword=keyword, known=known)
        if keyword is not None and not plan.jobs and not plan.slow:
            raise CaseError("nothing to measure: -k is true of no id")
        with Stopwatch() as clock:
            play(target, plan.jobs, done)
    how = f"{ended_as(map(outcome_of, records))}; {len(plan.slow)} slow ones left out"
    yield Figure(f"{name}, {len(records)} runs", clock.wall, "s", how)
    if not records:
        return
    rate = len(records) / clock.wall
    yield Figure(f"{name}, a run", 1000 / rate, "ms", f"on average; {rate:.0f} runs/s")
    longest, slowest = max(
        (after - before, record.id)
        for (before, after), record in zip(pairwise(times), records, strict=True)
    )
    yield Figure(f"{name}, the longest", longest, "s", f"the end before to that of {slowest}")
