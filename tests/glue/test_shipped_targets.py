"""Every shipped stack plays every case, and every case ends as it is known to.

A stack that is not built is skipped and says how to get it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.targets.built import missing
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
    good = ("pass", "deviates", "skipped")
    bad = {row["id"]: row["reason"] for row in rows if row["outcome"] not in good}
    assert (bad, done.returncode) == ({}, 0), done.stderr
    assert summary["outcomes"]["pass"] > len(rows) / 4
