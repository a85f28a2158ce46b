"""Cases against targets."""

from __future__ import annotations

from dataclasses import replace

import report_samples as samples

from conformance.play.record import Addressing, Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report.matrix import matrix


def ended(case: str, target: str, ip: int, outcome: Outcome) -> Record:
    record = samples.record([], Verdict(outcome))
    record.case = replace(record.case, id=case)
    record.profile = replace(record.profile, name=target)
    record.addressing = Addressing(ip=ip)
    return record


RECORDS = [
    ended("rfc9293/close/alike", "linux", 4, Outcome.PASS),
    ended("rfc9293/close/alike", "linux", 6, Outcome.PASS),
    ended("rfc9293/close/alike", "reference", 4, Outcome.PASS),
    ended("rfc9293/close/differs", "linux", 4, Outcome.DEVIATES),
    ended("rfc9293/close/differs", "linux", 6, Outcome.FAIL),
    ended("rfc9293/close/differs", "reference", 4, Outcome.PASS),
    ended("rfc9293/close/missing", "linux", 4, Outcome.PASS),
    ended("rfc9293/close/missing", "linux", 6, Outcome.INCONCLUSIVE),
    ended("rfc9293/close/two", "linux", 4, Outcome.PASS),
    ended("rfc9293/close/two", "linux", 6, Outcome.PASS),
    ended("rfc9293/close/two", "reference", 4, Outcome.BLOCKED),
    ended("rfc9293/close/worse", "linux", 4, Outcome.FAIL),
    ended("rfc9293/close/worse", "linux", 6, Outcome.FAIL),
    ended("rfc9293/close/worse", "reference", 4, Outcome.FAIL),
]


def test_differences_first() -> None:
    samples.golden("matrix", matrix(RECORDS))


def test_every_case_when_asked_for() -> None:
    text = matrix(RECORDS, every=True)
    samples.golden("matrix-every", text)
    assert text.index("close/worse") > text.index("close/missing")


def test_a_run_in_which_all_agree() -> None:
    assert matrix(RECORDS[:3]) == "1 alike on all 3: 1 pass\n"
    assert matrix([]) == "nothing was played\n"


def test_colour() -> None:
    assert "\033[1;31mfail\033[0m" in matrix(RECORDS, color=True)
    assert "\033" not in matrix(RECORDS)
