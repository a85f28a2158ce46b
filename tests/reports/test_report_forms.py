"""What a CI reads of a run: JUnit's XML, TAP, Markdown, GitHub's annotations; failures by cause."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import report_samples as samples

from conformance.commands.reports import REPORTS
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report import jsonlines
from conformance.report.causes import cause_of, causes, shown
from conformance.report.failure import explain
from conformance.report.summary import Summary, case_object, summary_object
from conformance.report.terminal import Lines


def run() -> list[Record]:
    """One of each ending."""
    return [
        samples.passed(),
        samples.wrong_segment(),
        samples.nothing_came(),
        samples.blocked(),
        samples.deviates(),
        samples.lost_target(),
        samples.skipped(),
    ]


def written(name: str, records: list[Record]) -> str:
    (row,) = (row for row in REPORTS if row.name == name)
    report = row.begin(Path("none"))
    for record in records:
        report.add(record)
    return report.text()


def test_junit_counts_what_a_ci_counts() -> None:
    root = ElementTree.fromstring(written("junit-xml", run()))
    (suite,) = root.iter("testsuite")
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 7, "failures": 3, "errors": 1, "skipped": 2}
    kinds = [[end.tag for end in case if end.tag != "properties"] for case in suite]
    assert kinds == [[], ["failure"], ["failure"], ["failure"], ["skipped"], ["error"], ["skipped"]]
    failed = suite.findall("testcase")[1]
    assert "another segment came" in str(failed.find("failure/[@type='fail']").text)  # type: ignore[union-attr]
    assert {one.attrib["value"] for one in failed.iter("property")} >= {"rfc9293/MUST-13"}
    deviates = suite.findall("testcase")[4].find("skipped")
    assert deviates is not None
    assert deviates.attrib["message"].startswith("deviates: ")
    assert (deviates.text, list(deviates.attrib)) == (None, ["message"])  # no story, no failure


@pytest.mark.parametrize("title", ["plain", "<&>\x00\x1b\ud800 ]]>"])
def test_junit_holds_to_what_ci_systems_read(title: str) -> None:
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is not installed")
    schema = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
    records = [*run(), samples.record([], None)]
    for record in records:
        record.case = replace(record.case, id=f"x/{title}", path=title, title=title)
    schema.validate(written("junit-xml", records))
    schema.validate(written("junit-xml", []))
    wrong = written("junit-xml", run()).replace('type="fail"', "", 1)
    assert not schema.is_valid(wrong)


def test_no_text_of_others_breaks_the_xml() -> None:
    nasty = samples.record([], Verdict(Outcome.FAIL, "a\x00b\x1b[31m ]]> <&> \ud800 \u202e"))
    nasty = replace_title(nasty, "<script>\x07")
    root = ElementTree.fromstring(written("junit-xml", [nasty]))
    (end,) = root.iter("failure")
    assert "\\x00" in end.attrib["message"]
    assert "\x1b" not in ElementTree.tostring(root, encoding="unicode")


def replace_title(record: Record, title: str) -> Record:
    record.case = replace(record.case, title=title)
    return record


def test_tap_says_what_is_not_ok() -> None:
    lines = written("tap", run()).splitlines()
    assert lines[:2] == ["TAP version 14", "1..7"]
    words = [line.partition(" - ")[0] for line in lines if line.startswith(("ok", "not ok"))]
    assert words == ["ok 1", "not ok 2", "not ok 3", "not ok 4", "not ok 5", "not ok 6", "ok 7"]
    assert any("# TODO deviates: " in line for line in lines)
    assert any("# SKIP linux has no PATH" in line for line in lines)
    odd = written("tap", [samples.skipped("as #1 says # TODO")])
    assert odd.splitlines()[-1].endswith(" # SKIP as \\#1 says \\# TODO")


def test_an_annotation_stands_at_the_line_of_the_case() -> None:
    lines = written("annotations", run()).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("::error file=cases/rfc9293/3.6-close/lost-ack.yaml,line=")
    odd = samples.record([], Verdict(Outcome.ERROR, "100% of it\nis: gone"))
    (line,) = written("annotations", [odd]).splitlines()
    assert "100%25 of it" in line
    named = line.partition("title=")[2].partition("::")[0]
    assert named == odd.id.replace(":", "%3A")


def test_markdown_is_a_table_and_the_first_ladders() -> None:
    text = written("markdown", run())
    assert "4 did not pass." in text
    assert text.count("<details>") == 4
    assert "| target | pass |" in text
    clean = written("markdown", [samples.passed()])
    assert "No case failed." in clean
    assert "<details>" not in clean


def test_markdown_ends_no_cell_and_no_fence() -> None:
    odd = samples.record([], Verdict(Outcome.ERROR, "a | b <img src=x> ``` \n# head"))
    text = written("markdown", [odd])
    row = next(line for line in text.splitlines() if "img" in line)
    assert "\\|" in row
    assert "&lt;img" in row
    assert "\\`\\`\\`" in row
    assert [line for line in text.splitlines() if line.startswith("```")] == ["```text", "```"]


def test_failures_of_one_cause_stand_together() -> None:
    one, two = samples.wrong_segment(), samples.wrong_segment()
    found = causes([one, samples.nothing_came(), two, samples.passed()])
    assert [len(cause.ids) for cause in found] == [2, 1]
    assert found[0].example is one
    said = shown(found)
    assert said.startswith("3 did not pass, for 2 reasons:")
    assert "2 x another segment came: " in said
    assert "conformance run " in said


def test_numbers_make_no_other_cause() -> None:
    records = [
        samples.record(
            [], Verdict(Outcome.ERROR, f"it ended with status {number} after {number}.5 s")
        )
        for number in (1, 77)
    ]
    assert len(causes(records)) == 1
    other = samples.record([], Verdict(Outcome.ERROR, "it hung"))
    assert len(causes([*records, other])) == 2
    assert cause_of(other) == "error: it hung"


@pytest.mark.parametrize("count", [5, 6])
def test_many_failures_are_told_by_cause_and_few_are_all_explained(count: int) -> None:
    out = io.StringIO()
    lines = Lines(out, explain=explain)
    lines.begin(count)
    for _ in range(count):
        lines.ended(samples.wrong_segment(), 0.1)
    lines.finish(Summary())
    text = out.getvalue()
    explained = text.count("run alone ")
    assert explained == (5 if count == 5 else 1)
    assert (f"{count} x another segment came" in text) is (count == 6)


def tolerated(outcome: Outcome = Outcome.DEVIATES) -> Record:
    reason = "tolerated: no-urgent (it is so)"
    verdict = Verdict(outcome, reason, tolerated=("no-urgent",), let_by=True)
    return samples.record([], verdict)


def test_a_failure_deviates_by_nothing() -> None:
    """A known deviation that the tolerance kept from being seen makes one of a case let by."""
    told = Summary.of([tolerated(), tolerated(Outcome.FAIL)]).line()
    assert told == "1 failed, 1 deviates (1 by tolerance alone: no-urgent 2)   0.0 s"


def test_what_is_tolerated_stands_beside_a_case_that_was_asserted() -> None:
    records = [samples.passed(), tolerated(), samples.deviates()]
    (suite,) = ElementTree.fromstring(written("junit-xml", records)).iter("testsuite")
    assert suite.attrib["skipped"] == "1"
    properties = [(one.attrib["name"], one.attrib["value"]) for one in suite[1].iter("property")]
    assert ("tolerated", "no-urgent") in properties
    assert "ok 2" in written("tap", records)
    assert "# tolerated: no-urgent" in written("tap", records)
    assert "| linux | no-urgent | 1 |" in written("markdown", records)
    summary = Summary.of(records)
    told = "1 passed, 2 deviate (1 by tolerance alone: no-urgent 1)   0.0 s"
    assert summary.line() == told
    assert summary.exit_status == 0
    assert summary_object(summary)["tolerated"] == {"no-urgent": 1}
    assert [case_object(one)["tolerated"] for one in records] == [[], ["no-urgent"], []]
    again = jsonlines.load(jsonlines.dump(records[1]))[0].verdict
    assert again is not None
    assert again.tolerated == ("no-urgent",)
    assert again.let_by
