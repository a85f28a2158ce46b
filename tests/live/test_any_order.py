"""On each target, cases alone and in a random order: a verdict is the case's own.

Some are drawn anew each time. ``CONFORMANCE_ALONE=all`` plays every case alone and all in a
random order, which takes a kernel's guest a second for each; ``CONFORMANCE_DRAW=N`` draws as a
failure says that it was drawn::

    CONFORMANCE_ALONE=all pytest tests/live/test_any_order.py -k "alone and kernel"
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.commands.choice import chosen
from conformance.errors import EnvironmentProblem
from conformance.play.profile import Profile
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets import open_target
from conformance.targets.base import Job, outcome_of
from conformance.targets.files.build import missing
from conformance.targets.files.shipped import SHIPPED, find
from conformance.targets.runs.rerun import play_again
from conformance.targets.runs.selection import choose

NUMBER = int(os.environ.get("CONFORMANCE_DRAW") or random.randrange(1 << 32))
DRAWN = f"drawn by CONFORMANCE_DRAW={NUMBER}"
WANTED = os.environ.get("CONFORMANCE_ALONE") or "8"
IN_A_ROW = 15  # so many times more are played in one run
EXPECTED = {Outcome.PASS, Outcome.DEVIATES, Outcome.SKIPPED}
NONE = Outcome.INCONCLUSIVE  # no verdict: what a busy machine may come to where time is real

Ends = dict[str, tuple[Outcome, str]]


@pytest.fixture(scope="module", params=["reference", "linux", "kernel", *SHIPPED])
def target(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name == "kernel":
        return str(request.getfixturevalue("kernel").target)
    if name in SHIPPED and (lacks := missing(find(name))):
        pytest.skip(f"NOT PLAYED ON {name}: {lacks}")
    try:
        open_target(name).close()
    except EnvironmentProblem as problem:
        pytest.skip(f"NOT PLAYED ON {name}: {problem}")
    return name


@pytest.fixture(scope="module")
def profile(target: str) -> Profile:
    with open_target(target) as opened:
        return opened.profile


@pytest.fixture(scope="module")
def jobs(target: str, profile: Profile) -> list[Job]:
    """Those that are not slow there, shuffled."""
    with open_target(target) as opened:
        every = list(choose(chosen([]), profile, known=opened.deviations).jobs)
    random.Random(NUMBER).shuffle(every)
    return every


def some(jobs: Sequence[Job], times: int = 1) -> Sequence[Job]:
    return jobs if WANTED == "all" else jobs[: times * int(WANTED)]


def played(target: str, jobs: Sequence[Job], at_once: int | None = None) -> Ends:
    """How each ends in one run that plays them in this order."""
    records: list[Record] = []
    repeat: list[tuple[Job, Record]] = []

    def done(job: Job, record: Record) -> None:
        opened.deviations.settle(record)
        if outcome_of(record) is Outcome.INCONCLUSIVE:
            repeat.append((job, record))
        else:
            records.append(record)

    with open_target(target) as opened:
        opened.run(jobs, done, at_once)
        records += [play_again(opened, job, record) for job, record in repeat]  # settled there
    return {record.id: _end(record) for record in records}


def _end(record: Record) -> tuple[Outcome, str]:
    return outcome_of(record), record.verdict.reason if record.verdict else ""


def bad(ends: Ends, profile: Profile) -> Ends:
    expected = EXPECTED if profile.virtual else EXPECTED | {NONE}
    return {id: end for id, end in ends.items() if end[0] not in expected}


@pytest.mark.timeout(7200)
def test_alone(target: str, profile: Profile, jobs: Sequence[Job]) -> None:
    wanted = some(jobs)
    together, alone = played(target, wanted), Ends()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for ends in pool.map(lambda job: played(target, [job], 1), wanted):
            alone |= ends
    assert len(alone) == len(wanted)
    assert bad(alone, profile) == {}, DRAWN
    verdicts = {id: {together[id][0], end[0]} - {NONE} for id, end in alone.items()}
    assert {id for id, both in verdicts.items() if len(both) > 1} == set(), DRAWN
    assert any(verdicts.values())


@pytest.mark.timeout(900)
def test_in_a_random_order(target: str, profile: Profile, jobs: Sequence[Job]) -> None:
    ends = played(target, some(jobs, IN_A_ROW))
    assert ends
    assert bad(ends, profile) == {}, DRAWN
