"""``target check`` reads the file of deviations as ``run`` does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from runtime import HERE

from conformance.cli import main

TARGET = f"""\
target: liar
command: ["{sys.executable}", "{HERE / "liar.py"}"]
clock: virtual
deviations: known.yaml
"""
KNOWN = """\
- because: {because}
  cases:
    smoke/handshake: ["expect: SYN,ACK seq=0 ack=1", nothing]
    mine/of-my-own: ["expect: ACK seq=1 ack=1", nothing]
"""


def check(capfd: pytest.CaptureFixture[str], place: Path, known: str) -> tuple[int, str]:
    (place / "liar.yaml").write_text(TARGET, encoding="utf-8")
    (place / "known.yaml").write_text(known, encoding="utf-8")
    status = main(["target", "check", str(place / "liar.yaml")])
    return status, capfd.readouterr().out


def test_a_case_that_is_not_shipped_is_told_and_no_fault(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, said = check(capfd, tmp_path, KNOWN.format(because="of its age"))
    assert "ok   deviations: 2 cases; not among the shipped ones: mine/of-my-own\n" in said
    assert status == 0


def test_its_faults_are_shown_and_fail_the_check(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, said = check(capfd, tmp_path, KNOWN.format(because="[no, reason]"))
    assert f"FAIL deviations: {tmp_path}/known.yaml:1:12: a reason expected" in said
    assert "    - because: [no, reason]\n               ^" in said
    assert said.endswith("1 of the steps failed: liar is not wired right yet\n")
    assert status == 1
