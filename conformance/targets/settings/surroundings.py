"""Surroundings of a run on Linux: what a case does not set, set as others have it.

A case is played where nothing but itself decides: reno, no limits, no cookies. That hides what only
shows in the settings that every distribution ships, or with a part of the recovery switched off.
What a case sets itself stays as it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.errors import CaseError
from conformance.notation.scanner import suggest

_CUBIC: Final = {"net.ipv4.tcp_congestion_control": "cubic"}
SURROUNDINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "distribution": {  # a thousand challenge ACKs a second was the default up to 5.18
        **_CUBIC,
        "net.ipv4.tcp_challenge_ack_limit": "1000",
        "net.ipv4.tcp_invalid_ratelimit": "500",
        "net.ipv4.tcp_syncookies": "1",
        "net.ipv4.icmp_ratelimit": "1000",
        "net.ipv6.icmp.ratelimit": "1000",
    },
    "cubic": _CUBIC,
    "no-rack": {"net.ipv4.tcp_recovery": "0"},  # RFC 6675 alone
    "no-frto": {"net.ipv4.tcp_frto": "0"},  # RFC 5682
    "no-dsack": {"net.ipv4.tcp_dsack": "0"},  # nothing is undone for a D-SACK (RFC 3708)
    "no-tlp": {"net.ipv4.tcp_early_retrans": "0"},  # RFC 8985 section 7
}


def named(name: str) -> str:
    """The name, if there are such surroundings, or empty; CaseError."""
    if name and name not in SURROUNDINGS:
        known = sorted(SURROUNDINGS)
        hint = suggest(name, known) or f"there are {', '.join(known)}"
        raise CaseError(f"no surroundings are called {name!r}: {hint}")
    return name
