"""A Linux kernel in virtual time as a target: the cases are played in guests, judged here.

Rules:

- One guest on each processor; each gets its share of the jobs and plays it as a run of its own,
  with the smoke cases that it holds first. What comes back are events; they are judged again here,
  with the cases of this process, and everything that is reported is drawn from that.
- Waiting costs nothing in a guest, so few cases run at once there: more would take memory and win
  no time.
- A guest that dies takes no other case with it: what it had not told is played again in a new one,
  until the case that kills it is found. That one is an error.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from conformance.errors import CaseError, EnvironmentProblem, TargetError
from conformance.kernel import guest, store
from conformance.kernel.console import Console
from conformance.kernel.in_guest.init import HERE
from conformance.kernel.words import appended, check
from conformance.play.conversation import Conversation
from conformance.play.profile import Ability
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Outcome
from conformance.report import jsonlines
from conformance.steps import RUNNERS
from conformance.targets.base import Done, Job, WholeRuns
from conformance.targets.kinds.linux import profile
from conformance.targets.runs.orders import Orders
from conformance.targets.runs.rejudge import judge
from conformance.targets.runs.schedule import is_smoke

PREFIX: Final = "linux-"
_AT_ONCE: Final = 4
_FEW: Final = 8  # jobs that are not worth a second guest
_MOST_DEATHS: Final = 4  # a kernel that dies more often is not worth the time
_SUSPECTS: Final = 16
_ORDERS: Final = "orders"
# Asking for memory takes a microsecond, and when it is asked for depends on what was freed before.
_ONE_HEAP: Final = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.top_pad=134217728:glibc.malloc.trim_threshold=268435456:"
    "glibc.malloc.mmap_threshold=33554432",
}
_NO_RECORD: Final = "The guest tells what is no record of a run."
_KEPT: Final = ("PYTHONHOME", "LD_LIBRARY_PATH")
_WALL: Final = (60.0, 2.0)  # seconds for a guest, and for each of its jobs; it needs 0.1


class KernelTarget(WholeRuns):
    """One built kernel. Nothing is held between two runs: each has fresh guests."""

    def __init__(
        self,
        version: str,
        seed: int | None = None,
        append: Sequence[str] = (),
        console: Console | None = None,
        counters: Path | None = None,
        surroundings: str = "",
    ) -> None:
        """The kernel of this version, name or path; raises CaseError if it is not built.

        ``append``: parameters of the kernel; ``console`` takes what its guests say;
        ``counters`` is where they add what ran of it, if it counts. ``surroundings``: their name.
        """
        self._kernel = store.find(version)
        self._seed, self._append, self._console = seed, appended(append), console
        self._counters = counters
        check(self._kernel, self._append)
        self._facts = {
            "kernel": str(self._kernel.facts["release"]),
            "hz": str(self._kernel.facts["hz"]),
            "config": str(self._kernel.facts.get("config", "not known")),
            **({} if seed is None else {"seed": str(seed)}),
            **({"append": " ".join(self._append)} if append else {}),
            **({"surroundings": surroundings} if surroundings else {}),
        }
        self.profile = profile(self._kernel.target, frozenset(Ability), self._facts)

    def run(self, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
        """Play the jobs; a job that is inconclusive there is played again there."""
        self.play(jobs, done, at_once)

    def play(
        self,
        jobs: Sequence[Job],
        done: Done,
        at_once: int | None = None,
        again: Done | None = None,
    ) -> list[Record]:
        """Play the jobs with all that belongs to a run, as ``plan.play`` has it."""
        in_order = sorted(jobs, key=lambda job: not is_smoke(job))  # as a guest plays them
        batch = _Batch(in_order, done, again, ordered=self._seed is not None)
        try:
            self._play(batch, at_once or _AT_ONCE)
        finally:
            batch.close()
        return batch.damaged

    def _play(self, batch: _Batch, at_once: int) -> None:
        for last in reversed(range(_MOST_DEATHS)):
            shares = _shares(batch.waiting, len(os.sched_getaffinity(0)))
            died = self._round(batch, shares, at_once)
            if died is None:
                break
            if not last:
                raise died
            self._find_culprit(batch, died)

    def _find_culprit(self, batch: _Batch, died: TargetError) -> None:
        """Narrow it down, then play each suspect in a guest of its own.

        What a guest said last is lost when it dies, so the first that is waiting may be innocent.
        """
        if self._round(batch, [list(batch.waiting)], 1) is None:
            return
        for job in batch.waiting[:_SUSPECTS]:
            again = self._round(batch, [[job]], 1)
            if again is not None:
                to = Addressing(ip=job.ip, isn=job.isn)
                talk = Conversation(job.case, self.profile, RUNNERS, to)
                talk.abandon(Outcome.ERROR, str(again).rstrip("."), again.owner)
                batch.end(job, talk.record)
                return
        raise died

    def _round(self, batch: _Batch, shares: list[list[Job]], at_once: int) -> TargetError | None:
        """Play each share in a guest of its own; how the first of those died that did."""
        commands = []
        for share in shares:
            orders = Orders(self._kernel.target, self._facts, share, at_once)
            commands.append(self._command(orders, _Reader(batch, share).take))
        for ended in guest.run_all(self._kernel, commands):
            if isinstance(ended, TargetError):
                return ended
            if ended:
                return TargetError(f"The harness ended with status {ended} in the guest.")
        return None

    def _command(self, orders: Orders, out: Callable[[bytes], None]) -> guest.GuestCommand:
        return guest.GuestCommand(
            [sys.executable, "-P", "-m", "conformance.targets.in_guest.run", f"{HERE}/{_ORDERS}"],
            environment={**_environment(), **({} if self._seed is None else _ONE_HEAP)},
            cwd=Path("/"),
            bounds=guest.GuestBounds(wall=_WALL[0] + _WALL[1] * len(orders.jobs)),
            seed=self._seed,
            append=self._append,
            files={_ORDERS: pickle.dumps(orders)},
            console=self._console.guest(self._kernel.target) if self._console else None,
            counters=self._counters,
            out=out,
        )


def _environment() -> dict[str, str]:
    """What Python needs, and nothing else of where and by whom this is run."""
    home = str(Path(__file__).parents[3])
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    paths = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", **kept, "PYTHONPATH": paths}


def _shares(jobs: Sequence[Job], processors: int) -> list[list[Job]]:
    """The jobs for each guest; neighbours are of one length, so they are dealt out in turn."""
    count = 1 if len(jobs) <= _FEW else processors
    return [list(jobs[first::count]) for first in range(count)]


class _Batch:
    """The jobs of one run, and what has been told of them: as it comes, or ordered as the jobs."""

    def __init__(
        self, jobs: Sequence[Job], done: Done, again: Done | None, *, ordered: bool
    ) -> None:
        self.waiting = list(jobs)
        self._damaged: list[Record] = []
        self._done, self._again = done, again
        self._untold = list(jobs) if ordered else []
        self._held: dict[int, tuple[Job, Record]] = {}

    @property
    def damaged(self) -> list[Record]:
        """The smoke cases that did not pass again, of all guests."""
        return sorted(self._damaged, key=lambda record: (record.case.id, record.addressing.ip))

    def told(self, what: str, job: Job, record: Record) -> None:
        """One record has come."""
        if what == "damaged":
            self._damaged.append(record)
        elif what == "again" and self._again is not None:
            self._again(job, record)
        elif what == "done":
            self.end(job, record)

    def end(self, job: Job, record: Record) -> None:
        """The last word on a job."""
        self.waiting = [one for one in self.waiting if one is not job]
        self._held[id(job)] = job, record
        while self._untold and id(self._untold[0]) in self._held:
            self._done(*self._held.pop(id(self._untold.pop(0))))
        if not self._untold:
            self.close()

    def close(self) -> None:
        """Tell what is held back."""
        while self._held:
            self._done(*self._held.pop(next(iter(self._held))))


class Crash(Exception):
    """A bug of the harness, in a guest; its traceback there."""

    def __init__(self, traceback: str) -> None:
        *_, last = traceback.strip().splitlines() or [""]
        super().__init__(f"{last} (in a guest)\n\n{traceback}")


def _ended(line: str) -> Exception:
    """Why the harness could not go on in the guest."""
    try:
        told = json.loads(line)
    except ValueError:
        return EnvironmentProblem(_NO_RECORD)
    if "traceback" in told:
        return Crash(str(told["traceback"]))
    return EnvironmentProblem(f"In the guest: {told.get('sentence')}")


class _Reader:
    """What one guest tells, octet by octet, to records."""

    def __init__(self, batch: _Batch, jobs: Sequence[Job]) -> None:
        self._batch, self._jobs = batch, jobs
        self._rest = b""
        self._lines: list[str] = []
        self._what, self._job = "", -1

    def take(self, data: bytes) -> None:
        """Some more of it; nothing at its end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if text.startswith('{"type": "played"'):
                header = json.loads(text)
                self._what, self._job = str(header["what"]), int(header["job"])
                self._lines = []
                continue
            if text.startswith('{"type": "ended"'):
                raise _ended(text)
            self._lines.append(text)
            if text.startswith('{"type":"verdict"'):
                self._tell()

    def _tell(self) -> None:
        try:
            (loaded,) = jsonlines.read(self._lines, "the guest")
            job = self._jobs[self._job]
            record = judge(job.case, loaded)
        except (CaseError, ValueError, IndexError):
            raise EnvironmentProblem(_NO_RECORD) from None
        self._batch.told(self._what, job, record)
