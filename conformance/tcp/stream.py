"""Payload as a function of the stream offset, the same in both directions.

Octet 0 is the first octet after the SYN. Because the value depends on the offset alone, a
retransmission, an overlap or a gap is checked octet by octet with no text in the case. The
agent holds the same three lines (it can import nothing); a test compares the two.
"""

from __future__ import annotations


def octets(offset: int, count: int) -> bytes:
    """The ``count`` octets of the stream from relative ``offset`` (0 is the first octet)."""
    return bytes((i ^ i >> 8 ^ i >> 16) & 0xFF for i in range(offset, offset + count))
