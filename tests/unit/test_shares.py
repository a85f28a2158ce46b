"""Many files read by several processes: the same cases, faults and texts as by one.

Who runs tests has threads of its own, and is not forked: each test reads in a fresh Python.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "cases"
BOTH = """
import os, signal, sys
from pathlib import Path
from conformance.case.load import load as by_one
from conformance.commands import shares
from conformance.targets.names import vocabulary

os.sched_getaffinity = lambda _: set(range(3))
started, told = [], []
start, tell = shares._started, shares._told
shares._started = lambda *share: started.append(start(*share)) or started[-1]
shares._told = lambda *one: told.append(tell(*one)) or told[-1]
{before}
paths, known, texts, same = [Path(sys.argv[1])], vocabulary(), dict(), dict()
found = shares.load(paths, known, texts)
print(len(started), [bool(one) for one in told], end=" ")
print(found == by_one(paths, None, known, same), texts == same, len(found[1]))
"""
KILLED = """
shares.PATIENCE, read, me = 2, shares._read, os.getpid()
shares._read = lambda share, known: {}
"""
DIES = "read(share, known) if os.getpid() == me else {}"


def both(path: Path, before: str = "") -> str:
    """How many processes were started, whether each told, and whether all is as by one process."""
    script = BOTH.replace("{before}", before)
    done = subprocess.run(
        [sys.executable, "-c", script, path],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout.strip() + done.stderr


def test_the_shipped_cases_are_the_same_however_many_read_them() -> None:
    assert both(ROOT) == "2 [True, True] True True 0"


def test_faults_are_told_in_the_order_of_the_files(tmp_path: Path) -> None:
    for number in range(120):
        step = "expect: ACK" if number % 7 else "expect: NONSENSE"
        text = f"title: T\nsteps:\n  - {step}\n"
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    assert both(tmp_path) == "2 [True, True] True True 18"


def test_a_few_files_start_no_process(tmp_path: Path) -> None:
    for number in range(99):
        (tmp_path / f"{number}.yaml").write_text("title: T\nsteps:\n  - expect: ACK\n")
    assert both(tmp_path) == "0 [] True True 0"


def test_none_of_them_outlives_the_command_when_it_is_killed() -> None:
    """Each has the standard error of the command: its end is the end of all."""
    dies = "shares._read = lambda share, known: os.kill(me, signal.SIGKILL) or read(share, known)"
    assert both(ROOT, f"read, me = shares._read, os.getpid()\n{dies}") == ""


@pytest.mark.parametrize(
    "end",
    ["os.kill(os.getpid(), signal.SIGKILL)", "os.kill(os.getpid(), signal.SIGSTOP)", "1 // 0"],
)
def test_the_share_of_a_process_that_comes_to_no_end_is_read_all_the_same(
    tmp_path: Path, end: str
) -> None:
    for number in range(120):
        (tmp_path / f"{number}.yaml").write_text("title: T\nsteps:\n  - expect: ACK\n")
    assert both(tmp_path, KILLED.format(DIES.format(end))) == "2 [False, False] True True 0"
