"""The README counts what is in the tree: wrong TCPs, legal ones, rows and rules left over."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.sim.faults import faults
from conformance.sim.legal import variants

ROOT = Path(__file__).parents[2]
TEXT = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
COVERAGE = (ROOT / "cases" / "coverage.txt").read_text(encoding="utf-8")


def told(pattern: str, text: str = TEXT) -> list[int]:
    found = re.search(pattern, text)
    assert found, pattern
    return [int(number.replace(",", "")) for number in found.groups()]


def test_the_wrong_and_the_legal_tcps() -> None:
    wrong = faults().values()
    right = sum(bool(one.equivalent) for one in wrong)
    assert told(r"with one named fault each \((\d+)\)") == [len(wrong)]
    assert told(r"Of the (\d+), (\d+) are equivalent") == [len(wrong), right]
    assert told(r"with `--legal` on legal ones \((\d+)\)") == [len(variants())]


def test_what_the_cases_leave_over() -> None:
    rows, _, unseen = told(r"9293 3\.10 +(\d+) +(\d+) +(\d+)", COVERAGE)
    assert told(r"all (\d+) rows but (\d+) that cannot be shown") == [rows, unseen]
    left = told(r"not verified by any case: (\d+)", COVERAGE)
    assert told(r"Of all RFCs (\d+) rules are left") == left
