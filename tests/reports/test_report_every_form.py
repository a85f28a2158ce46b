"""A failing case is a failure in every form of a run; a form without a row here is red."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Final
from xml.etree import ElementTree

import pytest
import report_samples as samples
import site_pages
from site_pages import Page

from conformance.commands.reports import FORMS
from conformance.play.record import Record
from conformance.report import jsonlines
from conformance.report.failure import explain
from conformance.report.pcapng import pcapng
from conformance.report.summary import Summary, case_object, summary_object
from conformance.report.table import Table
from conformance.report.terminal import Lines

PATH: Final = "rfc9293/3.6-close/lost-ack"
WHY: Final = "another segment came"


def form(name: str, record: Record) -> str:
    (kind,) = (one for one in FORMS if one.name == name)
    assert kind.make is not None
    report = kind.make()
    report.add(samples.passed())
    report.add(record)
    return report.text()


def junit(record: Record) -> None:
    (suite,) = ElementTree.fromstring(form("junit-xml", record)).iter("testsuite")
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("1", "0")
    (failure,) = suite.iter("failure")
    assert failure.attrib["message"].startswith(WHY)
    assert "<-- RST seq=2" in str(failure.text)


def tap(record: Record) -> None:
    lines = form("tap", record).splitlines()
    (line,) = (line for line in lines if line.startswith("not ok"))
    assert record.id in line
    assert not re.search(r"# (TODO|SKIP)", line)


def annotated(record: Record) -> None:
    (line,) = form("annotations", record).splitlines()
    assert record.verdict is not None
    assert record.verdict.step is not None
    assert line.startswith(f"::error file=cases/{PATH}.yaml,line={record.verdict.step.span.line}")
    assert WHY in line


def markdown(record: Record) -> None:
    text = form("markdown", record)
    assert "1 did not pass." in text
    assert text.count("<details>") == 1
    assert "<-- RST seq=2" in text


def json_lines(record: Record) -> None:
    assert case_object(record)["outcome"] == "fail"
    told = summary_object(Summary.of([samples.passed(), record]))
    assert (told["outcomes"]["fail"], told["exit_status"]) == (1, 1)


def recorded(record: Record) -> None:
    last = json.loads(jsonlines.dump(record).splitlines()[-1])
    assert (last["type"], last["outcome"]) == ("verdict", "fail")


def lines(record: Record) -> None:
    out = io.StringIO()
    told = Lines(out, explain=explain)
    told.begin(1)
    told.ended(record, 0.1)
    told.finish(Summary.of([record]))
    assert out.getvalue().splitlines()[1].startswith(f"FAIL          {record.id}")
    assert "\n1 failed" in out.getvalue()


def side_by_side(record: Record) -> None:
    table = Table()
    table.add(record)
    assert list(table.object()["cases"].values()) == [{"linux": "fail"}]


def site(record: Record) -> None:
    page = Page(site_pages.site([record])["index.html"])
    assert "\N{MULTIPLICATION SIGN}1 fail" in page.of("p", "lead")[0].words
    (finding,) = page.of("ol", "findings")
    assert WHY in finding.words


def capture(record: Record) -> None:
    assert b"case: fail another segment came" in pcapng(record)


TOLD: Final[Mapping[str, Callable[[Record], None]]] = {
    "junit-xml": junit,
    "tap": tap,
    "annotations": annotated,
    "markdown": markdown,
    "run --json": json_lines,
    "run --record": recorded,
    "run": lines,
    "run, of several targets": side_by_side,
    "report --html": site,
    "run --pcap": capture,
}


def test_no_form_is_left_out() -> None:
    assert {one.name for one in FORMS} <= set(TOLD)


@pytest.mark.parametrize("name", TOLD)
def test_a_failing_case_is_a_failure(name: str) -> None:
    TOLD[name](samples.wrong_segment())
