"""SACK-Permitted (RFC 2018 section 2)."""

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


def _decode(body: bytes) -> SackPermitted | None:
    return SackPermitted() if not body else None


SACK_PERMITTED: Final = OptionFamily(4, "sackOK", SackPermitted, _decode)
