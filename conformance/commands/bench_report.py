"""What a site of ten thousand cases costs: its time, its processor, its memory.

The record is made of the set's plays on the reference, once more under other names until there
are enough: each of them is a case of its own, with a page of its own.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from conformance.case.model import Case
from conformance.commands.measure import COMMAND, Figure, Stopwatch, output_of
from conformance.play.record import Record
from conformance.report.jsonlines import dump
from conformance.targets import open_target
from conformance.targets.names import Chosen
from conformance.targets.runs.schedule import play
from conformance.targets.runs.selection import choose

_CASES: Final = 10_000


def site(cases: Sequence[Case], share: int) -> Iterator[Figure]:
    """Measure the command, from its start to its end."""
    count = _CASES // share
    with TemporaryDirectory(prefix="conformance-bench-") as folder:
        record, pages = Path(folder, "run.jsonl"), Path(folder, "site")
        _write(record, cases, count)
        size = record.stat().st_size / 1e6
        with Stopwatch() as clock:
            output_of([*COMMAND, "report", str(record), "--html", str(pages)], "a report")
        front = (pages / "index.html").stat().st_size / 1e3
        files = sum(1 for _ in (pages / "case").iterdir())
    how = f"report --html of {size:.0f} MB; {files} pages of cases, a front page of {front:.0f} kB"
    yield Figure(f"a site of {count} cases", clock.wall, "s", how)
    yield Figure("its processor", clock.cpu, "s", "with children")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    yield Figure("its memory", peak, "MiB", "peak of the largest of its processes")


def _write(path: Path, cases: Sequence[Case], count: int) -> None:
    """So many cases over IPv4, which differ in their names where there are not as many."""
    written: list[str] = []

    def ended(_: object, record: Record) -> None:
        written.append(dump(record))

    with open_target("reference") as target:
        jobs = [job for job in choose(map(Chosen, cases), target.profile).jobs if job.ip == 4]
        play(target, jobs[:count], ended)
    with path.open("w", encoding="ascii") as file:
        for number in range(count):
            again, one = divmod(number, len(written))
            told = written[one]
            for name in ("id", "case"):
                told = told.replace(f'"{name}":"', f'"{name}":"set-{again}/', 1)
            file.write(told)
