"""When what is played: jobs to final records.

Rules:

- The smoke cases are played first, and once more at the end when there was anything else: a
  target that was damaged on the way is found out.
- The longest begin first, so that the last to end is not the last to begin.
- Cases that allow us little lateness are played last, with few beside them.

Nothing here prints. The command line and the pytest plugin both stand on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conformance.play.estimate import least, most
from conformance.play.profile import Profile
from conformance.play.record import Record
from conformance.play.script import allowed
from conformance.play.verdict import Outcome
from conformance.targets.base import Done, Job, Target, WholeRuns, outcome_of, refusal, settled
from conformance.targets.names import job_id
from conformance.targets.runs.rerun import FEW, RERUNS, repeat

SMOKE: Final = "smoke/"
_LONG: Final = 60.0  # seconds of real time of which a user should know beforehand
_UNITS: Final = (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0))
_TIGHT: Final = 0.02  # seconds of lateness; a hundred cases at once cost as much on two cores
_PATIENCE: Final = 30.0  # seconds that labs may take to open and close on a busy machine
_IN_PARALLEL: Final = 8  # cases that any machine plays at once


def play(
    target: Target,
    jobs: Sequence[Job],
    done: Done,
    at_once: int | None = None,
    again: Done | None = None,
) -> list[Record]:
    """Play the jobs; ``done`` gets each final record as its job ends.

    ``again`` is told of each job that will be played again. Returned: the smoke cases that
    passed at the beginning and did not at the end.
    """
    if isinstance(target, WholeRuns):
        return target.play(jobs, settled(target, done), at_once, again)
    open_ends: list[tuple[Job, Record]] = []
    sound: list[Job] = []

    def ended(job: Job, record: Record) -> None:
        outcome = outcome_of(record)
        if outcome is Outcome.INCONCLUSIVE:
            open_ends.append((job, record))
            if again is not None:
                again(job, record)
            return
        if is_smoke(job) and outcome is Outcome.PASS:
            sound.append(job)
        done(job, record)

    play_once(target, jobs, ended, at_once)
    repeat(target, open_ends, done, at_once)
    return _no_longer_sound(target, sound) if len(jobs) > len(sound) else []


def play_once(target: Target, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
    """Play each job once: the smoke cases, the rest, the longest first, and the tight ones."""
    done = settled(target, done)
    if isinstance(target, WholeRuns):
        target.run(jobs, done, at_once)
        return
    smoke = [job for job in jobs if is_smoke(job)]
    rest = [job for job in jobs if not is_smoke(job)]
    tight: list[Job] = []
    if not target.profile.virtual:
        rest.sort(key=lambda job: -least(job.case, target.profile))
        tight = [job for job in rest if _is_tight(job, target.profile)]
        rest = [job for job in rest if not _is_tight(job, target.profile)]
    few = min(at_once or FEW, FEW)
    for batch, most_at_once in ((smoke, at_once), (rest, at_once), (tight, few)):
        if batch:
            target.run(batch, done, most_at_once)


def _is_tight(job: Job, profile: Profile) -> bool:
    return allowed(job.case, profile).quiet <= _TIGHT


def longest(job: Job, profile: Profile) -> float:
    """Seconds of real time after which the job has ended, with its reruns, or hangs."""
    once = _PATIENCE + (0.0 if profile.virtual else most(job.case, profile))
    return once * (1 + RERUNS)


def beforehand(jobs: Sequence[Job], profile: Profile) -> str:
    """What is to be said of a job that will take minutes of real time; empty where none will."""
    times = [(least(job.case, profile), job) for job in jobs if not refusal(job, profile)]
    seconds, job = max(times, default=(0.0, None), key=lambda one: one[0])
    if profile.virtual or job is None or seconds < _LONG:
        return ""
    unit, size = next(pair for pair in _UNITS if seconds >= pair[1])
    return f"{job_id(job, profile.name)} takes {seconds / size:.1f} {unit} at least"


def longest_of(jobs: Sequence[Job], profile: Profile) -> float:
    """The same of jobs that are played together, each once."""
    if profile.virtual:
        return _PATIENCE + len(jobs)
    times = [most(job.case, profile) for job in jobs]
    return _PATIENCE + 2 * max(times, default=0.0) + sum(times) / _IN_PARALLEL


def is_smoke(job: Job) -> bool:
    """Whether the job is one of those that are played first."""
    return job.case.id.startswith(SMOKE)


def _no_longer_sound(target: Target, jobs: Sequence[Job]) -> list[Record]:
    bad: list[Record] = []

    def ended(_: Job, record: Record) -> None:
        if outcome_of(record) in (Outcome.FAIL, Outcome.BLOCKED, Outcome.ERROR):
            bad.append(record)

    if jobs:
        target.run(jobs, settled(target, ended))
    return bad
