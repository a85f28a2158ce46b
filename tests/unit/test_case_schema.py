"""The schema for editors: it accepts what the decoder accepts, and catches the usual slip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from conformance.case.schema import schema
from conformance.cli import main

CASES = Path(__file__).parents[2] / "cases"
VALIDATOR = Draft202012Validator(schema())


def errors(text: str) -> list[Any]:
    return list(VALIDATOR.iter_errors(yaml.load(text, yaml.CSafeLoader)))


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_the_committed_one_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == (CASES / "case.schema.json").read_text(encoding="utf-8")


def test_it_accepts_every_shipped_case() -> None:
    files = sorted(CASES.rglob("*.yaml"))
    assert files
    refused = {str(file): errors(file.read_text(encoding="utf-8")) for file in files}
    assert not {file: found for file, found in refused.items() if found}


@pytest.mark.parametrize(
    "text",
    [
        "title: T\n",
        "title: T\nstep: []\n",
        "title: T\nsteps: [{exspect: ACK}]\n",
        "title: T\nsteps: [{expect: ACK, for: 1s}]\n",
        "title: T\nsteps: [{expect: ACK, send: ACK}]\n",
        "title: T\nsteps: [{state: TIMEWAIT}]\n",
        "title: T\nsteps: [{send: {flag: ACK}}]\n",
        "title: T\nsteps: [{send: {flags: ACK, win: 65536}}]\n",
        "title: T\nsteps: [{icmp: {error: port-unreachabel, quotes: x}}]\n",
        "title: T\nsteps: [{either: [[{expect: ACK}]]}]\n",
        "title: T\nsteps: [{expect: ACK}]\ndeviations: {linux: [{step: x}]}\n",
    ],
)
def test_it_refuses(text: str) -> None:
    assert errors(text)
