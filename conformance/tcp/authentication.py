"""Digests of segments: the TCP MD5 option (RFC 2385) and TCP-AO (RFC 5925, RFC 5926).

Pure functions of a key, the two addresses in octets, and the segment. The option whose digest is
computed must be in the segment; what its digest is does not matter.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from conformance.tcp import options as tcp
from conformance.tcp.options.ao import SIZE as AO_SIZE
from conformance.tcp.options.ao import Ao
from conformance.tcp.options.md5 import SIZE as MD5_SIZE
from conformance.tcp.options.md5 import Md5
from conformance.tcp.segment import Segment, header_words

_LABEL: Final = b"TCP-AO"
_BITS: Final = 160  # of a traffic key of SHA-1


@dataclass(frozen=True, slots=True)
class Ends:
    """The addresses of a segment, in octets of their IP version."""

    source: bytes
    destination: bytes

    @classmethod
    def of(cls, source: str, destination: str) -> Ends:
        """Of two addresses as they are written."""
        return cls(ip_address(source).packed, ip_address(destination).packed)

    @property
    def turned(self) -> Ends:
        """Of a segment the other way."""
        return Ends(self.destination, self.source)

    def pseudo_header(self, length: int) -> bytes:
        """That of the checksum (RFC 9293 section 3.1) over ``length`` octets of TCP."""
        if len(self.source) == 4:
            return self.source + self.destination + struct.pack("!HH", 6, length)
        return self.source + self.destination + struct.pack("!II", length, 6)


def _header(segment: Segment) -> bytes:
    """The TCP header without options, its checksum zero."""
    words = header_words(segment) if segment.offset is None else segment.offset
    bits = (words & 15) << 12 | segment.reserved << 9 | int(segment.flags)
    numbers = (segment.sport, segment.dport, segment.seq, segment.ack)
    return struct.pack("!HHIIHHHH", *numbers, bits, segment.window, 0, segment.urgent)


def with_digest(segment: Segment, kind: type[Md5 | Ao], digest: bytes) -> Segment:
    """The segment whose option of this kind has this digest."""
    changed = [_changed(one, digest) if isinstance(one, kind) else one for one in segment.options]
    return replace(segment, options=tuple(changed))


def _changed(option: Md5 | Ao, digest: bytes) -> Md5 | Ao:
    return Md5(digest) if isinstance(option, Md5) else replace(option, mac=digest)


def summed(ends: Ends, segment: Segment) -> bytes:
    """What the checksum is of: pseudo-header, header with options, text (RFC 9293 section 3.1)."""
    told = _header(segment) + tcp.encode(segment.options) + segment.payload
    return ends.pseudo_header(len(told)) + told


def md5_digest(key: bytes, ends: Ends, segment: Segment) -> bytes:
    """RFC 2385 section 2.0: pseudo-header, header without options, text, key."""
    segment = with_digest(segment, Md5, bytes(MD5_SIZE))
    length = 4 * header_words(segment) + len(segment.payload)
    told = ends.pseudo_header(length) + _header(segment) + segment.payload + key
    import hashlib  # OpenSSL: for who signs alone

    return hashlib.md5(told, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the key of one direction of a connection is made of (RFC 5925 section 5.2).

    ``isns``: the sender's and the receiver's, 0 for one that is not known yet.
    """

    master: bytes
    ends: Ends
    ports: tuple[int, int]
    isns: tuple[int, int]

    @property
    def key(self) -> bytes:
        """KDF_HMAC_SHA1 of RFC 5926 section 3.1.1.1, whose one round is enough."""
        ends = self.ends.source + self.ends.destination
        context = ends + struct.pack("!HHII", *self.ports, *self.isns)
        told = b"\1" + _LABEL + context + struct.pack("!H", _BITS)
        return _hmac(self.master, told)


def ao_mac(traffic: Traffic, sne: int, segment: Segment, *, covered: bool = True) -> bytes:
    """HMAC-SHA-1-96 (RFC 5926 section 3.2.1) of what RFC 5925 section 5.1 lists.

    ``sne``: the extension of the segment's sequence number; ``covered``: the other options too.
    """
    segment = with_digest(segment, Ao, bytes(AO_SIZE))
    length = 4 * header_words(segment) + len(segment.payload)
    options = tcp.encode(segment.options)
    if not covered:
        options = b"".join(one.encode() for one in segment.options if isinstance(one, Ao))
    told = struct.pack("!I", sne) + traffic.ends.pseudo_header(length) + _header(segment)
    return _hmac(traffic.key, told + options + segment.payload)[:AO_SIZE]


def _hmac(key: bytes, text: bytes) -> bytes:
    import hmac  # OpenSSL: for who signs alone

    return hmac.digest(key, text, "sha1")
