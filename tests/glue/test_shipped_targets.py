"""Every shipped stack whose time is virtual plays every case, and each ends as it is known to."""

from __future__ import annotations

import pytest
from shipped import every_case_ends_as_it_is_known_to, of_clock

from conformance.targets.files.model import ClockKind


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", of_clock(ClockKind.VIRTUAL))
def test_every_case_ends_as_it_is_known_to(name: str) -> None:
    every_case_ends_as_it_is_known_to(name)
