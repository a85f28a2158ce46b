"""Selective acknowledgment (RFC 2018 section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import NumberField, OptionFamily, Text


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


def _decode(body: bytes) -> Sack | None:
    if not body or len(body) % 8:
        return None
    edges = [int.from_bytes(body[at : at + 4]) for at in range(0, len(body), 4)]
    return Sack(tuple(zip(edges[::2], edges[1::2], strict=True)))


_EDGE: Final = NumberField(4, sequence=True)
_TEXT: Final = Text((_EDGE, _EDGE), ":", "the edges of a SACK block", repeats=True)
SACK: Final = OptionFamily(5, "sack", Sack, _decode, _TEXT)
