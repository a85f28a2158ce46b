"""Counts, exit status, the last line, JSON lines."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import report_samples as samples

from conformance.errors import Owner
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report import summary as module
from conformance.report.summary import Summary, case_object, summary_object


def ended(outcome: Outcome, reason: str = "") -> Record:
    return samples.record([], Verdict(outcome, reason))


def error(owner: Owner) -> Record:
    return samples.record([], Verdict(Outcome.ERROR, "x", owner=owner))


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([ended(Outcome.PASS), ended(Outcome.DEVIATES, "x"), ended(Outcome.SKIPPED, "y")], 0),
        ([ended(Outcome.PASS), ended(Outcome.FAIL)], 1),
        ([ended(Outcome.BLOCKED)], 1),
        ([ended(Outcome.INCONCLUSIVE)], 1),
        ([ended(Outcome.FAIL), error(Owner.CASE)], 2),
        *[([ended(Outcome.FAIL), error(owner)], 3) for owner in set(Owner) - {Owner.CASE}],
        ([ended(Outcome.FAIL), ended(Outcome.ERROR, "the case is wrong: x")], 3),
        ([error(Owner.CASE), error(Owner.TARGET)], 3),
        ([], 2),
        ([samples.record([], None)], 3),
        ([ended(Outcome.SKIPPED, "y")], 2),
        ([ended(Outcome.SKIPPED, "y")] * 2 + [ended(Outcome.PASS)], 0),
        ([ended(Outcome.SKIPPED, "y"), ended(Outcome.FAIL, "x")], 1),
    ],
)
def test_exit_status(records: list[Record], status: int) -> None:
    assert Summary.of(records).exit_status == status


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_counted_and_told(outcome: Outcome) -> None:
    summary = Summary.of([ended(outcome, "why")])
    assert summary.outcomes[outcome] == 1
    assert summary.line().startswith("1 ")


def test_last_line() -> None:
    records = [ended(Outcome.PASS)] * 112 + [ended(Outcome.DEVIATES, "x")] * 3
    records += [ended(Outcome.SKIPPED, "linux has no PATH")] * 2
    line = Summary.of(records, left_out=9, seconds=4.21).line()
    assert line == (
        "112 passed, 3 deviate, 2 skipped (linux has no PATH), "
        "9 slow ones left out: add --slow   4.2 s"
    )


def test_last_line_tells_of_states_that_nobody_could_read() -> None:
    records = [ended(Outcome.PASS), ended(Outcome.PASS, "2 states were not read")]
    told = "2 passed (1 with a remark)   0.0 s"
    assert Summary.of(records).line() == told


def test_last_line_of_a_bad_run() -> None:
    reasons = ["no PATH", "no PATH", "no ICMP", "no IPV6", "no STATE"]
    records = [ended(Outcome.SKIPPED, reason) for reason in reasons]
    records += [ended(Outcome.FAIL), ended(Outcome.ERROR, "gone"), ended(Outcome.ERROR, "gone")]
    records.append(replace(ended(Outcome.INCONCLUSIVE), reruns=2))
    line = Summary.of(records, left_out=1).line()
    assert line == (
        "2 errors, 1 failed, 1 inconclusive, 5 skipped (2 no PATH; 1 no ICMP; 1 no IPV6; "
        "1 for other reasons), 1 played again alone, 1 slow one left out: add --slow   0.0 s"
    )
    assert Summary().line() == "nothing was played   0.0 s"
    assert "\033[1;31m1 failed\033[0m" in Summary.of(records).line(color=True)


def test_json_lines_have_the_documented_keys() -> None:
    records = [samples.passed(), samples.wrong_segment(), samples.skipped()]
    rows = [
        *map(case_object, records),
        summary_object(Summary.of(records, left_out=4, seconds=1.5)),
    ]
    assert [json.loads(json.dumps(row)) for row in rows] == rows
    assert module.__doc__ is not None
    for row in rows[:-1]:
        assert row["type"] == "case"
        assert all(key in module.__doc__ for key in row)
        assert row.keys() == rows[0].keys()
    assert rows[-1] == {
        "type": "summary",
        "outcomes": {str(o): int(o in ("pass", "fail", "skipped")) for o in Outcome},
        "left_out": 4,
        "reruns": 0,
        "tolerated": {},
        "without": {},
        "seconds": 1.5,
        "exit_status": 1,
    }


def test_a_failure_in_json() -> None:
    row = case_object(samples.wrong_segment())
    assert row["outcome"] == "fail"
    assert row["step"] == f"{samples.PATH}:12:5"
    assert row["expected"][0] == "ACK seq=2 ack=2 <TS */*>"
    assert row["differences"][1] == {"field": "ack", "expected": "2 (RCV.NXT)", "actual": "0"}
    assert row["id"] == "rfc9293/3.6-close/lost-ack::linux-ipv4"


def test_times_in_json() -> None:
    record = samples.wrong_segment()
    row = case_object(record)
    assert (row["seconds"], row["lateness"]) == (record.entries[-1].at, 0.001)
    row = case_object(samples.record([], None))
    assert (row["seconds"], row["lateness"], row["step"]) == (0.0, 0.0, "")
    assert (row["outcome"], row["reason"]) == ("error", "it never ended")
    assert Summary.of([]).left_out == 0
