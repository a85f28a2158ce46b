"""Payload as a function of the stream offset, the same in both directions.

Octet 0 is the first octet after the SYN. Because the value depends on the offset alone, a
retransmission, an overlap or a gap is checked octet by octet with no text in the case. The
agent holds the rule octet by octet (it can import nothing); a test compares the two.
"""

from __future__ import annotations

from typing import Final

_LOW: Final = int.from_bytes(bytes(range(256)))
_EACH: Final = int.from_bytes(b"\1" * 256)


def octets(offset: int, count: int) -> bytes:
    """The ``count`` octets of the stream from relative ``offset`` (0 is the first octet)."""
    rows = range(offset >> 8, (offset + count + 255) >> 8)
    return b"".join(map(_row, rows))[offset & 255 :][:count]


def _row(high: int) -> bytes:
    """The 256 octets whose offset has these higher bits: i ^ i >> 8 ^ i >> 16, low octet."""
    return (_LOW ^ (high ^ high >> 8 & 0xFF) % 256 * _EACH).to_bytes(256)
