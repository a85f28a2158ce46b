"""``run --code-coverage DIR``: what ran of a kernel's TCP, and of a patch.

In the directory are then ``coverage.info`` (lcov's), ``files.txt``, ``functions.txt`` and the
counters themselves, which each run begins anew; with ``--of``, ``patch.txt``: its lines, how often
each ran and by which cases.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from conformance import files
from conformance.commands.code_by_case import by_case
from conformance.commands.output import note, say
from conformance.errors import CaseError, ConformanceError, EnvironmentProblem, TargetError
from conformance.kernel import gcov
from conformance.kernel.store import BuiltKernel, find
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.code import functions, gathered, lcov, table
from conformance.report.patch import Line, Patch
from conformance.targets import KERNEL, Wanted, is_kernel, open_target
from conformance.targets.base import Job, outcome_of
from conformance.targets.names import job_id, sentence

_COUNTERS: Final = "counters"
_WRITTEN: Final = ("coverage.info", "files.txt", "functions.txt", "patch.txt")


class Counted:
    """Where guests add what ran, and which jobs they played."""

    def __init__(self, counters: Path) -> None:
        self.counters = counters
        self.jobs: list[Job] = []

    def take(self, record: Record) -> None:
        """One of them has ended."""
        if outcome_of(record) is not Outcome.SKIPPED:
            self.jobs.append(Job(record.case, record.addressing.ip, record.addressing.isn))


@contextmanager
def counted(
    place: str | None, patch: str | None, names: Sequence[str], wanted: Wanted, *, json: bool
) -> Iterator[Counted]:
    """What a run counts; what that came to is written at the end of a whole run.

    ``wanted``: how its kernel is opened, to play cases of it again. Raises CaseError for what
    cannot be counted.
    """
    if place is None:
        raise CaseError("--of is for --code-coverage DIR, which counts what ran of the patch")
    measure = _Measure.of(Path(place), patch, names)
    run = Counted(measure.begin())
    yield run
    if not gcov.any_left(run.counters):
        note("nothing is counted: no guest has run to its end")
        return
    told = measure.end(run.jobs, wanted)
    note(told) if json else say(told)


@dataclass(frozen=True, slots=True)
class _Measure:
    """One kernel, the place of its counters, and its source."""

    kernel: BuiltKernel
    place: Path
    patch: Patch | None
    sources: Mapping[str, str]

    @staticmethod
    def of(place: Path, patch: str | None, names: Sequence[str]) -> _Measure:
        """Raises CaseError for what cannot be counted."""
        kernels = [name for name in names if is_kernel(name)]
        if len(kernels) != 1:
            wrong = "none is named" if not kernels else f"{len(kernels)} are named"
            raise CaseError(f"--code-coverage is for one kernel in virtual time, and {wrong}")
        kernel = find(kernels[0].removeprefix(KERNEL))
        gcov.require(kernel)
        home = gcov.source(kernel)
        sources = {
            str(path.relative_to(home)): path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(home.rglob("*.[ch]"))
        }
        asked = None
        if patch is not None:
            asked = Patch.read(_text(patch), patch)
            asked.require(sources)
        return _Measure(kernel, place, asked, sources)

    def begin(self) -> Path:
        """An empty directory for the counters."""
        counters = self.place / _COUNTERS
        with _writing(self.place, CaseError):
            if counters.exists():
                shutil.rmtree(counters)
            counters.mkdir(parents=True)
            for name in _WRITTEN:  # of an earlier run
                (self.place / name).unlink(missing_ok=True)
            files.try_to_write_in(self.place)
        return counters

    def end(self, jobs: Sequence[Job], wanted: Wanted) -> str:
        """Write it all; the table, and what ran of the patch."""
        code = gathered(gcov.read(self.kernel, self.place / _COUNTERS), self.sources)
        compiled = {name: text for name, text in self.sources.items() if name.endswith(".c")}
        files_told, patch_told = table(code), ""
        written = {
            "coverage.info": lcov(code, str(gcov.source(self.kernel))),
            "files.txt": files_told,
            "functions.txt": functions(code, compiled),
        }
        if self.patch is not None:
            cases = self._cases(self.patch, self.patch.reached(code), jobs, wanted)
            patch_told = "\n" + self.patch.told(code, self.sources, cases)
            written["patch.txt"] = patch_told.lstrip()
        with _writing(self.place, EnvironmentProblem):
            for name, text in written.items():
                files.write_text(self.place / name, text)
        return f"\n{files_told}{patch_told}\n{', '.join(written)} are in {self.place}"

    def _cases(
        self, patch: Patch, lines: Sequence[Line], jobs: Sequence[Job], wanted: Wanted
    ) -> Mapping[Line, Sequence[str]]:
        """Which cases reach each line: some of the jobs are played again, fewer and fewer."""
        if not lines:
            return {}
        note(f"which cases reach {len(lines)} lines of {patch.place}: they are played again")
        target = self.kernel.target
        try:
            return by_case(
                jobs,
                lines,
                lambda some: self._reached(patch, some, wanted),
                lambda job: job_id(job, target),
            )
        except (TargetError, EnvironmentProblem) as problem:
            note(f"which cases reach them is not known: {sentence(problem)}")
            return {}

    def _reached(self, patch: Patch, jobs: Sequence[Job], wanted: Wanted) -> Sequence[Line]:
        """The lines of the patch that guests of their own ran, which played these."""
        with TemporaryDirectory(prefix="conformance-counters-") as place:
            mine = replace(wanted, counters=Path(place), console=None)
            with open_target(f"{KERNEL}{self.kernel.name}", mine) as target:
                target.run(jobs, lambda *_: None)
            if not gcov.any_left(Path(place)):
                return ()
            found = gcov.read(self.kernel, Path(place), patch.files)
            return patch.reached(gathered(found, self.sources))


def _text(place: str) -> str:
    try:
        return files.read(place).decode(errors="replace")
    except OSError as error:
        raise CaseError(f"--of {place} cannot be read: {files.reason(error)}") from None


@contextmanager
def _writing(place: Path, problem: type[ConformanceError]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = files.reason(error)
        raise problem(f"--code-coverage {place} cannot be written: {why}") from None
