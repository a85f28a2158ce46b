"""Maximum Segment Size (RFC 9293 3.7.1) and Window Scale (RFC 7323 section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import OptionFamily


@dataclass(frozen=True, slots=True)
class Mss:
    """Maximum Segment Size in octets."""

    size: int

    @property
    def kind(self) -> int:
        return 2

    def encode(self) -> bytes:
        return b"\x02\x04" + self.size.to_bytes(2)


@dataclass(frozen=True, slots=True)
class WindowScale:
    """The shift count; above 14 is legal on the wire and taken as 14 (RFC 7323 2.3)."""

    shift: int

    @property
    def kind(self) -> int:
        return 3

    def encode(self) -> bytes:
        return bytes((3, 3, self.shift))


def _mss(body: bytes) -> Mss | None:
    return Mss(int.from_bytes(body)) if len(body) == 2 else None


def _window_scale(body: bytes) -> WindowScale | None:
    return WindowScale(body[0]) if len(body) == 1 else None


MSS: Final = OptionFamily(2, "mss", _mss)
WSCALE: Final = OptionFamily(3, "wscale", _window_scale)
