"""Path MTU discovery in the reference: what room a report leaves."""

from __future__ import annotations

import pytest

from conformance.reference.path import room


@pytest.mark.parametrize(
    ("mtu", "ip", "mss"),
    [
        (1300, 4, 1260),
        (68, 4, 28),
        (67, 4, 28),
        (0, 4, 536),  # names none: RFC 1191 section 5
        (1300, 6, 1240),
        (1280, 6, 1220),
        (1279, 6, None),  # RFC 8201 section 4
        (0, 6, None),
    ],
)
def test_room_of_a_path(mtu: int, ip: int, mss: int | None) -> None:
    assert room(mtu, ip) == mss
