"""Known deviations: an entry is strict, a wrong file is told with its places."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from whole_set import read

from conformance import __version__
from conformance.case.faults import CaseFaults
from conformance.case.load import FRAGMENTS, load_case
from conformance.case.model import Case
from conformance.case.spans import NOWHERE
from conformance.case.step import Step
from conformance.play.profile import Profile, within
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.report.failure import explain
from conformance.report.jsonlines import dump
from conformance.report.jsonlines import load as load_records
from conformance.report.summary import Summary
from conformance.targets import deviations, releases
from conformance.targets.base import Job
from conformance.targets.kinds.linux import DEVIATIONS
from conformance.targets.kinds.reference import Reference
from conformance.targets.known import KnownDeviation, all_of
from conformance.targets.runs.rejudge import judge

CASES = Path(__file__).parents[2] / "cases"
STEP = Step(NOWHERE, "expect: ACK seq=1 ack=1", None)
TEXT = """\
- because: it never answers
  cases:
    a/b[n=1]: ["expect: ACK seq=1 ack=1", nothing]
- because: it resets
  versions: ..6.12
  ip: 4
  cases:
    a/c: ["expect: ACK seq=1 ack=1", "RST*seq=7"]
- disputed: the RFC allows it
  cases:
    a/d[*]: ["expect: ACK seq=1 ack=1", nothing]
    a/d[n=3]: ["expect: ACK seq=1 ack=1", "RST*seq=7"]
