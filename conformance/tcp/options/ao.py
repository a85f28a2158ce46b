"""TCP Authentication Option (RFC 5925 section 2.2), its MAC of 96 bits (RFC 5926)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import NumberField, OptionFamily, Text

SIZE: Final = 12  # octets of a MAC


@dataclass(frozen=True, slots=True)
class Ao:
    """The key of this segment, the key that its sender is ready for, the MAC; empty: to compute."""

    key_id: int
    rnext: int
    mac: bytes = b""

    @property
    def kind(self) -> int:
        return 29

    def encode(self) -> bytes:
        return bytes((29, len(self.mac) + 4, self.key_id, self.rnext)) + self.mac


def _decode(body: bytes) -> Ao | None:
    return Ao(body[0], body[1], body[2:]) if len(body) == SIZE + 2 else None


_NUMBERS: Final = (NumberField(1, field="KeyID"), NumberField(1, field="RNext"))
_TEXT: Final = Text(_NUMBERS, "/", "KeyID and RNextKeyID", octets=True, quoted="mac",
                    sizes=(0, SIZE), computed=SIZE)  # fmt: skip
AO: Final = OptionFamily(29, "ao", Ao, _decode, _TEXT)
