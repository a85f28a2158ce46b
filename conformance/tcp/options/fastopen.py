"""TCP Fast Open (RFC 7413 section 4.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import OptionFamily, Text

_SIZES: Final = (0, *range(4, 17, 2))  # octets


@dataclass(frozen=True, slots=True)
class FastOpen:
    """A cookie of 4 to 16 octets, an even number; an empty one asks for a cookie."""

    cookie: bytes = b""

    @property
    def kind(self) -> int:
        return 34

    def encode(self) -> bytes:
        return bytes((34, len(self.cookie) + 2)) + self.cookie


def _decode(body: bytes) -> FastOpen | None:
    return FastOpen(body) if len(body) in _SIZES else None


_TEXT: Final = Text(octets=True, quoted="cookie", sizes=_SIZES)
FASTOPEN: Final = OptionFamily(34, "fastopen", FastOpen, _decode, _TEXT)
