"""What a run said of its cases, its record says as well: the same verdicts, in all their parts."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import pytest

from conformance.case.load import load
from conformance.case.model import Case
from conformance.case.spans import Span
from conformance.cli import main
from conformance.commands.altered import apart, with_edits
from conformance.commands.recorded import recorded
from conformance.commands.reports import FORMS
from conformance.errors import Death
from conformance.play.events import Died
from conformance.play.profile import Tolerance
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.reference.config import Config
from conformance.report.jsonlines import dump, placeless
from conformance.report.jsonlines import load as read
from conformance.report.site.telling import told
from conformance.report.summary import Summary
from conformance.sim.quirks import quirks
from conformance.targets.base import Job, settled, skipped
from conformance.targets.deviations import read_text
from conformance.targets.kinds.reference import Reference
from conformance.targets.runs.rejudge import judge

PASSES = """\
title: An answer
verifies: [rfc9293/MUST-5]

steps:
  - call:    socket() = l
  - call:    listen(l)
  - send:    SYN seq=0
  - expect:  SYN,ACK seq=0 ack=1
"""
LATE = Config(delack=0.8)  # an ACK is not to wait for more than 500 ms
STEP = '["expect: ACK seq=1 ack=101", nothing]'
IN_ORDER = "rfc9293/3.8-data/in-order"
LIGHTS = {
    "as it is": "[]",
    "known": f"- because: it waits\n  cases: {{'{IN_ORDER}[*]': {STEP}}}\n",
    "disputed": f"- disputed: it may wait\n  cases: {{'{IN_ORDER}[*]': {STEP}}}\n",
    "new": "- cases: 0.0.1\n",
    "mended": "- because: it hangs\n  cases: {'rfc5681/idle': ['call: x', nothing]}\n",
}


@cache
def cases() -> tuple[Case, ...]:
    """Two that LATE fails, two that pass, one with a remark."""
    places = ("rfc9293/3.8-data/in-order", "rfc9293/3.6-close/lost-final-ack", "rfc5681/idle")
    found, faults = load([Path("cases", f"{place}.yaml") for place in places])[:2]
    assert not faults
    return tuple(found)


def played(light: str) -> list[Record]:
    """How they end on a target of which so much is known; one is never played."""
    target = Reference(config=LATE)
    target.deviations = read_text(LIGHTS[light], reasons=True)
    found: list[Record] = []
    done = settled(target, lambda _, record: found.append(record))
    for case in cases():
        done(Job(case), target.play(Job(case)))
    found.append(skipped(Job(cases()[0], 6), target.profile, "it has no IPv6"))
    return [placeless(record) for record in found]


def everything(verdict: Verdict | None, names: dict[str, str]) -> dict[str, object]:
    """All that a verdict says; its step by its place, for another reading makes another step."""
    assert verdict is not None
    parts: dict[str, object] = {one.name: getattr(verdict, one.name) for one in fields(verdict)}
    span = verdict.step.span if verdict.step else Span("", 0, 0)
    return parts | {"step": replace(span, path=names.get(span.path, span.path))}


def again(records: list[Record], folder: Path) -> list[Record]:
    file = folder / "run.jsonl"
    file.write_text("".join(map(dump, records)), encoding="utf-8")
    return list(recorded([str(file)]))


@pytest.mark.parametrize("light", LIGHTS)
def test_every_part_of_a_verdict_comes_back(light: str, tmp_path: Path) -> None:
    records = played(light)
    names = {path: name for case in cases() for path, name in case.names.items()}
    for then, now in zip(records, again(records, tmp_path), strict=True):
        assert now.id == then.id
        assert everything(now.verdict, {}) == everything(then.verdict, names), then.id
    for then in records:
        (loaded,) = read(dump(then))
        written = everything(loaded.verdict, {}) | {"step": loaded.step or Span("", 0, 0)}
        assert {**written, "failure": 0} == {**everything(then.verdict, names), "failure": 0}
    assert Summary.of(again(records, tmp_path)).line() == Summary.of(records).line()


def test_the_verdicts_above_have_every_mark_and_every_ending_of_theirs() -> None:
    """Lest the test above hold nothing."""
    verdicts = {light: [one.verdict for one in played(light) if one.verdict] for light in LIGHTS}
    ends = {light: {str(one.outcome) for one in found} for light, found in verdicts.items()}
    assert ends == {
        "as it is": {"fail", "pass", "skipped"},
        "known": {"deviates", "pass", "skipped"},
        "disputed": {"deviates", "pass", "skipped"},
        "new": {"deviates", "pass", "skipped"},
        "mended": {"fail", "pass", "skipped"},
    }
    assert any(one.disputed for one in verdicts["disputed"])
    assert any(one.new for one in verdicts["new"])
    assert any(one.without for one in verdicts["as it is"])


def _tolerating(name: str, pipe: int) -> None:
    """Cases on a stack with this quirk, let by: each record, then all that its verdict says."""
    target = with_edits(quirks()[name]).Reference()
    target.profile = replace(target.profile, tolerances=(Tolerance(name, "it is so"),))
    for case in load([Path("cases/rfc9293/3.10.7.1-closed")])[0]:
        record = placeless(target.play(Job(case)))
        says = repr(everything(record.verdict, dict(case.names)))
        os.write(pipe, (dump(record) + json.dumps({"says": says}) + "\n").encode())


def test_what_was_tolerated_comes_back(tmp_path: Path) -> None:
    ((_, lines, _),) = apart(["rst-carries-ack"], _tolerating)
    said = [json.loads(line)["says"] for line in lines if line.startswith('{"says"')]
    kept = [line for line in lines if line and not line.startswith('{"says"')]
    assert sum('"tolerated":["rst-carries-ack"],"let_by":true' in line for line in kept) > 2
    (tmp_path / "run.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    records = list(recorded([str(tmp_path / "run.jsonl")]))
    assert [repr(everything(one.verdict, {})) for one in records] == said
    marked = [one.verdict for one in records if one.verdict and one.verdict.let_by]
    assert marked
    assert all(one.tolerated for one in marked)


def crashed() -> Record:
    """A case in which the target's program crashes behind the first things that happen."""
    (loaded,) = read(dump(Reference().play(Job(cases()[0]))))
    at = loaded.events[2][0]
    how, words = "killed by SIGSEGV", "assertion failed"
    died = Died(at, Death.CRASHED, how, words, f"it was {how}: {words}")
    cut = replace(loaded, events=(*loaded.events[:3], (at, died)), verdict=None)
    record = judge(cases()[0], cut)
    assert record.verdict
    assert record.verdict.failure
    assert record.verdict.failure.words == "assertion failed"
    return record


