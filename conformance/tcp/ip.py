"""The IP layer under a segment: what a case asks of it, and what was seen of it.

One name serves both versions where both have the field (RFC 791 3.1, RFC 8200 3): ``ttl`` is the
hop limit, ``tos`` the traffic class. IPv6 has no DF: its routers never fragment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.dataclass import dataclass

TTL: Final = 64  # RFC 1700's default, and what a driver sends unless it is told otherwise
# RFC 3168 section 5, the two bits of the octet.
ECN: Final = {"not-ECT": 0, "ECT1": 1, "ECT0": 2, "CE": 3}
ECT0: Final = 2
CE: Final = 3
# Whom a packet may name in place of its ends, by IP version; none: the target's own address.
# Multicast: all hosts of the link. Nobody, and the second address that a target may have: of the
# documentation addresses (RFC 5737, RFC 3849).
SECOND: Final = "second"
STRANGERS: Final[Mapping[str, Mapping[int, str]]] = {
    "target": {},
    SECOND: {4: "198.51.100.2", 6: "2001:db8:1::2"},
    "broadcast": {4: "255.255.255.255"},
    "multicast": {4: "224.0.0.1", 6: "ff02::1"},
    "loopback": {4: "127.0.0.1", 6: "::1"},
    "unspecified": {4: "0.0.0.0", 6: "::"},
    "nobody": {4: "203.0.113.254"},  # of IPv6 a host may say so, by an ICMP error
}
# The tester's address and the target's where no wire has others (RFC 5737, RFC 3849).
ENDS: Final[Mapping[int, tuple[str, str]]] = {
    4: ("192.0.2.1", "192.0.2.2"),
    6: ("2001:db8::1", "2001:db8::2"),
}
FROM: Final = ("target", SECOND, "broadcast", "multicast", "loopback", "unspecified")
OWN: Final = ("target", SECOND)
TO: Final = ("broadcast", "multicast", "loopback", "nobody", SECOND)


@dataclass(frozen=True, slots=True)
class Fragments:
    """A packet in ``count`` pieces, each but the first beginning ``overlap`` octets too early."""

    count: int
    reversed: bool = False
    overlap: int = 0


@dataclass(frozen=True, slots=True)
class IpFields:
    """What a case may ask of the IP layer; None, zero or empty leaves it to the driver.

    Of a segment that was read: what differs from the driver's own. ``options`` are those of IPv4,
    in whole words; ``hop_by_hop`` and ``destination`` the options of the headers of IPv6, 6 octets
    more than a multiple of eight. ``length`` is what the packet's length says too much, octets;
    ``behind`` stands behind the packet in the frame. ``sender`` and ``receiver`` are ``STRANGERS``.
    """

    ttl: int | None = None
    tos: int | None = None
    df: bool | None = None
    flow: int | None = None
    options: bytes = b""
    hop_by_hop: bytes = b""
    destination: bytes = b""
    length: int = 0
    behind: bytes = b""
    fragments: Fragments | None = None
    sender: str = ""
    receiver: str = ""

    def number(self, name: str) -> int:
        """A field as it stands on the wire, by its name in a case."""
        tos = self.tos or 0
        return {
            "ttl": TTL if self.ttl is None else self.ttl,
            "tos": tos,
            "dscp": tos >> 2,
            "ecn": tos & 3,
            "df": int(self.df is not False),
            "flow": self.flow or 0,
        }[name]


def padded_4(options: bytes) -> bytes:
    """Options of IPv4 in whole words: zeros end the list (RFC 791 3.1)."""
    return options + bytes(-len(options) % 4)


def padded_6(options: bytes) -> bytes:
    """Options of a header of IPv6, with Pad1 or PadN at the end (RFC 8200 4.2)."""
    room = -(len(options) + 2) % 8
    if room < 2:
        return options + bytes(room)
    return options + bytes((1, room - 2)) + bytes(room - 2)
