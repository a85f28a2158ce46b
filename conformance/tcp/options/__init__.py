"""TCP options: one file a family, one tuple that lists them.

Octets to options never fails: what cannot be read is an :class:`Malformed` option, kept as it
came, because a hostile header is a thing to judge and to print, not an exception.
"""

from __future__ import annotations

from typing import Final

from conformance.tcp.options.base import Eol, Malformed, Nop, Option, OptionFamily, Unknown
from conformance.tcp.options.sack import SACK, SACK_PERMITTED, Sack, SackPermitted
from conformance.tcp.options.size import MSS, WSCALE, Mss, WindowScale
from conformance.tcp.options.timestamps import TIMESTAMPS, Timestamps

FAMILIES: Final[tuple[OptionFamily, ...]] = (MSS, WSCALE, SACK_PERMITTED, SACK, TIMESTAMPS)
_BY_KIND: Final = {family.kind: family for family in FAMILIES}


def decode(octets: bytes) -> tuple[Option, ...]:
    """Read an options field, padding and all; never raises (RFC 9293 section 3.2)."""
    options: list[Option] = []
    at = 0
    while at < len(octets):
        kind = octets[at]
        if kind == 0:
            options.append(Eol(octets[at + 1 :]))
            break
        if kind == 1:
            options.append(Nop())
            at += 1
            continue
        length = octets[at + 1] if at + 1 < len(octets) else 0
        if length < 2 or at + length > len(octets):
            options.append(Malformed(octets[at:]))
            break
        body = octets[at + 2 : at + length]
        family = _BY_KIND.get(kind)
        read = family.decode(body) if family else None
        options.append(read if read is not None else Unknown(kind, body))
        at += length
    return tuple(options)


def encode(options: tuple[Option, ...]) -> bytes:
    """The options field, padded with End-of-List zeros to a multiple of four octets."""
    octets = b"".join(option.encode() for option in options)
    return octets + b"\0" * (-len(octets) % 4)


__all__ = [
    "FAMILIES",
    "Eol",
    "Malformed",
    "Mss",
    "Nop",
    "Option",
    "OptionFamily",
    "Sack",
    "SackPermitted",
    "Timestamps",
    "Unknown",
    "WindowScale",
    "decode",
    "encode",
]
