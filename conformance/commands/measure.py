"""What measurements are made with: a clock, a figure, a set of cases played, a process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance import processes
from conformance.errors import CaseError, EnvironmentProblem
from conformance.exits import Exit
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets.base import Job, Target
from conformance.targets.runs.schedule import play

COMMAND: Final = (sys.executable, "-m", "conformance.cli")
_LONGEST: Final = 600.0  # seconds for one process
_ROOT: Final = Path(__file__).parents[2]


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


def peak() -> int:
    """The most memory that this process has held, KiB.

    ``ru_maxrss`` would count what it held before it executed another program: all of its parent's.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def ended_as(outcomes: Iterable[Outcome]) -> str:
    """``1382 pass, 120 deviates``."""
    counts = Counter(outcomes)
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())


def output_of(words: Sequence[str], what: str) -> bytes:
    """What a process of ours writes, which must succeed; ``what`` it is, for a sentence.

    Python may keep what it compiles, as it does for anybody, whatever this environment says.
    """
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = processes.run(
        words,
        _LONGEST,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    if not done.returncode:
        return bytes(done.stdout)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    last = lines[-1].removeprefix("conformance: ") if lines else "no reason given"
    if done.returncode == Exit.BROKEN:
        raise EnvironmentProblem(last)
    raise CaseError(f"{what} ended with {done.returncode}: {last}")
