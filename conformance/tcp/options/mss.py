"""Maximum Segment Size (RFC 9293 3.7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import NumberField, OptionFamily, Text


@dataclass(frozen=True, slots=True)
class Mss:
    """Maximum Segment Size in octets."""

    size: int

    @property
    def kind(self) -> int:
        return 2

    def encode(self) -> bytes:
        return b"\x02\x04" + self.size.to_bytes(2)


def _decode(body: bytes) -> Mss | None:
    return Mss(int.from_bytes(body)) if len(body) == 2 else None


MSS: Final = OptionFamily(2, "mss", Mss, _decode, Text((NumberField(2),)))
