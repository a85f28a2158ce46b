"""Plays each of some cases many times at once on the running kernel: ``play_many.py TIMES ID...``.

One JSON line a run, as ``conformance run --json`` has them.
"""

from __future__ import annotations

import json
import sys

from conformance.commands.choice import chosen
from conformance.commands.measure import play_all
from conformance.report.summary import case_object
from conformance.targets import open_target
from conformance.targets.base import Job

if __name__ == "__main__":
    cases = [one.case for one in chosen(sys.argv[2:])]
    with open_target("linux") as target:
        jobs = [Job(case) for _ in range(int(sys.argv[1])) for case in cases]
        for record in play_all(target, jobs):
            sys.stdout.write(json.dumps(case_object(record)) + "\n")
