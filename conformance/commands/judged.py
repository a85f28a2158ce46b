"""Whether a pytest session judged anything: one that skipped every case is no success.

It is a plugin of its own, so that it hears the reports of xdist's workers where they are gathered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


class Judged:
    """Counts reports, and what was never asked for.

    ``unmet``: the requirement that was asked for, if no case verifies it; ``slow``: how many cases
    were left out as slow.
    """

    def __init__(self) -> None:
        self.unmet, self.slow = "", 0
        self._judged = self._skipped = 0

    def told(self) -> tuple[str, int]:
        """What a worker of xdist tells: its selection, which is that of all of them."""
        return self.unmet, self.slow

    def hear(self, unmet: str, slow: int) -> None:
        """What a worker told."""
        self.unmet, self.slow = unmet or self.unmet, max(slow, self.slow)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what was judged, of ours or of others, and which of ours was skipped."""
        if report.when == "call" or report.outcome == "skipped":
            skipped = report.outcome == "skipped" and not hasattr(report, "wasxfail")
            self._skipped += skipped and "conformance" in report.keywords
            self._judged += not skipped

    @property
    def nothing(self) -> str:
        """Why nothing was judged; empty when something was, or nothing was to be."""
        if self.unmet:
            return f"no case verifies --requirement {self.unmet}"
        nothing = self._skipped and not self._judged
        return "nothing was judged: every case was skipped" if nothing else ""

    def sentences(self) -> Iterator[str]:
        """What a session says at its end."""
        if self.nothing:
            yield self.nothing
        if self.slow:
            cases = "1 slow case was" if self.slow == 1 else f"{self.slow} slow cases were"
            yield f"{cases} left out; --slow plays them too"
