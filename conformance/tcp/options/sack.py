"""Selective acknowledgment (RFC 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import OptionFamily


@dataclass(frozen=True, slots=True)
class SackPermitted:
    """Sent with a SYN only (RFC 2018 section 2)."""

    @property
    def kind(self) -> int:
        return 4

    def encode(self) -> bytes:
        return b"\x04\x02"


@dataclass(frozen=True, slots=True)
class Sack:
    """Blocks of absolute sequence numbers, left edge and right edge (RFC 2018 section 3)."""

    blocks: tuple[tuple[int, int], ...]

    @property
    def kind(self) -> int:
        return 5

    def encode(self) -> bytes:
        body = b"".join(edge.to_bytes(4) for block in self.blocks for edge in block)
        return bytes((5, len(body) + 2)) + body


def _permitted(body: bytes) -> SackPermitted | None:
    return SackPermitted() if not body else None


def _sack(body: bytes) -> Sack | None:
    if not body or len(body) % 8:
        return None
    edges = [int.from_bytes(body[at : at + 4]) for at in range(0, len(body), 4)]
    return Sack(tuple(zip(edges[::2], edges[1::2], strict=True)))


SACK_PERMITTED: Final = OptionFamily(4, "sackOK", _permitted)
SACK: Final = OptionFamily(5, "sack", _sack)
