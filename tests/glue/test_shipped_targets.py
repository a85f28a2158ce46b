"""Every shipped stack plays every case, and every case ends as it is known to.

Where time is real a busy machine may come to no verdict: that is none, neither good nor bad.
A stack that is not built is skipped and says how to get it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from conformance.targets.built import missing
from conformance.targets.file_model import Clock
from conformance.targets.shipped import SHIPPED, find

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SHIPPED)
def test_every_case_ends_as_it_is_known_to(name: str) -> None:
    if lacks := missing(find(name)):
        pytest.skip(f"NOT PLAYED ON {name}: {lacks}")
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "run", "--target", name, "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    *rows, summary = map(json.loads, done.stdout.splitlines())
    ends = Counter(row["outcome"] for row in rows)
    none = {"inconclusive"} if find(name).clock is Clock.REAL else set()
    good = {"pass", "deviates", "skipped"} | none
    bad = {row["id"]: row["reason"] for row in rows if row["outcome"] not in good}
    status = 1 if ends["inconclusive"] else 0
    assert (bad, done.returncode) == ({}, status), done.stderr
    assert summary["outcomes"]["pass"] > len(rows) / 4
