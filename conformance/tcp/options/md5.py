"""TCP MD5 signature (RFC 2385 section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import OptionFamily, Text

SIZE: Final = 16  # octets of a digest


@dataclass(frozen=True, slots=True)
class Md5:
    """A digest of 16 octets; empty while it is not computed."""

    digest: bytes = b""

    @property
    def kind(self) -> int:
        return 19

    def encode(self) -> bytes:
        return bytes((19, len(self.digest) + 2)) + self.digest


def _decode(body: bytes) -> Md5 | None:
    return Md5(body) if len(body) == SIZE else None


_TEXT: Final = Text(octets=True, quoted="digest", sizes=(0, SIZE), computed=SIZE)
MD5: Final = OptionFamily(19, "md5", Md5, _decode, _TEXT)
