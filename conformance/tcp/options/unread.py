"""What no other family reads: kept as it came, to be judged, printed and sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import NumberField, OptionFamily, Text


@dataclass(frozen=True, slots=True)
class Unknown:
    """A well-formed option of a kind, or of a length, that no family reads."""

    kind: int
    body: bytes

    def encode(self) -> bytes:
        return bytes((self.kind, len(self.body) + 2)) + self.body


@dataclass(frozen=True, slots=True)
class Malformed:
    """The rest of an options field from the option whose length is impossible (MUST-7)."""

    octets: bytes

    @property
    def kind(self) -> int:
        return self.octets[0]

    def encode(self) -> bytes:
        return self.octets


UNKNOWN: Final = OptionFamily(
    None, "kind", Unknown, text=Text((NumberField(1),), octets=True, literal=True)
)
MALFORMED: Final = OptionFamily(None, "malformed", Malformed, text=None)
