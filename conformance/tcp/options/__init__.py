"""TCP options: one file a family, one tuple that lists them, and whoever deals with them loops.

A new option is a file beside these, its import and its line in :data:`FAMILIES`: no other code
names it. A word in ``cases/README.md`` is for its users.

Octets to options never fails: what cannot be read is a :class:`Malformed` option, kept as it came,
because a hostile header is a thing to judge and to print, not an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from conformance.tcp.options.accecn import ACCECN0, ACCECN1, AccEcn0, AccEcn1
from conformance.tcp.options.ao import AO, Ao
from conformance.tcp.options.base import NumberField, Option, OptionFamily, Text
from conformance.tcp.options.fastopen import FASTOPEN, FastOpen
from conformance.tcp.options.md5 import MD5, Md5
from conformance.tcp.options.mss import MSS, Mss
from conformance.tcp.options.padding import EOL, NOP, Eol, Nop
from conformance.tcp.options.sack import SACK, Sack
from conformance.tcp.options.sack_permitted import SACK_PERMITTED, SackPermitted
from conformance.tcp.options.timestamps import TIMESTAMPS, Timestamps
from conformance.tcp.options.unread import MALFORMED, UNKNOWN, Malformed, Unknown
from conformance.tcp.options.wscale import WSCALE, WindowScale

FAMILIES: Final[tuple[OptionFamily, ...]] = (
    MSS,
    WSCALE,
    SACK_PERMITTED,
    SACK,
    TIMESTAMPS,
    FASTOPEN,
    MD5,
    AO,
    ACCECN0,
    ACCECN1,
    NOP,
    EOL,
    UNKNOWN,
    MALFORMED,
)
_BY_KIND: Final = {family.kind: family for family in FAMILIES}
_BY_NAME: Final = {family.name: family for family in FAMILIES}
_BY_CLASS: Final = {family.option: family for family in FAMILIES}
WRITTEN: Final = tuple(family.name for family in FAMILIES if family.text is not None)
_NUMBERS: Final = tuple(
    (number.field, family, place)
    for family in FAMILIES
    for place, number in enumerate(family.text.numbers if family.text else ())
    if number.field
)
# The families that have a number of this name, and its place in each.
OPTION_FIELDS: Final[Mapping[str, Mapping[OptionFamily, int]]] = {
    name: {family: place for each, family, place in _NUMBERS if each == name}
    for name, _, _ in _NUMBERS
}
# What an expression quotes of them that is no number.
OCTET_FIELDS: Final[Mapping[str, OptionFamily]] = {
    family.text.quoted: family for family in FAMILIES if family.text and family.text.quoted
}


def family(option: Option) -> OptionFamily:
    """The family of an option; raises LookupError for a class that no family has."""
    try:
        return _BY_CLASS[type(option)]
    except KeyError:
        raise LookupError(f"{type(option).__name__} is an option of no family") from None


def named(name: str) -> OptionFamily:
    """The family of this name; raises LookupError where there is none."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise LookupError(f"no option has the name {name}") from None


def quoted(options: Iterable[Option], name: str) -> int:
    """What an expression means by ``name`` of these options; raises KeyError if none has it."""
    places = OPTION_FIELDS[name]
    for option in options:
        kind = family(option)
        numbers = kind.numbers(option) if kind in places else ()
        if places.get(kind, 0) < len(numbers):
            return numbers[places[kind]]
    raise KeyError(name)


def quoted_octets(options: Iterable[Option], name: str) -> bytes:
    """The octets that ``name`` means of these options; raises KeyError if none has it."""
    family = OCTET_FIELDS[name]
    for option in options:
        if isinstance(option, family.option):
            return family.octets(option) or b""
    raise KeyError(name)


def has_body(kind: int) -> bool:
    """Whether a family reads the body of options of this kind."""
    family = _BY_KIND.get(kind)
    return family is not None and family.decode is not None


def read(kind: int, body: bytes) -> Option:
    """The option of a kind and a body, :class:`Unknown` where no family can read it."""
    family = _BY_KIND.get(kind)
    option = family.decode(body) if family is not None and family.decode is not None else None
    return option if option is not None else Unknown(kind, body)


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
        options.append(read(kind, octets[at + 2 : at + length]))
        at += length
    return tuple(options)


def encode(options: tuple[Option, ...]) -> bytes:
    """The options field, padded with End-of-List zeros to a multiple of four octets."""
    octets = b"".join(option.encode() for option in options)
    return octets + b"\0" * (-len(octets) % 4)


__all__ = [
    "FAMILIES",
    "OCTET_FIELDS",
    "OPTION_FIELDS",
    "WRITTEN",
    "AccEcn0",
    "AccEcn1",
    "Ao",
    "Eol",
    "FastOpen",
    "Malformed",
    "Md5",
    "Mss",
    "Nop",
    "NumberField",
    "Option",
    "OptionFamily",
    "Sack",
    "SackPermitted",
    "Text",
    "Timestamps",
    "Unknown",
    "WindowScale",
    "decode",
    "encode",
    "family",
    "has_body",
    "named",
    "quoted",
    "quoted_octets",
    "read",
]