def test_a_site_of_a_record_has_a_programs_last_words(tmp_path: Path) -> None:
    record = crashed()
    names = dict(record.case.names)
    (now,) = again([record], tmp_path)
    assert everything(now.verdict, {}) == everything(record.verdict, names)
    (loaded,) = read(dump(record))
    assert told(now, loaded).play == told(record).play


@pytest.mark.parametrize("form", [one.name for one in FORMS])
def test_a_form_of_a_record_is_that_of_its_run(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(PASSES, encoding="utf-8")
    Path("bad.yaml").write_text(PASSES.replace("ack=1", "ack=2"), encoding="utf-8")
    run = ["run", "--target=reference", "--record=run.jsonl", f"--{form}=fresh", "--ip=4"]
    assert main([*run, "good.yaml", "bad.yaml"]) == 1
    capsys.readouterr()
    assert main(["report", "run.jsonl", f"--{form}=told"]) == 0
    assert capsys.readouterr().out == "told\n"
    assert Path("told").read_text("utf-8") == Path("fresh").read_text("utf-8")
    assert "ack=2" in Path("told").read_text("utf-8")


def test_what_cannot_be_told_any_more_keeps_its_verdict(tmp_path: Path) -> None:
    spoilt = dump(played("as it is")[0]).replace("steps:\\n", "stepz:\\n")
    (tmp_path / "run.jsonl").write_text(spoilt, encoding="utf-8")
    (record,) = recorded([str(tmp_path / "run.jsonl")])
    assert record.verdict
    assert (record.verdict.outcome, record.events) == (Outcome.FAIL, [])
    whole, _, _ = spoilt.rstrip("\n").rpartition("\n")
    (tmp_path / "run.jsonl").write_text(whole + "\n", encoding="utf-8")
    (record,) = recorded([str(tmp_path / "run.jsonl")])
    assert record.verdict
    assert record.verdict.outcome is Outcome.ERROR
    assert record.verdict.reason.startswith("its story cannot be told: ")


def test_a_form_of_no_record_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.jsonl").write_text("", encoding="utf-8")
    assert main(["report", "run.jsonl", "--tap=run.tap"]) == 2
    assert capsys.readouterr().err == "conformance: no run is recorded in run.jsonl\n"
