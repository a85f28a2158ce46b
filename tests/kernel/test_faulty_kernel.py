"""A kernel with a deliberate fault: the case that guards the place fails there, its neighbour not.

This is a kernel developer's cycle as a test: a tree that is kept, a patch, which of its lines ran,
the patch taken back. It builds a kernel, minutes long, or one where ccache has seen one like it;
the second build makes one file.
"""

from __future__ import annotations

import json
import os
import re
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
RESTART = "\t\tif (paws_reject || th->ack)\n"
FAULT = "\t\tif (paws_reject)\n"
NEXT = "\t\t\tinet_twsk_reschedule(tw, TCP_TIMEWAIT_LEN);\n"
UNUSED = "\t\tint unused;\n\n"
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
    (tree / PLACE).write_text(text.replace(RESTART, FAULT), encoding="utf-8")
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


def outcomes(played: subprocess.CompletedProcess[str], part: str) -> set[str]:
    rows = [json.loads(line) for line in played.stdout.splitlines()]
    return {row["outcome"] for row in rows if row["type"] == "case" and part in row["case"]}


@pytest.mark.timeout(3600)
def test_the_fault_is_found_by_its_case_alone_and_mended(
    faulty: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    words = ("kernel", "build", str(faulty), "--name", NAME, "--keep", "--coverage")
    built = conformance(environment, *words)
    assert built.returncode == 0, built.stderr
    text = (faulty / PLACE).read_text(encoding="utf-8")
    assert text.count(FAULT + NEXT) == 1
    number = text[: text.index(FAULT + NEXT)].count("\n") + 1
    patch = f"--- a/{PLACE}\n+++ b/{PLACE}\n@@ -{number} +{number} @@\n-{RESTART}+{FAULT}"
    (tmp_path / "fault.patch").write_text(patch, encoding="utf-8")
    counted = ("--code-coverage", str(tmp_path / "ran"), "--of", str(tmp_path / "fault.patch"))
    run = ("run", "--kernel", NAME, "--json", str(ROOT / GUARD), str(ROOT / NEIGHBOUR))
    played = conformance(environment, *run, *counted)
    found = [outcomes(played, "fin-again"), outcomes(played, "lasts-2msl")]
    assert (found, played.returncode) == ([{"fail"}, {"pass"}], 1), played.stderr
    assert "1 lines added: 1 ran, 0 never, 0 no code, 0 not counted" in played.stderr
    assert re.search(r"\n +by \S+/fin-again\S*::", played.stderr)
    reached = r"these nine +\d{5} +[1-9][\d.]+ % +\d{4} +[1-9][\d.]+ %"
    assert re.search(reached, (tmp_path / "ran/files.txt").read_text(encoding="utf-8"))
    assert f"{PLACE}\nFN:" in (tmp_path / "ran/coverage.info").read_text()

    mended = text.replace(FAULT + NEXT, UNUSED + RESTART + NEXT)
    (faulty / PLACE).write_text(mended, encoding="utf-8")
    again = conformance(environment, *words)
    assert again.returncode == 0, again.stderr
    assert re.search(rf"{PLACE}:{number}:\d+: warning: unused variable", again.stderr)
    played = conformance(environment, *run)
    assert (outcomes(played, ""), played.returncode) == ({"pass"}, 0), played.stderr
