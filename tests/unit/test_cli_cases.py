"""The commands beside run: list, show, check, fmt, schema, diagram, replay."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_cli import PASSES

from conformance.cli import main
from conformance.commands.choice import chosen, each_once
from conformance.commands.replay import rebuild
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.reference.transitions import TABLE
from conformance.report.jsonlines import dump, load
from conformance.targets import open_target
from conformance.targets.base import Job
from conformance.targets.runs.rejudge import judge
from conformance.tcp.states import State

UNTIDY = PASSES.replace("  - send:    SYN", "  - send: SYN")
FAULTY = PASSES.replace("SYN,ACK", "SYN,ACKK")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# ---- list, show ----------------------------------------------------------------------------------


def test_list_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "cases/a.yaml", PASSES)
    assert main(["list", "--json", "--target=reference", "--ip=6", "cases"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["id"] == "a::reference-ipv6"
    assert row["path"] == "cases/a.yaml"
    assert row["verifies"] == ["rfc9293/MUST-5"]
    assert row["skipped"] == ""


def test_show_draws_a_case_that_was_never_played(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, "a.yaml", PASSES)
    assert main(["show", "a.yaml"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("a\nAn answer\n")
    assert "SYN,ACK seq=0 ack=1" in text
    assert "listen" in text


def test_show_of_a_fragment_and_of_a_shipped_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "fragments/established"]) == 0
    assert main(["show", "smoke/handshake"]) == 0
    assert "SYN,ACK" in capsys.readouterr().out


# ---- check, fmt, schema --------------------------------------------------------------------------


def test_check_shows_all_faults_of_all_files(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, "cases/a.yaml", FAULTY)
    write(here, "cases/b.yaml", FAULTY + "  - nonesuch:  1\n")
    write(here, "cases/c.yaml", PASSES)
    assert main(["check", "cases"]) == 2
    text, errors = capsys.readouterr()
    assert text.count("^") >= 3
    assert "cases/a.yaml:8:" in text
    assert "cases/b.yaml:9:" in text
    assert errors == "conformance: 3 faults in 2 files\n"


def test_check_of_what_is_right(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "cases/a.yaml", PASSES)
    assert main(["check", "cases"]) == 0
    assert capsys.readouterr().out == "1 case in 1 file: no faults\n"


def test_check_knows_the_requirements(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "a.yaml", PASSES.replace("MUST-5", "MUST-5555"))
    assert main(["check", "a.yaml"]) == 2
    assert "rfc9293/MUST-5555" in capsys.readouterr().out


def test_fmt(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(here, "a.yaml", UNTIDY)
    assert main(["fmt", "--check", "a.yaml"]) == 1
    assert capsys.readouterr().out == "would format a.yaml\n"
    assert path.read_text(encoding="utf-8") == UNTIDY
    assert main(["fmt", "a.yaml"]) == 0
    assert capsys.readouterr().out == "formatted a.yaml\n"
    assert main(["fmt", "--check", "a.yaml"]) == 0
    assert capsys.readouterr().out == ""


def test_fmt_leaves_what_it_cannot_read_and_formats_the_rest(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(here, "cases/a.yaml", "title: [\n")
    good = write(here, "cases/b.yaml", UNTIDY)
    (here / "cases" / "c.yaml").write_bytes(b"title: \xff\n")
    assert main(["fmt", "cases"]) == 2
    errors = capsys.readouterr().err
    assert "cases/a.yaml:" in errors
    assert "cases/c.yaml: the file is no UTF-8" in errors
    assert bad.read_text(encoding="utf-8") == "title: [\n"
    assert good.read_text(encoding="utf-8") != UNTIDY


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A TCP conformance case"


# ---- diagram -------------------------------------------------------------------------------------


def test_the_diagram_for_mermaid_has_every_state(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("stateDiagram-v2\n")
    for state in State:
        assert str(state) in text
    assert "rcv FIN / snd ACK" in text


def test_the_diagram_as_a_picture_is_xml_with_every_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["diagram", "--format", "svg"]) == 0
    root = ElementTree.fromstring(capsys.readouterr().out)
    texts = {"".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")}
    assert {str(state) for state in State} <= texts
    assert TABLE


# ---- replay --------------------------------------------------------------------------------------


def test_replay_gives_the_verdict_of_then(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "cases/a.yaml", PASSES)
    assert main(["run", "--target=reference", "cases", "--record=r.jsonl"]) == 0
    (here / "cases" / "a.yaml").unlink()
    capsys.readouterr()
    assert main(["replay", "r.jsonl"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("a::reference-ipv4\nAn answer\n")
    assert "SYN,ACK seq=0 ack=1" in text
    assert main(["replay", "--json", "r.jsonl"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["same"]) for row in rows] == [
        ("a::reference-ipv4", True),
        ("a::reference-ipv6", True),
    ]


def test_replay_of_a_failure_is_a_failure(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "a.yaml", PASSES.replace("ack=1", "ack=2"))
    assert main(["run", "--target=reference", "--ip=4", "a.yaml", "--record=r.jsonl"]) == 1
    capsys.readouterr()
    assert main(["replay", "r.jsonl"]) == 1
    text, errors = capsys.readouterr()
    assert "ack=2" in text
    assert errors == ""


def test_replay_says_when_the_verdict_was_another_one(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, "a.yaml", PASSES)
    assert main(["run", "--target=reference", "--ip=4", "a.yaml", "--record=r.jsonl"]) == 0
    lines = Path("r.jsonl").read_text(encoding="utf-8").splitlines()
    verdict = json.loads(lines[-1]) | {"outcome": "fail", "reason": "it was another day"}
    write(here, "r.jsonl", "\n".join([*lines[:-1], json.dumps(verdict)]))
    capsys.readouterr()
    assert main(["replay", "r.jsonl"]) == 1
    assert "the verdict was another one then: fail: it was another day" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "{}",
        '{"format": 99}',
        '{"format": 1, "id": 3}',
    ],
)
def test_what_is_no_record_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    write(here, "r.jsonl", "\n" + line)
    assert main(["replay", "r.jsonl"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("conformance: r.jsonl:2:")
    assert errors.count("\n") == 1


def test_a_run_that_was_cut_off_is_judged_as_far_as_it_went(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, "a.yaml", PASSES)
    assert main(["run", "--target=reference", "--ip=4", "a.yaml", "--record=r.jsonl"]) == 0
    lines = Path("r.jsonl").read_text(encoding="utf-8").splitlines()
    write(here, "r.jsonl", "\n".join(lines[:4]))
    capsys.readouterr()
    assert main(["replay", "r.jsonl"]) == 1
    assert "the recording was cut off" in capsys.readouterr().out


def test_an_empty_recording_is_a_mistake(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "r.jsonl", "")
    assert main(["replay", "r.jsonl"]) == 2
    assert capsys.readouterr().err == "conformance: r.jsonl: no run is recorded in it\n"


@pytest.mark.parametrize("folder", ["smoke", "rfc9293/3.6-close", "rfc9293/3.1-header"])
def test_shipped_cases_are_judged_again_alike(folder: str) -> None:
    with open_target("reference") as target:
        for case in each_once(chosen([folder])):
            records: list[Record] = []
            target.run([Job(case)], lambda _, record, all=records: all.append(record))  # type: ignore[misc]
            (record,) = records
            (loaded,) = load(dump(record))
            case = rebuild(loaded.sources, loaded.path, loaded.case, loaded.parameters)
            again = judge(case, loaded)
            assert again.verdict is not None
            assert record.verdict is not None
            if record.verdict.outcome is Outcome.SKIPPED:  # nothing was ever late, or could be
                assert replace(again.verdict, allowed=0.0) == record.verdict
            else:
                assert again.verdict == record.verdict
            assert [entry.text for entry in again.entries] == [e.text for e in record.entries]
