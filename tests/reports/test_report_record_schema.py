"""The record's schema, as it is shipped: real records hold to it, and what is none does not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import report_samples as samples
from hypothesis import given
from jsonschema import Draft202012Validator
from test_report_jsonlines import ASIDE, EVENT, FAILURE, PROFILE

import conformance.report
from conformance.case.load import load_case
from conformance.cli import main
from conformance.errors import Death, Owner
from conformance.play import events
from conformance.play.asides import Aside
from conformance.play.profile import Profile, Tolerance
from conformance.play.record import Record
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.report.jsonlines import dump
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference

HOME = Path(conformance.report.__file__).parent
RECORD = Draft202012Validator(json.loads((HOME / "record.schema.json").read_text("utf-8")))
RUN = Draft202012Validator(json.loads((HOME / "run.schema.json").read_text("utf-8")))
WRONG = """\
title: The second answer is not what this case says
given: established
steps:
- send: PSH,ACK seq=1 ack=1 len=10
- expect: ACK seq=1 ack=12
"""
OWN = "title: A fragment of one's own\ngiven: established\nsteps:\n- state: ESTABLISHED\n"


def hold(validator: Draft202012Validator, lines: Iterable[str]) -> None:
    for line in lines:
        errors = [error.message for error in validator.iter_errors(json.loads(line))]
        assert not errors, line


def crash() -> Record:
    died = events.Died(samples.STARTED + 1, Death.CRASHED, "killed by SIGSEGV", "at tcp.c", "it")
    record = samples.record([], Verdict(Outcome.FAIL, "its program crashed"))
    record.events = [(samples.STARTED + 1, died)]
    return record


@pytest.mark.parametrize("kind", ["record", "run"])
def test_the_shipped_one_is_what_the_command_prints(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", kind]) == 0
    shipped = (HOME / f"{kind}.schema.json").read_text("utf-8")
    assert capsys.readouterr().out == shipped
    Draft202012Validator.check_schema(json.loads(shipped))


@pytest.mark.parametrize(
    "record",
    [samples.passed(), samples.wrong_segment(), samples.nothing_came(), samples.blocked(),
     samples.deviates(), samples.lost_target(), samples.skipped(), crash()],
    ids=lambda record: f"{record.verdict.outcome}-{record.verdict.reason[:20]}",
)  # fmt: skip
def test_each_ending_holds_to_it(record: Record) -> None:
    hold(RECORD, dump(record).splitlines())


@given(ASIDE)
def test_a_word_of_the_kernel_holds_to_it(aside: Aside) -> None:
    record = samples.record([], None)
    record.asides = (aside,)
    hold(RECORD, dump(record).splitlines())


def test_what_was_played_holds_to_it() -> None:
    files = ["3.6-close/simultaneous-close.yaml", "3.9.2.2-icmp", "3.8.5-urgent"]
    for file in files:
        for path in sorted(Path("cases/rfc9293", file).rglob("*.yaml")) or [
            Path("cases/rfc9293", file)
        ]:
            for case in load_case(path):
                hold(RECORD, dump(Reference().play(Job(case))).splitlines())


@given(EVENT)
def test_every_event_holds_to_it(event: events.Event) -> None:
    record = samples.record([], None)
    record.events = [(1.0, event)]
    hold(RECORD, dump(record).splitlines())


@given(PROFILE, FAILURE)
def test_every_profile_and_failure_hold_to_it(profile: Profile, failure: Failure) -> None:
    verdict = Verdict(Outcome.ERROR, "", samples.STEPS[0], failure, owner=Owner.MACHINE)
    record = samples.record([], verdict)
    record.profile = profile
    hold(RECORD, dump(record).splitlines())


CASE_LINE, EVENT_LINE, _, VERDICT_LINE = map(json.loads, dump(samples.wrong_segment()).splitlines())
SEGMENT = {"sport": 1, "dport": 2, "flags": 16, "seq": 1}
ARRIVED = {"type": "arrived", "now": 1, "at": 1}


@pytest.mark.parametrize(
    "line",
    [
        {},
        [],
        {**CASE_LINE, "format": 1},
        {**CASE_LINE, "more": 1},
        {name: CASE_LINE[name] for name in CASE_LINE if name != "profile"},
        {**CASE_LINE, "path": "/home/me/a.yaml"},
        {**CASE_LINE, "sources": {"/home/me/a.yaml": ""}},
        {**CASE_LINE, "addressing": {"ip": 5}},
        {**CASE_LINE, "addressing": {"tester_port": 65536}},
        {**CASE_LINE, "profile": {"name": "x", "msl": -1}},
        {**CASE_LINE, "profile": {"name": "x", "msl": 1, "abilities": ["X"]}},
        {**EVENT_LINE, "type": "x"},
        {**EVENT_LINE, "number": "1"},
        {name: EVENT_LINE[name] for name in EVENT_LINE if name != "now"},
        {**VERDICT_LINE, "outcome": "passed"},
        {**VERDICT_LINE, "failure": {"message": ""}},
        {**VERDICT_LINE, "step": {"path": "a", "line": -1, "column": 1}},
        {**ARRIVED, "segment": {**SEGMENT, "flags": 512}},
        {**ARRIVED, "segment": {**SEGMENT, "seq": 2**32}},
        {**ARRIVED, "segment": {**SEGMENT, "payload": "0"}},
        {**ARRIVED, "segment": {**SEGMENT, "options": [["mss"]]}},
        {**ARRIVED, "segment": {**SEGMENT, "options": [["x", 1]]}},
        {**ARRIVED, "segment": {**SEGMENT, "options": [["sack", [[1]]]]}},
        {**ARRIVED, "segment": {**SEGMENT, "ip": {"ttl": 256}}},
    ],
)
def test_what_is_no_line_does_not_hold_to_it(line: Any) -> None:
    assert not RECORD.is_valid(line)


def test_the_good_neighbours_of_the_wrong_ones_hold_to_it() -> None:
    for line in (CASE_LINE, EVENT_LINE, VERDICT_LINE, {**ARRIVED, "segment": SEGMENT}):
        assert RECORD.is_valid(line)


def test_run_json_holds_to_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG, encoding="utf-8")
    skipped = "cases/counters"
    main(["run", "--target", "reference", "--json", str(tmp_path), skipped])
    lines = capsys.readouterr().out.splitlines()
    told = [json.loads(line) for line in lines]
    assert {one.get("outcome") for one in told} >= {"fail", "skipped"}
    assert told[-1]["type"] == "summary"
    hold(RUN, lines)
    hold(RUN, ['{"type": "target", "target": "lwip", "error": "It is not there."}'])
    for wrong in ({**told[0], "outcome": "passed"}, {**told[0], "owner": "me"}, {"type": "case"}):
        assert not RUN.is_valid(wrong)


def test_a_record_holds_no_path_of_the_machine_and_is_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fragments of one's own, of the same name as a shipped one, and shipped ones."""
    own = tmp_path / "set" / "deep"
    (tmp_path / "set" / "fragments").mkdir(parents=True)
    own.mkdir()
    (own.parent / "fragments" / "mine.yaml").write_text(OWN, encoding="utf-8")
    (own.parent / "fragments" / "listening.yaml").write_text(OWN, encoding="utf-8")
    text = WRONG.replace("given: established", "given: mine")
    (own / "wrong.yaml").write_text(text, encoding="utf-8")
    record = tmp_path / "run.jsonl"
    monkeypatch.chdir(own)
    for asked in ("wrong.yaml", str(own), "../../set"):
        assert main(["run", "--target", "reference", asked, "--record", str(record)]) == 1
        written = record.read_text("utf-8")
        assert str(tmp_path) not in written
        assert str(HOME.parents[1]) not in written
        hold(RECORD, written.splitlines())
        (first, *_) = map(json.loads, written.splitlines())
        assert first["path"] == "deep/wrong.yaml"
        assert sorted(first["sources"]) == [
            "deep/wrong.yaml",
            "fragments/mine.yaml",
            "shipped:/fragments/established.yaml",
            "shipped:/fragments/listening.yaml",
            "shipped:/fragments/syn-received.yaml",
        ]
        capsys.readouterr()
        assert main(["replay", str(record), "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert [(one["outcome"], one["same"]) for one in told] == [("fail", True)] * 2


def test_a_fragment_that_checks_nothing_is_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "run.jsonl"
    case = "rfc9293/3.8-data/probe-patience"
    assert "include: twelve-probes" in Path("cases", f"{case}.yaml").read_text("utf-8")
    assert main(["run", "--target", "reference", case, "--slow", "--record", str(record)]) == 0
    assert main(["replay", str(record)]) == 0
    capsys.readouterr()


def test_a_target_file_is_recorded_by_its_name_alone() -> None:
    record = samples.passed()
    record.profile = replace(record.profile, facts={"file": "/home/me/tcp.yaml", "wire": "fd"})
    header = json.loads(dump(record).splitlines()[0])
    assert header["profile"]["facts"] == {"file": "tcp.yaml", "wire": "fd"}


def test_the_first_format_is_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It had the paths of the machine."""
    record = tmp_path / "run.jsonl"
    case = "rfc9293/3.6-close/simultaneous-close"
    assert main(["run", "--target", "reference", case, "--record", str(record)]) == 0
    lines = [json.loads(line) for line in record.read_text("utf-8").splitlines()]
    for line in (line for line in lines if line["type"] == "case"):
        sources = {f"/home/me/{path}": text for path, text in line["sources"].items()}
        line |= {"format": 1, "path": f"/home/me/{line['path']}", "sources": sources}
    record.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert main(["replay", str(record)]) == 0
    capsys.readouterr()
    lines[0]["format"] = 5
    record.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert main(["replay", str(record)]) == 2
    told = capsys.readouterr().err
    assert "its format is 5, and this version reads 1 to 4" in told
    assert told.count("\n") == 1


def test_what_went_wrong_names_no_directory() -> None:
    told = (
        "it cannot be started: /home/me/x/lwip: denied (RFC 9293/3.6, https://a.b/c, /proc/sys/a)"
    )
    kept = told.replace("/home/me/x/lwip", ".../lwip")
    died = events.Died(1.0, Death.CRASHED, "killed by SIGSEGV", told, told)
    for event in (events.Lost(1.0, told, Owner.MACHINE), died):
        record = samples.record(
            [], Verdict(Outcome.ERROR, told, None, Failure(told), owner=Owner.MACHINE)
        )
        record.events = [(1.0, event)]
        _, line, verdict = map(json.loads, dump(record).splitlines())
        assert line["reason"] == verdict["reason"] == verdict["failure"]["message"] == kept
        assert line.get("words", kept) == kept
    record = samples.record([], Verdict(Outcome.DEVIATES, told))  # somebody's own words
    assert json.loads(dump(record).splitlines()[-1])["reason"] == told


def test_what_was_tolerated_holds_to_it() -> None:
    told = Verdict(Outcome.DEVIATES, "tolerated: mine (it is so)", tolerated=("mine",))
    record = samples.record([], told)
    mine = Tolerance("mine", "it is so", "ACK", "text")
    record.profile = replace(record.profile, tolerances=(mine,))
    lines = dump(record).splitlines()
    assert '"tolerances":[{' in lines[0]
    assert '"tolerated":["mine"]' in lines[-1]
    hold(RECORD, lines)
