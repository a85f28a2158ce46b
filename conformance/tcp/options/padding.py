"""The two kinds of a single octet: No-Operation and End of Option List (RFC 9293 section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import OptionFamily


@dataclass(frozen=True, slots=True)
class Nop:
    """No-Operation, one octet."""

    @property
    def kind(self) -> int:
        return 1

    def encode(self) -> bytes:
        return b"\1"


@dataclass(frozen=True, slots=True)
class Eol:
    """End of Option List; ``rest`` is what follows it, zeros in a sane header (MUST-69)."""

    rest: bytes = b""

    @property
    def kind(self) -> int:
        return 0

    def encode(self) -> bytes:
        return b"\0" + self.rest


NOP: Final = OptionFamily(1, "nop", Nop, padding=True)
EOL: Final = OptionFamily(0, "eol", Eol, padding=True)
