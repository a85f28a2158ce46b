"""A run whose processes are stopped for 5 to 80 ms at random: no verdict of it is false.

The kernel is right in all these cases, so whatever fails here is the harness's own fault. Each is
played many times at once, so that a stop meets it at every step; with a harness that takes the
end of a call for its cause, or that knows no lateness but its own, some fail in each run.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from conformance.case.lint import every_step
from conformance.commands.choice import chosen
from conformance.commands.disturb import WHO, of_run, stops
from conformance.errors import EnvironmentProblem
from conformance.play.estimate import least
from conformance.processes import children
from conformance.targets import open_target

SEED = 9293
SHORT = 1.0  # seconds: a case may take so long
TIMES = 4
CALLS = ("rfc9293/3.8-data/", "rfc9293/3.6-close/", "rfc6298/")


@pytest.fixture(scope="module")
def timed() -> list[str]:
    """The ids of short cases with a bound from below, where a timer may have begun with a call."""
    try:
        with open_target("linux") as target:
            profile = target.profile
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))
    found = []
    for case in (one.case for one in chosen([])):
        bounds = [step.within for step in every_step(case.all_steps)]
        early = any(bound and bound.low for bound in bounds)
        if early and case.id.startswith(CALLS) and least(case, profile) < SHORT:
            found.append(case.id)
    assert len(found) > 5
    return found


@pytest.mark.parametrize("who", WHO[1:])
def test_no_stop_makes_a_false_verdict(timed: list[str], who: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("play_many.py")
    command = [sys.executable, str(script), str(TIMES), *timed]
    with (tmp_path / "out").open("w+b") as out:
        run = subprocess.Popen(command, stdout=out)
        try:
            count = stops([run], who, random.Random(SEED))
        finally:
            run.kill()
            run.wait()
        out.seek(0)
        cases = [json.loads(line) for line in out]
    told = Counter(end["outcome"] for end in cases)
    wrong = [end for end in cases if end["outcome"] in ("fail", "blocked", "error")]
    assert not wrong, wrong
    assert count > 0
    assert len(cases) == TIMES * len(timed)
    assert told["pass"] > 0


def test_only_what_a_run_started_is_stopped() -> None:
    middle = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    process = subprocess.Popen(
        [sys.executable, "-c", middle], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        server = of_run(process.pid, "netns server")
        while not server:
            server = of_run(process.pid, "netns server")
        assert of_run(process.pid, "harness") == [process.pid]
        assert server == children(process.pid)
        assert os.getpid() not in of_run(process.pid, "all")
        assert of_run(process.pid, "nobody") == []
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
    assert children(process.pid) == []
