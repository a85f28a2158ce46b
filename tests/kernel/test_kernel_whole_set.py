"""Every shipped case in a kernel in virtual time, the slow ones too; any command in a guest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.kernel import store

ROOT = Path(__file__).parents[2]
SLOW = 60.0  # seconds: TIME-WAIT alone


def conformance(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance.cli", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


@pytest.mark.timeout(900)
def test_every_case_ends_as_expected(kernel: store.BuiltKernel) -> None:
    done = conformance("run", "--kernel", kernel.name, "--json")
    *rows, summary = map(json.loads, done.stdout.splitlines())
    bad = {row["id"]: row["reason"] for row in rows if row["outcome"] in ("fail", "blocked")}
    assert (bad, done.returncode) == ({}, 0), done.stderr
    listed = conformance("list", "--kernel", kernel.name)
    assert len(rows) == len(listed.stdout.splitlines())
    assert any(row["seconds"] > SLOW for row in rows)
    assert summary["outcomes"]["inconclusive"] == 0


def test_pytest_itself_runs_in_a_guest(kernel: store.BuiltKernel, tmp_path: Path) -> None:
    (tmp_path / "test_inside.py").write_text(
        "import os, time\n\n\n"
        "def test_release():\n"
        f"    assert os.uname().release == {kernel.facts['release']!r}\n\n\n"
        "def test_an_hour():\n"
        "    time.sleep(3600)\n"
    )
    junit = tmp_path / "junit.xml"
    words = ["-q", "-p", "no:cacheprovider", str(tmp_path), f"--junit-xml={junit}"]
    done = conformance(
        "kernel", "exec", kernel.name, "--writable", str(tmp_path), "--",
        sys.executable, "-m", "pytest", *words,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (suite,) = ElementTree.parse(junit).getroot()
    assert suite.attrib["tests"] == "2"
    assert float(suite.attrib["time"]) >= 3600
