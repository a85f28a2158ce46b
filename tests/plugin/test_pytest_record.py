"""What pytest played makes the record and the site that ``conformance run`` makes of it."""

from __future__ import annotations

import html
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from projects import ROOT, handshake, made, play, run, write

from conformance.cli import main

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    project = made(pytester)
    write(project, good=handshake(), bad=handshake(answer="SYN,ACK seq=0 ack=2"))
    return project


def ids(path: Path) -> list[tuple[str, str]]:
    """Each play, and how it ended."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    names = [line["id"] for line in lines if line["type"] == "case"]
    return sorted(zip(names, (line["outcome"] for line in lines if line["type"] == "verdict"),
                      strict=True))  # fmt: skip


def test_what_pytest_played_is_a_record_to_report(project: pytest.Pytester) -> None:
    play(project, "--conformance-record=here.jsonl").assert_outcomes(passed=2, failed=2)
    assert main(["run", "--target=reference", "--record=there.jsonl", "cases"]) == 1
    here, there = project.path / "here.jsonl", project.path / "there.jsonl"
    assert ids(here) == ids(there)
    assert len(ids(here)) == 4
    for name in ("here", "there"):
        assert main(["report", f"{name}.jsonl", "--html", name]) == 0
    pages = sorted((project.path / "here/case").iterdir())
    assert len(pages) == 2
    for page in pages:
        assert page.read_bytes() == (project.path / "there/case" / page.name).read_bytes()


def test_a_worker_has_a_record_of_its_own(project: pytest.Pytester) -> None:
    play(project, "--conformance-record=run.jsonl", "-n2").assert_outcomes(passed=2, failed=2)
    files = sorted(project.path.glob("run.jsonl*"))
    assert {path.name for path in files} <= {"run.jsonl.gw0", "run.jsonl.gw1"}
    assert len([one for path in files for one in ids(path)]) == 4


def test_a_record_that_cannot_be_written_is_told(project: pytest.Pytester) -> None:
    result = play(project, "--conformance-record=none/run.jsonl")
    result.stdout.fnmatch_lines(["*--conformance-record none/run.jsonl cannot be written: *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_pytest_s_own_xml_has_the_rule_and_the_ladder(project: pytest.Pytester) -> None:
    """``pytest --junitxml``: what a CI shows without any form of ours."""
    play(project, "--junitxml=own.xml").assert_outcomes(passed=2, failed=2)
    plays = ElementTree.parse(project.path / "own.xml").getroot().iter("testcase")
    failures = 0
    for one in plays:
        rules = [(row.get("name"), row.get("value")) for row in one.iter("property")]
        assert rules == [("requirement", "rfc9293/MUST-5")]
        for failure in one.iter("failure"):
            failures += 1
            assert "<-- SYN,ACK seq=0 ack=1 " in str(failure.text)
            assert "rfc9293/MUST-5" in str(failure.text)
    assert failures == 2


def pages(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.html")
    }


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two"])
def test_a_session_makes_the_site_that_a_run_makes(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = play(project, "--conformance-html=here", *workers)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["conformance: * pages: here/index.html"])
    assert main(["run", "--target=reference", "--html=there", "cases"]) == 1
    here, there = pages(project.path / "here"), pages(project.path / "there")
    assert len(here) > 10
    assert {name for name in {*here, *there} if here.get(name) != there.get(name)} == set()


def test_a_site_that_cannot_be_made_ends_a_session_at_once(project: pytest.Pytester) -> None:
    (project.path / "here").mkdir()
    (project.path / "here/mine.txt").touch()
    result = play(project, "--conformance-html=here")
    result.stderr.fnmatch_lines(["*--conformance-html here holds what is no site of ours*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_site_of_nothing_is_not_written(project: pytest.Pytester) -> None:
    result = play(project, "--conformance-html=here", "--requirement=rfc9293/MUST-1")
    result.stdout.fnmatch_lines(["*no site is written, for nothing was played"])
    assert not (project.path / "here/index.html").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--target=linux", "--conformance-surroundings=cubik"], "'cubik': did you mean cubic?"),
        (["--conformance-surroundings=cubic"], "--conformance-surroundings are for linux and"),
    ],
)
def test_surroundings_that_are_none_are_told(
    project: pytest.Pytester, words: list[str], told: str
) -> None:
    result = play(project, *words)
    assert told in result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_pytest_html_has_the_rules_and_the_ladder(project: pytest.Pytester) -> None:
    """A report of others, where it is installed; what it shows is JSON in an attribute."""
    pytest.importorskip("pytest_html", reason="pytest-html is not installed")
    result = run(project, "--target=reference", "--html=own.html")
    result.assert_outcomes(passed=2, failed=2)
    text = (project.path / "own.html").read_text("utf-8")
    told = json.loads(html.unescape(text.partition('data-jsonblob="')[2].partition('"')[0]))
    rows = [row for rows in told["tests"].values() for row in rows]
    assert len(rows) == 4
    for row in rows:
        assert "<td>rfc9293/MUST-5</td>" in row["resultsTableRow"]
        assert ("<-- SYN,ACK seq=0 ack=1 " in html.unescape(row["log"])) is (
            row["result"] == "Failed"
        )
