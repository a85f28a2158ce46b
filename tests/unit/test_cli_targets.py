"""Several targets in one run: one that fails as a whole takes nothing from the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cli import main

PASSES = """\
title: An answer

steps:
  - call:    listen() = l
  - send:    SYN seq=0 <mss 1460>
  - expect:  SYN,ACK seq=0 ack=1
"""
EXITS = """\
target: exits
about: it does not start
command: ["{python}", ./exits.py]
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "passes.yaml": PASSES,
        "exits.yaml": EXITS,
        "exits.py": "import sys\nsys.exit('no heap')\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_a_target_that_does_not_start_is_told_of_and_the_others_play(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--target", "./exits.yaml,reference", "passes.yaml"]) == 3
    said = capsys.readouterr()
    assert "2 passed" in said.out
    first, last = said.err.splitlines()
    assert first.startswith("./exits.yaml is not played to the end: The glue program of exits")
    assert last.startswith("conformance: ./exits.yaml: ")
    assert "no heap" in first
    assert "no heap" in last


def test_the_same_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--json", "--target", "./exits.yaml,reference", "passes.yaml"]) == 3
    lost, *cases, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert (lost["type"], lost["target"]) == ("target", "./exits.yaml")
    assert "no heap" in lost["error"]
    assert [case["outcome"] for case in cases] == ["pass", "pass"]
    assert summary["exit_status"] == 3


def test_a_single_target_that_does_not_start_is_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--target", "./exits.yaml", "passes.yaml"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_two_targets_whose_records_would_look_the_same_are_a_mistake(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--target", "./exits.yaml,exits.yaml", "passes.yaml"]) == 2
    assert "./exits.yaml and exits.yaml are both called exits" in capsys.readouterr().err


def test_what_is_said_of_a_remote_host_is_not_ignored_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--target", "reference", "--interface", "eth9", "passes.yaml"]) == 2
    assert "are for --target ssh:HOST" in capsys.readouterr().err
