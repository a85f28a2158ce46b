"""Every shipped case on the reference with the tester's numbers wrapping inside the exchange.

It plays what ``conformance run --target reference --isn wrap,syn`` does: no verdict may depend on
the ISN, neither by the harness's arithmetic nor by that of the reference.
"""

from __future__ import annotations

from typing import Final

import pytest
from whole_set import every, shipped

from conformance.case.model import Case
from conformance.play.isn import DISTANCES, isns
from conformance.play.record import Record
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference

CASES: Final = [case for case in shipped() if case.isn is None]
TARGET: Final = Reference()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases = every(50, CASES) if metafunc.config.getoption("sample") else CASES
    metafunc.parametrize("case", cases, ids=lambda case: case.id)


def told(record: Record) -> tuple[str, list[str]]:
    """The end, and the story in relative numbers."""
    assert record.verdict is not None
    return record.verdict.outcome, [entry.text for entry in record.entries]


def test_the_story_is_the_same_wherever_the_numbers_wrap(case: Case) -> None:
    chosen = isns(case, tuple(DISTANCES))
    assert len(chosen) > 2
    for ip in (4, 6):
        wanted = told(TARGET.play(Job(case, ip)))
        for isn in chosen:
            assert told(TARGET.play(Job(case, ip, isn))) == wanted, f"{isn:#x}, IPv{ip}"
