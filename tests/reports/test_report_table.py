"""Targets side by side: what differs first, all of it for a program."""

from __future__ import annotations

from conformance.case.model import Case
from conformance.play.profile import Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report.table import Table


def table() -> Table:
    found = Table()
    for target, case, ip, outcome, reason in (
        ("old", "a", 4, Outcome.PASS, ""),
        ("old", "b[n=1]", 4, Outcome.PASS, ""),
        ("old", "c", 4, Outcome.DEVIATES, "as ever"),
        ("old", "d", 6, Outcome.PASS, ""),
        ("new", "a", 4, Outcome.PASS, ""),
        ("new", "b[n=1]", 4, Outcome.FAIL, "no ACK came\nat all"),
        ("new", "c", 4, Outcome.DEVIATES, "as ever"),
    ):
        record = Record(Case(case, "a.yaml", "t", ()), Profile(target, 1.0), Addressing(ip=ip))
        record.verdict = Verdict(outcome, reason)
        found.add(record)
    return found


def test_what_differs_comes_first_with_its_reasons() -> None:
    lines = table().text().splitlines()
    assert lines[1].split() == ["b::ipv4[n=1]", "pass", "fail"]
    assert lines[2] == "    new: no ACK came"
    assert lines[3].split() == ["d::ipv6", "pass", "-"]
    assert lines[5].split() == ["c::ipv4", "deviates", "deviates"]
    assert lines[-1] == "2 cases differ, 2 ended alike, 1 of them passed on all"
    assert not any(line.startswith("a::") for line in lines)


def test_a_program_gets_every_case() -> None:
    assert table().object() == {
        "type": "table",
        "targets": ["old", "new"],
        "cases": {
            "a::ipv4": {"old": "pass", "new": "pass"},
            "b::ipv4[n=1]": {"old": "pass", "new": "fail"},
            "c::ipv4": {"old": "deviates", "new": "deviates"},
            "d::ipv6": {"old": "pass"},
        },
    }


def test_outcomes_have_their_colours() -> None:
    assert "\033[" in table().text(color=True)
    assert "\033[" not in table().text()
