"""A shipped stack plays every case; for the tests that say how each has to end.

Where time is real a busy machine may come to no verdict: that is none, neither good nor bad.
A stack that is not built is skipped and says how to get it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conformance.play.profile import Ability
from conformance.targets.files.build import missing
from conformance.targets.files.model import ClockKind
from conformance.targets.files.shipped import SHIPPED, find

ROOT = Path(__file__).parents[2]


def played(name: str, words: list[str]) -> tuple[list[dict[str, Any]], int, str]:
    """How each case ended, the exit status, and what was said beside it."""
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "run", "--target", name, "--json", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    *rows, _ = map(json.loads, done.stdout.splitlines())
    return rows, done.returncode, done.stderr


def of_clock(kind: ClockKind) -> list[str]:
    """The names of those whose time is of this kind."""
    return [name for name in SHIPPED if find(name).clock is kind]


def every_case_ends_as_it_is_known_to(name: str) -> None:
    """Play the whole set; fail for what ends otherwise."""
    if lacks := missing(find(name)):
        pytest.skip(f"NOT PLAYED ON {name}: {lacks}")
    file = find(name)
    both = file.clock is ClockKind.VIRTUAL and Ability.IPV6 in file.abilities
    with ThreadPoolExecutor() as pool:  # where time is virtual nobody minds the other
        runs = list(pool.map(partial(played, name), (["--ip=4"], ["--ip=6"]) if both else ([],)))
    rows = [row for ends, _, _ in runs for row in ends]
    ends = Counter(row["outcome"] for row in rows)
    none = {"inconclusive"} if file.clock is ClockKind.REAL else set()
    good = {"pass", "deviates", "skipped"} | none
    bad = {row["id"]: row["reason"] for row in rows if row["outcome"] not in good}
    assert not bad, bad
    for ended, code, said in runs:
        assert code == any(row["outcome"] == "inconclusive" for row in ended), said
    assert ends["pass"] > len(rows) / 4
