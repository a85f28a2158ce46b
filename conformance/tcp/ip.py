"""The IP layer under a segment: what a case asks of it, and what was seen of it.

One name serves both versions where both have the field (RFC 791 3.1, RFC 8200 3): ``ttl`` is the
hop limit, ``tos`` the traffic class. IPv6 has no DF: its routers never fragment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TTL: Final = 64  # RFC 1700's default, and what a driver sends unless it is told otherwise
# RFC 3168 section 5, the two bits of the octet.
ECN: Final = {"not-ECT": 0, "ECT1": 1, "ECT0": 2, "CE": 3}
ECT0: Final = 2
CE: Final = 3


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


DRIVERS: Final = IpFields()  # nothing asked of it: the driver's own


def padded_4(options: bytes) -> bytes:
    """Options of IPv4 in whole words: zeros end the list (RFC 791 3.1)."""
    return options + bytes(-len(options) % 4)


def padded_6(options: bytes) -> bytes:
    """Options of a header of IPv6, with Pad1 or PadN at the end (RFC 8200 4.2)."""
    room = -(len(options) + 2) % 8
    if room < 2:
        return options + bytes(room)
    return options + bytes((1, room - 2)) + bytes(room - 2)
