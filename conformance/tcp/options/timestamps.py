"""Timestamps (RFC 7323 section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import NumberField, OptionFamily, Text


@dataclass(frozen=True, slots=True)
class Timestamps:
    """TSval and TSecr, 32 bits each, in the sender's own ticks."""

    value: int
    echo: int

    @property
    def kind(self) -> int:
        return 8

    def encode(self) -> bytes:
        return b"\x08\x0a" + self.value.to_bytes(4) + self.echo.to_bytes(4)


def _decode(body: bytes) -> Timestamps | None:
    if len(body) != 8:
        return None
    return Timestamps(int.from_bytes(body[:4]), int.from_bytes(body[4:]))


_TEXT: Final = Text(
    (NumberField(4, field="TSval"), NumberField(4, field="TSecr")), "/", "TSval and TSecr"
)
TIMESTAMPS: Final = OptionFamily(8, "TS", Timestamps, _decode, _TEXT)
