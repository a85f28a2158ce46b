"""What is played, and how: cases to jobs, jobs to final records.

Rules:

- A job that takes longer than ``LONGEST`` of real time is left out unless it is asked for; the
  caller says how many were.
- The smoke cases are played first, and once more at the end when there was anything else: a
  target that was damaged on the way is found out.
- The longest begin first, so that the last to end is not the last to begin.
- An inconclusive job is played again, twice at most; its record says how often. A failure that was
  doubted is played alone and believed when it is seen a second time. What was only late is played
  again alone too, where it is many first with few beside it. Where none of the first that are
  played alone passes, being alone makes no difference, and the rest are played again together.

Nothing here prints. The command line and the pytest plugin both stand on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.play.estimate import least, most
from conformance.play.isn import isns as isns_for
from conformance.play.profile import Ability, Profile
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets.base import Done, Job, Target, WholeRuns, refusal
from conformance.targets.names import Chosen, job_id

LONGEST: Final = 10.0  # seconds of real time that a case may take without being asked for
RERUNS: Final = 2
_TRUSTED: Final = 20  # that did not pass alone either, after which the rest need not be alone
_FEW: Final = 4  # at once: a case mostly waits, so these leave the machine as idle as one does
SMOKE: Final = "smoke/"
FAILED: Final = frozenset({Outcome.FAIL, Outcome.BLOCKED, Outcome.INCONCLUSIVE})
_PATIENCE: Final = 30.0  # seconds that labs may take to open and close on a busy machine
_IN_PARALLEL: Final = 8  # cases that any machine plays at once


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs to play, and those left out because they are slow."""

    jobs: tuple[Job, ...]
    slow: tuple[Job, ...] = ()


def versions_of(text: str) -> tuple[int, ...]:
    """``4,6`` as IP versions; empty for empty."""
    words = [word.strip() for word in text.split(",")] if text else []
    if wrong := [word for word in words if word not in ("4", "6")]:
        raise CaseError(f"{wrong[0]!r} is no IP version; it is 4, 6 or 4,6")
    return tuple(sorted({int(word) for word in words}))


def versions(profile: Profile, asked: Sequence[int] = ()) -> tuple[int, ...]:
    """The IP versions to play: those asked for, else all that the target has."""
    return tuple(asked) or ((4, 6) if Ability.IPV6 in profile.abilities else (4,))


def is_slow(job: Job, profile: Profile) -> bool:
    """Whether the job takes so long on this target that it must be asked for.

    One that the target cannot play takes no time at all, and says why.
    """
    slow = not profile.virtual and least(job.case, profile) > LONGEST
    return slow and not refusal(job, profile)


def verifies(case: Case, wanted: str) -> bool:
    """Whether the case verifies a requirement of this id, with or without the RFC.

    A part of an id will do if it ends where a word of it does: ``rfc9293``, ``MUST``, ``EV-LISTEN``
    and ``T-3.8``, but ``MUST-3`` is not ``MUST-30``.
    """
    return not wanted or any(
        _begins(id, wanted) or _begins(id.partition("/")[2], wanted) for id in case.verifies
    )


def _begins(id: str, wanted: str) -> bool:
    rest = id.removeprefix(wanted)
    words_end = not rest or not rest[0].isalnum() or not wanted[-1].isalnum()
    return id.startswith(wanted) and words_end