"""


def ended(
    case: str, outcome: Outcome, failure: Failure | None = None, *, ip: int = 4, version: str = ""
) -> Record:
    profile = Profile("toy", msl=1.0, version=version)
    record = Record(Case(case, "a.yaml", "t", (STEP,)), profile, Addressing(ip=ip))
    record.verdict = Verdict(outcome, failure.message if failure else "", STEP, failure)
    return record


@pytest.fixture
def young(monkeypatch: pytest.MonkeyPatch) -> None:
    """``a/young`` came in 0.6.0, all else before."""
    came = {"0.5.0": frozenset({"a/young"}), "0.6.0": frozenset[str]()}
    monkeypatch.setattr("conformance.targets.deviations.newer", came.__getitem__)


@pytest.fixture
def table(tmp_path: Path) -> deviations.Deviations:
    (tmp_path / "t.yaml").write_text(TEXT)
    return deviations.load(tmp_path / "t.yaml")


NOTHING = Failure("nothing came within 1s")
RESET = Failure("another segment came", (), "RST,ACK seq=7 win=0 <TS 5/6>")


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (ended("a/b[n=1]", Outcome.FAIL, NOTHING), Outcome.DEVIATES),
        (ended("a/b[n=1]", Outcome.BLOCKED, NOTHING), Outcome.DEVIATES),
        (ended("a/b[n=1]", Outcome.FAIL, RESET), Outcome.FAIL),
        (ended("a/b[n=2]", Outcome.FAIL, NOTHING), Outcome.FAIL),
        (ended("a/b[n=1]", Outcome.PASS), Outcome.FAIL),
        (ended("a/d[n=1]", Outcome.FAIL, NOTHING), Outcome.DEVIATES),
        (ended("a/d[n=2]", Outcome.FAIL, RESET), Outcome.FAIL),
        (ended("a/d[n=2]", Outcome.PASS), Outcome.FAIL),
        (ended("a/d[n=3]", Outcome.FAIL, RESET), Outcome.DEVIATES),
        (ended("a/d[n=3]", Outcome.FAIL, NOTHING), Outcome.FAIL),
        (ended("a/b[n=1]", Outcome.SKIPPED), Outcome.SKIPPED),
        (ended("a/b[n=1]", Outcome.ERROR), Outcome.ERROR),
        (ended("a/b[n=1]", Outcome.INCONCLUSIVE, NOTHING), Outcome.DEVIATES),
        (ended("a/b[n=1]", Outcome.INCONCLUSIVE, RESET), Outcome.INCONCLUSIVE),
        (ended("a/b[n=1]", Outcome.INCONCLUSIVE), Outcome.INCONCLUSIVE),
        (ended("a/c", Outcome.FAIL, RESET, version="6.12.117"), Outcome.DEVIATES),
        (ended("a/c", Outcome.FAIL, RESET, version="6.13"), Outcome.FAIL),
        (ended("a/c", Outcome.PASS, version="6.13"), Outcome.PASS),
        (ended("a/c", Outcome.FAIL, RESET, version="6.1", ip=6), Outcome.FAIL),
    ],
)
def test_an_entry_is_strict(table: deviations.Deviations, record: Record, outcome: Outcome) -> None:
    table.settle(record)
    assert record.verdict is not None
    assert record.verdict.outcome is outcome


def test_what_is_disputed_is_counted_apart(table: deviations.Deviations) -> None:
    records = [ended("a/d[n=1]", Outcome.FAIL, NOTHING), ended("a/b[n=1]", Outcome.FAIL, NOTHING)]
    for record in records:
        table.settle(record)
    assert records[0].verdict is not None
    assert records[0].verdict.reason == "disputed: the RFC allows it"
    assert Summary.of(records).line() == "2 deviate (1 disputed)   0.0 s"


def test_what_was_mended_says_which_entry_has_to_go(table: deviations.Deviations) -> None:
    record = ended("a/b[n=1]", Outcome.PASS)
    table.settle(record)
    assert record.verdict is not None
    assert record.verdict.reason == (
        "toy is known to end at expect: ACK seq=1 ack=1 (it never answers), and did not"
    )


def test_the_page_of_what_was_mended_says_so_too(table: deviations.Deviations) -> None:
    record = ended("a/b[n=1]", Outcome.PASS)
    table.settle(record)
    told = explain(record, requirement_text=lambda _: None)
    assert "Toy is known to end at expect: ACK seq=1 ack=1 (it never answers), and did not." in told


def test_a_record_is_judged_again_in_the_same_light(table: deviations.Deviations) -> None:
    record = ended("a/b[n=1]", Outcome.FAIL, NOTHING)
    table.settle(record)
    (loaded,) = load_records(dump(record))
    again = judge(dataclasses.replace(record.case), loaded)
    deviations.as_then(again, loaded)
    assert again.verdict is not None
    assert again.verdict.outcome is Outcome.DEVIATES


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: b", "a list of groups expected"),
        ("- cases: {a: [b, c]}", "this group has no because:"),
        ("- because: x", "this group has no cases:"),
        ("- disputed:\n  cases: {a: [b, c]}", "a reason expected"),
        ("- because: x\n  disputed: y\n  cases: {a: [b, c]}", "no such disputed"),
        ("- because: x\n  cases: {a: b}", "the step and what is seen there expected"),
        ("- because: x\n  case: {a: [b, c]}\n  cases: {}", "unknown key case"),
        ("- because: x\n  versions: 6\n  cases: {a: [b, c]}", "no such versions"),
        ("- because: x\n  ip: 5\n  cases: {a: [b, c]}", "no such ip"),
        (
            "- because: x\n  cases: {a: [b, c]}\n- because: y\n  cases: {a: [b, c]}",
            "a is here twice",
        ),
        ("- cases: soon", "no such cases"),
        ("- cases: 0.5.0\n- cases: 0.6.0", "a second version of the cases"),
        ("- cases: 0.5.0\n  because: x", "this group has no cases:"),
        ("- [", "yaml"),
    ],
)
def test_a_wrong_file_is_told_with_its_places(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(CaseFaults) as caught:
        deviations.load(path)
    assert f"{path}:" in str(caught.value)
    assert told in str(caught.value) or told == "yaml"


@pytest.mark.usefixtures("young")
@pytest.mark.parametrize(
    ("case", "version", "outcome"),
    [
        ("a/young[n=1]", "0.5.0", Outcome.DEVIATES),
        ("a/young", "0.6.0", Outcome.FAIL),
        ("a/old", "0.5.0", Outcome.FAIL),
        ("a/known", "0.5.0", Outcome.FAIL),  # elsewhere than its entry says
    ],
)
def test_a_case_younger_than_the_file_is_new_and_no_failure(
    case: str, version: str, outcome: Outcome
) -> None:
    text = f"- cases: {version}\n- because: x\n  cases:\n    a/known: [b, c]\n"
    record = ended(case, Outcome.FAIL, NOTHING)
    deviations.read_text(text, reasons=True).settle(record)
    assert record.verdict
    assert (record.verdict.outcome, record.verdict.failure) == (outcome, NOTHING)
    assert record.verdict.new == (outcome is Outcome.DEVIATES)
    if record.verdict.new:
        assert record.verdict.reason == "new: this case came after 0.5.0; nothing came within 1s"
        assert (
            Summary.of([record])
            .line()
            .startswith("1 deviates (1 new: --observed writes them down)")
        )
    passed = ended(case, Outcome.PASS)
    deviations.read_text(f"- cases: {version}\n").settle(passed)
    assert passed.verdict
    assert passed.verdict.outcome is Outcome.PASS


@pytest.mark.parametrize("path", sorted((CASES.parent / "cases").glob("versions.txt")), ids=str)
def test_each_case_that_a_version_came_with_is_there(path: Path) -> None:
    ids = [line for line in path.read_text().splitlines() if "/" in line]
    assert len(ids) == len(set(ids)) == len(releases.listed())
    assert [id for id in ids if not (CASES / f"{id}.yaml").is_file()] == []
    assert releases.newer("0.0.1") >= set(ids)
    assert not releases.newer(__version__) & set(ids)


@pytest.mark.parametrize(
    ("version", "versions", "inside"),
    [
        ("", "", True),
        ("", "6.5..", False),
        ("6.12.117", "..6.12", True),
        ("6.13", "..6.12", False),
        ("6.5.0", "6.5..", True),
        ("6.5", "6.5..", True),
        ("6.4.9", "6.5..", False),
        ("6.10", "6.9..6.11", True),
        ("6.18.44-fc", "6.18..", True),
    ],
)
def test_versions_are_ranges_with_both_ends(version: str, versions: str, inside: bool) -> None:
    assert within(version, versions) is inside


@pytest.mark.parametrize("path", sorted(DEVIATIONS.parent.glob("*.deviations.yaml")), ids=str)
def test_every_entry_that_is_shipped_names_a_case(path: Path) -> None:
    cases, faults = read()
    assert not faults
    ids = {case.id for case in cases if FRAGMENTS not in case.id}
    known = deviations.load(path)
    assert set(known.entries) <= ids | {all_of(id) for id in ids}
    name = path.name.partition(".")[0]
    assert not [str(fault) for case in cases for fault in known.faults(case, name)]


def test_judging_again_keeps_that_light_by_itself() -> None:
    (case,) = load_case(CASES / "smoke/handshake.yaml")
    records: list[Record] = []
    with Reference() as target:
        target.run([Job(case)], lambda _, record: records.append(record))
    deviations.Deviations({case.id: [KnownDeviation("end", "nothing", "it never ends")]}).settle(
        records[0]
    )
    (loaded,) = load_records(dump(records[0]))
    then, now = records[0].verdict, judge(case, loaded).verdict
    assert then is not None
    assert now is not None
    assert (now.outcome, now.reason) == (then.outcome, then.reason)
    assert now.outcome is Outcome.FAIL
