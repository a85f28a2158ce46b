"""A case anywhere may begin with the fragments that came with the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_case_load import CASE, Write, texts, writing

from conformance.case.decode import Known
from conformance.case.load import load, load_case
from conformance.cli import main
from conformance.commands.replay import rebuild


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writing(tmp_path)


def with_shipped(write: Write, tmp_path: Path) -> Known:
    """Two shipped fragments, one of which begins with the other."""
    write("shipped/fragments/open", CASE.replace("T\n", "shipped\n"))
    write("shipped/fragments/open-wide", "title: T\ngiven: open\nsteps:\n  - expect: FIN,ACK\n")
    return Known(shipped=tmp_path / "shipped")


def test_a_case_anywhere_uses_the_shipped_fragments(write: Write, tmp_path: Path) -> None:
    known = with_shipped(write, tmp_path)
    (case,) = load_case(
        write("mine/a", "title: T\ngiven: open-wide\nsteps: [expect: ACK]\n"), None, known
    )
    assert [step.text for step in case.given] == ["expect: ACK", "expect: FIN,ACK"]
    assert case.id == "a"


def test_an_own_fragment_hides_the_shipped_one_of_its_name_and_no_more(
    write: Write, tmp_path: Path
) -> None:
    known = with_shipped(write, tmp_path)
    write("mine/fragments/open", "title: mine\nsteps:\n  - expect: RST\n")
    path = write("mine/sub/a", "title: T\ngiven: open-wide\nsteps: [include: open]\n")
    (case,) = load_case(path, None, known)
    assert texts(case) == ["expect: RST"]
    assert [step.text for step in case.given] == ["expect: ACK", "expect: FIN,ACK"]
    again = rebuild(case.sources, case.path, case.id, {})
    assert (again.given, again.steps) == (case.given, case.steps)


def test_an_unknown_fragment_says_where_it_was_looked_for(write: Write, tmp_path: Path) -> None:
    known = with_shipped(write, tmp_path)
    path = write("mine/a", "title: T\ngiven: opne\nsteps: [expect: ACK]\n")
    _, (fault,) = load([path], None, known)
    looked = f"looked in {tmp_path}/shipped/fragments"
    assert fault.hint == (
        f"did you mean open?; {looked}; no fragments/ stands beside the case or above it"
    )
    write("mine/fragments/other", CASE)
    _, (fault,) = load([path], None, known)
    assert fault.hint == (
        f"did you mean open?; looked in {tmp_path}/mine/fragments, {tmp_path}/shipped/fragments"
    )


def test_check_knows_the_shipped_fragments_wherever_it_is_called(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("a", "title: T\ngiven: established\nsteps: [expect: ACK]\n")
    monkeypatch.chdir(path.parent)
    assert main(["check", "a.yaml"]) == 0
    assert capsys.readouterr().out == "1 case in 1 file: no faults\n"