def choose(
    chosen: Iterable[Chosen],
    profile: Profile,
    *,
    ips: Sequence[int] = (),
    isns: Sequence[str] = (),
    requirement: str = "",
    keyword: Callable[[str], bool] | None = None,
    slow: bool = False,
) -> Plan:
    """The jobs of these cases on one target, each once, in the order of the cases."""
    jobs: dict[tuple[str, str], Job] = {}
    for one in chosen:
        if one.target not in ("", profile.name) or not verifies(one.case, requirement):
            continue
        asked = isns if one.isn is None else (str(one.isn),)
        for isn, ip in product(isns_for(one.case, asked), versions(profile, ips)):
            job = Job(one.case, ip, isn)
            id = job_id(job, profile.name)
            if one.ip in (0, ip) and (keyword is None or keyword(id)):
                jobs.setdefault((one.case.path, id), job)
    left_out = {key for key, job in jobs.items() if not slow and is_slow(job, profile)}
    return Plan(
        tuple(job for key, job in jobs.items() if key not in left_out),
        tuple(jobs[key] for key in jobs if key in left_out),
    )


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
        return target.play(jobs, _settled(target, done), at_once, again)
    repeat: list[tuple[Job, Record]] = []
    sound: list[Job] = []

    def ended(job: Job, record: Record) -> None:
        outcome = outcome_of(record)
        if outcome is Outcome.INCONCLUSIVE:
            repeat.append((job, record))
            if again is not None:
                again(job, record)
            return
        if is_smoke(job) and outcome is Outcome.PASS:
            sound.append(job)
        done(job, record)

    play_once(target, jobs, ended, at_once)
    _repeat(target, repeat, done, at_once)
    return _no_longer_sound(target, sound) if len(jobs) > len(sound) else []


def play_once(target: Target, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
    """Play each job once: the smoke cases, then the rest, the longest first."""
    done = _settled(target, done)
    if isinstance(target, WholeRuns):
        target.run(jobs, done, at_once)
        return
    smoke = [job for job in jobs if is_smoke(job)]
    rest = [job for job in jobs if not is_smoke(job)]
    if not target.profile.virtual:
        rest.sort(key=lambda job: -least(job.case, target.profile))
    for batch in (smoke, rest):
        if batch:
            target.run(batch, done, at_once)


def _repeat(
    target: Target, jobs: Sequence[tuple[Job, Record]], done: Done, at_once: int | None
) -> None:
    """Play the inconclusive again: few at once, then alone until that makes no difference."""
    doubted = [one for one in jobs if _is_doubted(one[1])]
    late = [one for one in jobs if not _is_doubted(one[1])]
    if len(late) > _FEW:
        late = _once_more(target, late, done, _FEW)
    left = deque([*doubted, *late])
    trusted = 0
    while left and trusted < _TRUSTED:
        job, first = left.popleft()
        record = play_again(target, job, first)
        trusted = 0 if outcome_of(record) is Outcome.PASS else trusted + 1
        done(job, record)
    rest = list(left)
    while rest:
        rest = _once_more(target, rest, done, at_once if len(rest) > _FEW else 1)


def _is_doubted(record: Record) -> bool:
    return record.verdict is not None and record.verdict.doubted is not None


def _once_more(
    target: Target, jobs: Sequence[tuple[Job, Record]], done: Done, at_once: int | None
) -> list[tuple[Job, Record]]:
    """Play these together once more; returned are those that may be played yet again."""
    before = {id(job): record for job, record in jobs}
    ends: list[tuple[Job, Record]] = []
    again = [job for job, _ in jobs]
    target.run(again, _settled(target, lambda *end: ends.append(end)), at_once)
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
        target.run([job], _settled(target, lambda _, record: records.append(record)), 1)
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
    target.run([job], _settled(target, lambda _, record: records.append(record)), 1)
    inconclusive = outcome_of(records[-1]) is Outcome.INCONCLUSIVE
    return play_again(target, job, records[-1]) if inconclusive else records[-1]


def outcome_of(record: Record) -> Outcome:
    """How a finished record ended."""
    assert record.verdict is not None
    return record.verdict.outcome


def longest(job: Job, profile: Profile) -> float:
    """Seconds of real time after which the job has ended, with its reruns, or hangs."""
    once = _PATIENCE + (0.0 if profile.virtual else most(job.case, profile))
    return once * (1 + RERUNS)


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
        target.run(jobs, _settled(target, ended))
    return bad


def _settled(target: Target, done: Done) -> Done:
    """``done``, told what the target is known to do otherwise."""

    def ended(job: Job, record: Record) -> None:
        target.deviations.settle(record)
        done(job, record)

    return ended
