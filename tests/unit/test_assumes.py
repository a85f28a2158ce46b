"""What a case asks of a target that no RFC does is remarked at its line, unless it says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from whole_set import read

from conformance.case.assumes import ASSUMPTIONS, remarks
from conformance.case.load import load_case
from conformance.cli import main
from conformance.targets.files import build

CASES = Path(__file__).parents[2] / "cases"
HEAD = "title: t\ngiven: {given}\n{more}steps:\n"
TWO = """\
  - call:   send(c, 2000) = 2000
  - expect: ACK seq=1 ack=1 len=1000
  - expect: ACK seq=1001 ack=1 len=1000
"""
SHORT = """\
  - call:   send(c, 100) = 100
  - expect: ACK seq=1 ack=1 len=100
  - call:   send(c, 100) = 100
  - expect: ACK seq=101 ack=1 len=100
"""
SYN = "  - send:   SYN seq=0 <mss 1460, wscale 0>\n"
OVER = """\
  - wait:   1MSL
  - state:  TIME-WAIT
  - state:  CLOSED
    within: {bound}
"""
ASKED = [
    ("first-flight", "established-1000", TWO),
    ("nagle", "established", SHORT),
    ("buffer", "listening", "  - call:   setsockopt(l, RCVBUF, 30000)\n  - state:  LISTEN\n"),
    ("shift", "listening", SYN + "  - expect: SYN,ACK seq=0 ack=1 <mss *, wscale 1..14, ...>\n"),
    ("time-wait", "time-wait", OVER.format(bound="1MSL")),
]
FAIR = [
    ("established-1000", TWO.replace("  - expect: ACK seq=1001", "  - send:   ACK ack=1001\n"
                                     "  - expect: ACK seq=1001")),
    ("established", "  - call:   setsockopt(c, NODELAY, 1)\n" + SHORT),
    ("established", SHORT.replace("seq=101", "seq=1")),  # the same once more
    ("grown", TWO.replace("seq=1 ", "seq=16001 ").replace("seq=1001", "seq=17001")),
    ("listening", "  - call:   setsockopt(l, RCVBUF, 20000)\n  - state:  LISTEN\n"),
    ("listening", SYN + "  - expect: SYN,ACK seq=0 ack=1 <mss *, wscale 0..14, ...>\n"),
    ("time-wait", OVER.format(bound="1MSL+1s")),
]  # fmt: skip


def said(folder: Path, given: str, steps: str, assumes: str = "") -> list[tuple[str, int]]:
    more = f"assumes: [{assumes}]\n" if assumes else ""
    file = folder / "cases/c.yaml"
    file.parent.mkdir(exist_ok=True)
    if not (folder / "cases/fragments").exists():
        (folder / "cases/fragments").symlink_to(CASES / "fragments")
    file.write_text(HEAD.format(given=given, more=more) + steps)
    (case,) = load_case(file, folder / "cases")
    names = {text: name for name, text in ASSUMPTIONS.items()}
    return [(names.get(one.message, one.message), one.span.line) for one in remarks(case)]


@pytest.mark.parametrize(("name", "given", "steps"), ASKED)
def test_it_is_remarked_at_its_line(tmp_path: Path, name: str, given: str, steps: str) -> None:
    ((found, line),) = said(tmp_path, given, steps)
    assert found == name
    assert line > 3


@pytest.mark.parametrize(("name", "given", "steps"), ASKED)
def test_a_case_may_say_that_it_asks_on_purpose(
    tmp_path: Path, name: str, given: str, steps: str
) -> None:
    assert said(tmp_path, given, steps, name) == []


@pytest.mark.parametrize(("given", "steps"), FAIR)
def test_what_any_tcp_does_is_not_remarked(tmp_path: Path, given: str, steps: str) -> None:
    assert said(tmp_path, given, steps) == []


def test_what_is_said_and_not_asked_is_remarked(tmp_path: Path) -> None:
    found = said(tmp_path, "established", SHORT, "nagle, shift")
    assert found == [("no step assumes shift", 1)]


def test_each_has_its_own_example() -> None:
    assert {name for name, _, _ in ASKED} == set(ASSUMPTIONS)


def test_no_shipped_case_asks_for_what_no_rfc_does() -> None:
    cases, faults = read()
    assert not faults
    assert [str(remark) for case in cases for remark in remarks(case)] == []


def test_check_shows_them_and_is_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(tmp_path, "established", SHORT)
    assert main(["check", str(tmp_path / "cases/c.yaml")]) == 0
    out = capsys.readouterr().out
    assert "c.yaml:7:5: remark: a short segment may wait" in out
    assert "set NODELAY, or say assumes: [nagle]" in out
    assert out.endswith("1 case in 1 file: no faults, 1 remark\n")


def test_the_page_for_authors_names_each() -> None:
    page = (build.GLUE / "WRITING.md").read_text(encoding="utf-8")
    assert [name for name in ASSUMPTIONS if f"`assumes: [{name}]`" not in page] == []
