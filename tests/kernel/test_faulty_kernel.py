"""A kernel with a deliberate fault: the case that guards the place fails there, its neighbour not.

This is the README's tutorial as a test. It builds a kernel, minutes long, or seconds where ccache
has seen one like it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.errors import EnvironmentProblem
from conformance.kernel import build
from conformance.kernel.source import Source

ROOT = Path(__file__).parents[2]
NAME = "fault-time-wait"
PLACE = "net/ipv4/tcp_minisocks.c"
# In TIME-WAIT a segment that is not acceptable restarts the timer: so does a FIN that comes again.
RESTART = """\t\tif (paws_reject || th->ack)
\t\t\tinet_twsk_reschedule(tw, TCP_TIMEWAIT_LEN);

"""
GUARD = "cases/rfc9293/3.6.1-time-wait/fin-again-restarts.yaml"
NEIGHBOUR = "cases/rfc9293/3.6.1-time-wait/lasts-2msl.yaml"


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A source tree of Linux 6.12 whose TIME-WAIT is not restarted."""
    tree = tmp_path / "linux"
    tree.mkdir()
    try:
        build.check_tools()
        Source.of("6.12").fill(tree)
    except EnvironmentProblem as problem:
        pytest.skip(f"NO KERNEL CAN BE BUILT, so its fault is not found: {problem}")
    text = (tree / PLACE).read_text(encoding="utf-8")
    assert text.count(RESTART) == 1
    (tree / PLACE).write_text(text.replace(RESTART, ""), encoding="utf-8")
    return tree


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With a cache of kernels of its own, but the user's cache of objects."""
    changed = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    if shutil.which("ccache"):
        asked = subprocess.run(
            ["ccache", "--get-config", "cache_dir"], capture_output=True, text=True, check=True
        )
        changed["CCACHE_DIR"] = asked.stdout.strip()
    return changed


def conformance(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance.cli", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )


@pytest.mark.timeout(3600)
def test_the_fault_is_found_by_its_case_alone(faulty: Path, environment: dict[str, str]) -> None:
    built = conformance(environment, "kernel", "build", str(faulty), "--name", NAME)
    assert built.returncode == 0, built.stderr
    played = conformance(
        environment, "run", "--kernel", NAME, "--json", str(ROOT / GUARD), str(ROOT / NEIGHBOUR)
    )
    rows = [json.loads(line) for line in played.stdout.splitlines()]
    outcomes = {
        (Path(row["case"]).name.partition("@")[0], row["ip"]): (row["outcome"], row["reason"])
        for row in rows
        if row["type"] == "case"
    }
    found = {outcome for (case, _), (outcome, _) in outcomes.items() if "fin-again" in case}
    beside = {outcome for (case, _), (outcome, _) in outcomes.items() if "lasts-2msl" in case}
    assert (found, beside, played.returncode) == ({"fail"}, {"pass"}, 1), played.stderr
