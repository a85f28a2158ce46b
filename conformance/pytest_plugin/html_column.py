"""``pytest --html``, which is pytest-html's: a column with the rules that a case verifies.

The ladder is in what a failure says, which that report shows below its row.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from html import escape
from typing import Final

import pytest

_BEFORE: Final = -1  # the last column leads elsewhere


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_header(cells: MutableSequence[str]) -> None:
    """Have a column more."""
    cells.insert(_BEFORE, "<th>Requirement</th>")


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_row(report: pytest.TestReport, cells: MutableSequence[str]) -> None:
    """Fill it in; a test of others has no rules."""
    rules = [str(value) for name, value in report.user_properties if name == "requirement"]
    cells.insert(_BEFORE, f"<td>{'<br>'.join(map(escape, rules))}</td>")
