"""Plays each of some cases many times at once on the running kernel: ``play_many.py TIMES ID...``.

One JSON line a run, as ``conformance run --json`` has them. The inconclusive are played again as in
any run, but all at once: who is disturbed all the time would take minutes to play each alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from conformance.commands.choice import chosen
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.summary import case_object
from conformance.targets import open_target
from conformance.targets.base import Job, Target, outcome_of
from conformance.targets.runs.rerun import RERUNS, one_more
from conformance.targets.runs.schedule import play_once


def played(target: Target, jobs: Sequence[Job]) -> list[tuple[Job, Record]]:
    """Each played once, all at the same time."""
    ends: list[tuple[Job, Record]] = []
    play_once(target, jobs, lambda *end: ends.append(end))
    return ends


if __name__ == "__main__":
    cases = [one.case for one in chosen(sys.argv[2:])]
    with open_target("linux") as target:
        waiting = [Job(case) for _ in range(int(sys.argv[1])) for case in cases]
        before: dict[int, list[Record]] = {id(job): [] for job in waiting}
        jobs: Sequence[Job] = waiting
        for _ in range(1 + RERUNS):
            ends = played(target, jobs)
            for job, record in ends:
                if before[id(job)]:
                    one_more(record, before[id(job)])
                before[id(job)].append(record)
            jobs = [job for job, record in ends if outcome_of(record) is Outcome.INCONCLUSIVE]
    for records in before.values():
        sys.stdout.write(json.dumps(case_object(records[-1])) + "\n")
