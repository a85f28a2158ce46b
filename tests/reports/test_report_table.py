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
        ("old", "e", 4, Outcome.SKIPPED, "old has no e"),
        ("new", "a", 4, Outcome.PASS, ""),
        ("new", "b[n=1]", 4, Outcome.FAIL, "no ACK came\nat all"),
        ("new", "c", 4, Outcome.DEVIATES, "as ever"),
        ("new", "e", 4, Outcome.PASS, ""),
    ):
        record = Record(Case(case, "a.yaml", "t", ()), Profile(target, 1.0), Addressing(ip=ip))
        record.verdict = Verdict(outcome, reason)
        found.add(record)
    return found


def test_what_differs_comes_first_with_its_reasons() -> None:
    lines = table().text().splitlines()
    assert lines[1].split() == ["b::ipv4[n=1]", "pass", "fail"]
    assert lines[2] == "    new: no ACK came"
    assert not lines[3]
    assert [line.split() for line in lines[4:7]] == [
        ["c::ipv4", "deviates", "deviates"],
        ["d::ipv6", "pass", "-"],
        ["e::ipv4", "skipped", "pass"],
    ]
    assert lines[-1] == (
        "1 case differs, 2 ended alike, 1 of them passed on all; 2 not played on all"
    )
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
            "e::ipv4": {"old": "skipped", "new": "pass"},
        },
    }


def test_outcomes_have_their_colours() -> None:
    assert "\033[" in table().text(color=True)
    assert "\033[" not in table().text()
