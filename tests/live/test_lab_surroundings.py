"""``--surroundings``: set on the running kernel where a case says nothing, however it is played."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.errors import EnvironmentProblem
from conformance.targets import open_target

ROOT = Path(__file__).parents[2]
# Only a target that reports duplicates (RFC 2883) passes; no-dsack has it not do so.
CASE = """\
title: T
verifies: [rfc2883/4-a]
target:
  options: {sack: on}
given: established-sack

steps:
  - send:    ACK seq=1 ack=1 len=100
  - expect:  ACK seq=1 ack=101 <>
  - send:    ACK seq=1 ack=1 len=100
    as:      again
  - expect:  ACK seq=1 ack=again.end <sack 1:101>
"""


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    try:
        open_target("linux").close()
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))
    monkeypatch.chdir(tmp_path)
    Path("cases").mkdir()
    Path("cases/reports.yaml").write_text(CASE, encoding="utf-8")
    Path("pytest.ini").write_text("[pytest]\nconformance_cases = cases\n", encoding="utf-8")
    return "cases/reports.yaml"


@pytest.mark.parametrize(("words", "status"), [((), 0), (("no-dsack",), 1)])
def test_a_run_is_in_them(
    case: str, words: tuple[str, ...], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--surroundings={name}" for name in words]
    assert main(["run", case, "--ip=4", "--record=run.jsonl", *options]) == status
    told = capsys.readouterr().out
    assert ("--surroundings no-dsack" in told) == bool(words)  # the command that repeats it
    first = json.loads(Path("run.jsonl").read_text("utf-8").splitlines()[0])
    assert first["profile"]["facts"].get("surroundings") == (words[0] if words else None)
    assert main(["list", case, "--ip=4", *options]) == 0


@pytest.mark.parametrize(("words", "status"), [((), 0), (("no-dsack",), 1)])
def test_pytest_is_in_them(case: str, words: tuple[str, ...], status: int) -> None:
    options = [f"--conformance-surroundings={name}" for name in words]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ip=4", case, *options],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=120,
    )
    assert done.returncode == status, done.stdout.decode()
