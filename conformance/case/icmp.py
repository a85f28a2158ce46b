"""ICMP errors by the name a case gives them (RFC 792, RFC 4443, RFC 9293 section 3.9.2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class IcmpName:
    """One error: (type, code) for each IP version, None where the version has no such error.

    ``kind`` is what TCP is to make of it: ``hard`` aborts, ``soft`` is only reported, ``size``
    lowers the path MTU, ``ignored`` is dropped (MUST-55, MUST-56, SHLD-26).
    """

    name: str
    v4: tuple[int, int] | None
    v6: tuple[int, int] | None
    kind: str


ERRORS: Final = (
    IcmpName("net-unreachable", (3, 0), (1, 0), "soft"),
    IcmpName("host-unreachable", (3, 1), (1, 3), "soft"),
    IcmpName("protocol-unreachable", (3, 2), (4, 1), "hard"),
    IcmpName("port-unreachable", (3, 3), (1, 4), "hard"),
    IcmpName("packet-too-big", (3, 4), (2, 0), "size"),
    IcmpName("source-route-failed", (3, 5), None, "soft"),
    IcmpName("source-quench", (4, 0), None, "ignored"),
    IcmpName("ttl-exceeded", (11, 0), (3, 0), "soft"),
    IcmpName("parameter-problem", (12, 0), (4, 0), "soft"),
)
BY_NAME: Final = {error.name: error for error in ERRORS}
