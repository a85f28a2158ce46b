"""``conformance mutate --answers``: what a case of the user's does not notice, in its own words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cli import main

HEAD = (
    "title: A case\nunwatched: [window-edge]\nsteps:\n  - call: listen() = l\n  - send: SYN seq=0\n"
)
SOUND = HEAD + "  - expect: SYN,ACK seq=0 ack=1\n  - send: ACK seq=1 ack=1\n  - silence: 1s\n"
BLIND = SOUND + "  - send: ACK seq=1 ack=1 len=9\n  - expect: ACK seq=1 ack=1..10\n"


def case(root: Path, text: str) -> str:
    file = root / "case.yaml"
    file.write_text(text)
    return str(file)


def test_a_case_that_notices_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutate", "--answers", case(tmp_path, SOUND)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "mutants of the answers in 1 case: 0 not noticed" in said.err


def test_what_is_not_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutate", "--answers", case(tmp_path, BLIND)]) == 1
    said = capsys.readouterr()
    (line,) = said.out.splitlines()
    assert line == ("case::reference-ipv4: nobody notices when ACK seq=1 ack=10 is spoilt: ack-1")
    assert "1 not noticed" in said.err


def test_for_another_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutate", "--json", "--answers", case(tmp_path, BLIND)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    row = json.loads(line)
    assert (row.pop("id"), row.pop("kind")) == ("case::reference-ipv4", "segment")
    assert row == {"answer": "ACK seq=1 ack=10", "how": "ack-1"}


def test_a_case_that_fails_by_itself_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = HEAD + "  - expect: SYN,ACK seq=0 ack=2\n"
    assert main(["mutate", "--answers", case(tmp_path, wrong)]) == 1
    assert "does not pass by itself: another segment came" in capsys.readouterr().err


def test_a_case_that_the_reference_cannot_play(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = SOUND.replace("steps:", "target: {options: {congestion-control: cubic}}\nsteps:")
    assert main(["mutate", "--answers", case(tmp_path, odd)]) == 2
    assert "no case was played on the reference" in capsys.readouterr().err
