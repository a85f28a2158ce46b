"""Window Scale (RFC 7323 section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import NumberField, OptionFamily, Text


@dataclass(frozen=True, slots=True)
class WindowScale:
    """The shift count; above 14 is legal on the wire and taken as 14 (RFC 7323 2.3)."""

    shift: int

    @property
    def kind(self) -> int:
        return 3

    def encode(self) -> bytes:
        return bytes((3, 3, self.shift))


def _decode(body: bytes) -> WindowScale | None:
    return WindowScale(body[0]) if len(body) == 1 else None


WSCALE: Final = OptionFamily(3, "wscale", WindowScale, _decode, Text((NumberField(1),)))
