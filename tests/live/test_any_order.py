"""Each case alone in a fresh guest, and many in a random order: a verdict is the case's own.

``CONFORMANCE_ALONE`` says how many are played alone, ``all`` of them if that is said (a second
each for a processor): ``CONFORMANCE_ALONE=all pytest tests/kernel/test_kernel_alone.py``. Which,
and in what order, is drawn anew each time, and told when it fails; ``CONFORMANCE_DRAW`` repeats it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.commands.choice import chosen
from conformance.kernel import store
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets import open_target
from conformance.targets.base import Job
from conformance.targets.plan import outcome_of, play_once

SOME = 24
EXPECTED = {Outcome.PASS, Outcome.DEVIATES, Outcome.SKIPPED}


NUMBER = int(os.environ.get("CONFORMANCE_DRAW") or random.randrange(1 << 32))
DRAWN = f"drawn by CONFORMANCE_DRAW={NUMBER}"


@pytest.fixture(scope="module")
def jobs() -> list[Job]:
    every = [Job(one.case, ip) for one in chosen([]) for ip in (4, 6)]
    random.Random(NUMBER).shuffle(every)
    return every


def played(kernel: store.Kernel, jobs: Sequence[Job], at_once: int = 4) -> dict[str, Outcome]:
    records: list[Record] = []
    with open_target(kernel.target) as target:
        play_once(target, jobs, lambda _, record: records.append(record), at_once)
    return {record.id: outcome_of(record) for record in records}


@pytest.mark.timeout(7200)
def test_alone(kernel: store.Kernel, jobs: Sequence[Job]) -> None:
    wanted = os.environ.get("CONFORMANCE_ALONE") or str(SOME)
    some = jobs if wanted == "all" else jobs[: int(wanted)]
    together = played(kernel, some)
    alone: dict[str, Outcome] = {}
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for outcomes in pool.map(lambda job: played(kernel, [job], 1), some):
            alone |= outcomes
    assert len(alone) == len(some)
    assert {id: (alone[id], told) for id, told in together.items() if alone[id] != told} == {}, (
        DRAWN
    )
    assert set(alone.values()) <= EXPECTED, DRAWN


@pytest.mark.timeout(900)
def test_in_a_random_order(kernel: store.Kernel, jobs: Sequence[Job]) -> None:
    outcomes = played(kernel, jobs)
    assert {id: end for id, end in outcomes.items() if end not in EXPECTED} == {}, DRAWN
