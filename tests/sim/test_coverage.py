"""What the cases verify: told, held to their plays, and compared with the committed snapshot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.requirements.catalogue import catalogue

CASES = Path(__file__).parents[2] / "cases"
CASE = """\
title: T
verifies: [{claims}]
given: established
steps:
  - send:    ACK seq=1 ack=1 len=1
  - expect:  ACK seq=1 ack=2
"""


@pytest.mark.long
def test_the_snapshot_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage"]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == (CASES / "coverage.txt").read_text(encoding="utf-8")


def test_a_stale_snapshot_is_one_sentence_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    smoke, snapshot = str(CASES / "smoke"), tmp_path / "snapshot.txt"
    assert main(["coverage", smoke]) == 0
    lines = capsys.readouterr().out.splitlines()
    for number, stale in (
        (0, None),
        (3, [*lines[:2], f"{lines[2]} and more", *lines[3:]]),
        (len(lines) + 1, [*lines, "more"]),
        (len(lines), lines[:-1]),
    ):
        snapshot.write_text("".join(f"{line}\n" for line in stale or lines), encoding="utf-8")
        assert main(["coverage", smoke, "--check", str(snapshot)]) == (2 if stale else 0)
        out, err = capsys.readouterr()
        assert out.count("\n") == (not stale)
        if stale:
            assert err.startswith(f"conformance: {snapshot}:{number}: the snapshot is stale: this")
            assert err.count("\n") == 1
    assert main(["coverage", smoke, "--check", "none.txt"]) == 2
    assert "--check none.txt cannot be read: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("claims", "status", "said"),
    [
        ("rfc9293/EV-ESTABLISHED-TEXT", 0, ""),
        ("rfc9293/MUST-12", 0, ""),
        (
            "rfc9293/EV-CLOSING-FIN-AGAIN",
            2,
            "rfc9293/EV-CLOSING-FIN-AGAIN is claimed, and no play on the reference brings FIN to "
            "CLOSING",
        ),
    ],
)
def test_a_claim_that_no_play_bears_out_is_a_fault(
    tmp_path: Path, claims: str, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fragments").symlink_to(CASES / "fragments")
    file = tmp_path / "case.yaml"
    file.write_text(CASE.format(claims=claims))
    assert main(["coverage", str(file)]) == status
    assert said in capsys.readouterr().err


def test_a_program_gets_every_rule_with_its_cases_and_how_they_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["coverage", "--format", "json", "--target", "reference", str(CASES / "smoke")]
    assert main(words) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {one.id for one in catalogue().values() if one.applicable}
    row = rows["rfc9293/EV-LAST-ACK-ACK-FIN"]
    assert (row["state"], row["event"]) == ("LAST-ACK", "ACK")
    assert row["cases"] == ["smoke/handshake-and-close"]
    assert row["outcomes"] == {"pass": 2}
    assert rows["rfc9293/MUST-2"]["cases"] == ["watched in every case: checksum"]


@pytest.mark.long
def test_what_cannot_be_seen_is_told_apart_and_never_claimed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["coverage", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows if row["unseen"] and row["cases"]] == []
    assert main(["coverage", str(CASES / "smoke")]) == 0
    holes, unseen = capsys.readouterr().out.split("\nwhat no case can show: ")
    assert "  rfc9293/SHLD-13  SHOULD NOT: advice to applications" in unseen
    assert "rfc9293/SHLD-13" not in holes
