"""Sequence numbers: 32 bits, compared modulo 2**32 (RFC 9293 section 3.4)."""

from __future__ import annotations

from typing import Final

MODULUS: Final = 1 << 32
_HALF: Final = 1 << 31


def wrap(number: int) -> int:
    """The number as it stands in a header, 0 to 2**32 - 1."""
    return number % MODULUS


def diff(left: int, right: int) -> int:
    """``left - right`` as the nearest signed distance, -2**31 to 2**31 - 1 octets."""
    return (left - right + _HALF) % MODULUS - _HALF


def in_window(seq: int, left: int, size: int) -> bool:
    """``left =< seq < left + size`` modulo 2**32; an empty window holds nothing."""
    return (seq - left) % MODULUS < size
