"""The IP layer of the frames: headers built by scapy, extension headers, fragments.

``packets`` makes of a TCP segment, or an ICMP message, what stands behind the Ethernet header:
one packet, or its fragments. ``read_extensions`` takes the headers of IPv6
apart that a receiver has to pass over.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from conformance.errors import CaseError
from conformance.tcp.ip import Fragments, IpFields

IP: Final = 20
IP6: Final = 40
HOP_BY_HOP: Final = 0
DESTINATION: Final = 60
_FRAGMENT: Final = 44
_MORE, _DF = 1, 2
_MOST: Final = 65535


@dataclass(frozen=True, slots=True)
class _Piece:
    """Octets of a packet's body; ``id`` is 0 where it is no fragment."""

    octets: bytes
    first: int = 0
    more: bool = False
    id: int = 0


class PacketBuilder:
    """Builds the packets of one IP version and direction, on one scapy object."""

    def __init__(self, version: int, header: Any, checksum: Callable[[bytes], int]) -> None:
        """``header``: with addresses, else all defaults."""
        self._six, self._header, self._checksum = version == 6, header, checksum
        self._id = 0

    def packets(self, fields: IpFields, protocol: int, body: bytes) -> list[bytes]:
        """What stands in each frame behind its Ethernet header, in the order of sending."""
        if self._six and fields.destination:
            body = _extension(protocol, fields.destination) + body
            protocol = DESTINATION
        pieces = [_Piece(body)]
        if fields.fragments is not None:
            self._id = self._id % _MOST + 1
            pieces = list(_cut(body, fields.fragments, self._id))
        build = self._six_packet if self._six else self._four_packet
        return [build(fields, protocol, piece) + fields.behind for piece in pieces]

    def _four_packet(self, fields: IpFields, protocol: int, piece: _Piece) -> bytes:
        df = piece.id == 0 if fields.df is None else fields.df
        words = 5 + len(fields.options) // 4
        self._header.fields.update(
            version=4,
            ihl=words,
            len=_length(4 * words + len(piece.octets) + fields.length),
            id=piece.id,
            flags=_DF * df + _MORE * piece.more,
            frag=piece.first // 8,
            proto=protocol,
            ttl=fields.number("ttl"),
            tos=fields.number("tos"),
            chksum=0,
        )
        octets: bytes = self._header.self_build() + fields.options
        octets = octets[:10] + struct.pack("!H", self._checksum(octets)) + octets[12:]
        return octets + piece.octets

    def _six_packet(self, fields: IpFields, protocol: int, piece: _Piece) -> bytes:
        body = piece.octets
        if piece.id:
            offset = piece.first | piece.more
            body = struct.pack("!BBHI", protocol, 0, offset, piece.id) + body
            protocol = _FRAGMENT
        if fields.hop_by_hop:
            body = _extension(protocol, fields.hop_by_hop) + body
            protocol = HOP_BY_HOP
        self._header.fields.update(
            plen=_length(len(body) + fields.length),
            nh=protocol,
            hlim=fields.number("ttl"),
            tc=fields.number("tos"),
            fl=fields.number("flow"),
        )
        return bytes(self._header.self_build()) + body


def _length(octets: int) -> int:
    if not 0 <= octets <= _MOST:
        raise CaseError(f"A packet's length has 16 bits, and cannot be {octets}.")
    return octets


def _extension(protocol: int, options: bytes) -> bytes:
    return bytes((protocol, (len(options) + 2) // 8 - 1)) + options


def _cut(body: bytes, plan: Fragments, id: int) -> Iterator[_Piece]:
    """The pieces in the order of sending; each but the last is a multiple of eight octets."""
    size = (-(-len(body) // plan.count) + 7) // 8 * 8
    if size * (plan.count - 1) >= len(body):
        raise CaseError(f"{len(body)} octets do not make {plan.count} fragments.")
    if plan.overlap > size:
        raise CaseError(f"A fragment of {size} octets cannot repeat {plan.overlap}.")
    numbers = range(plan.count)
    for number in reversed(numbers) if plan.reversed else numbers:
        first, end = number * size, min(len(body), (number + 1) * size)
        first -= plan.overlap if number else 0
        yield _Piece(body[first:end], first, end < len(body), id)


def read_extensions(protocol: int, body: bytes) -> tuple[int, bytes, bytes, bytes]:
    """Hop-by-hop and destination options, once each in that order: what follows, and both.

    A header that is cut off or comes again is left where it is.
    """
    found = {HOP_BY_HOP: b"", DESTINATION: b""}
    for kind in found:
        size = 8 * (body[1] + 1) if len(body) >= 8 else 0
        if protocol == kind and 0 < size <= len(body):
            protocol, found[kind], body = body[0], body[2:size], body[size:]
    return protocol, body, found[HOP_BY_HOP], found[DESTINATION]


def differing(**fields: int) -> dict[str, Any]:
    """The fields of a packet that are not what the driver itself would send; None the others."""
    own = IpFields()
    return {name: None if value == own.number(name) else value for name, value in fields.items()}
