"""Values of a few classes as JSON and back, without loss: what ``jsonlines`` is written in.

Rules: a field is written by its declared type, in a table, so that reading can make nothing but
what is declared; what has its default value is left out; octets are hexadecimal digits. Reading
is strict. It raises :class:`Misfit`, with the path of the field, for everything that writing could
not have written: numbers that no header holds, halves of characters, names that nobody declared.
Why not cattrs: its hooks would have to say each of these bounds and paths anew, and importing it
costs a start more than all that is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from functools import cache
from ipaddress import ip_address
from typing import Any, Final, TypeVar, get_type_hints

from conformance.case.spans import Span
from conformance.errors import Death, Owner
from conformance.play.asides import ResetSent, Retransmitted
from conformance.play.profile import Ability, Part, Profile, Tolerance
from conformance.play.record import Addressing
from conformance.play.tolerances import problem
from conformance.tcp import options as tcp
from conformance.tcp.flags import Flags
from conformance.tcp.ip import Fragments, IpFields
from conformance.tcp.options import Option
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

_T = TypeVar("_T")
_E = TypeVar("_E", bound=Enum)
LARGEST: Final = 1 << 63  # no number of a record is as large
OPTIONS: Final[Mapping[str, type[Any]]] = {family.name: family.option for family in tcp.FAMILIES}
_KNOWN: Final[dict[Any, tuple[tuple[Field[Any], JsonCodec], ...]]] = {}


_PORT: Final = (0, 65535)
_NUMBER: Final = (0, (1 << 32) - 1)
_OCTET: Final = (0, 255)
_SECONDS: Final = (0, 1e12)
_PLACE: Final = (0, 1 << 31)
# The least and the greatest that a field can be; what is not here is only finite.
RANGES: Final[Mapping[type, Mapping[str, tuple[float, float]]]] = {
    Segment: {
        "sport": _PORT,
        "dport": _PORT,
        "seq": _NUMBER,
        "ack": _NUMBER,
        "window": _PORT,
        "urgent": _PORT,
        "reserved": (0, 7),
        "offset": (0, 15),
        "checksum": (-1, 65535),
    },
    IpFields: {"ttl": _OCTET, "tos": _OCTET, "flow": (0, (1 << 20) - 1), "length": (-65535, 65535)},
    Fragments: {"count": _OCTET, "overlap": _PORT},
    ResetSent: {"tester_port": _PORT},
    Retransmitted: {"tester_port": _PORT},
    Addressing: {"target_port": _PORT, "tester_port": _PORT, "irs": _NUMBER, "isn": _NUMBER},
    Profile: dict.fromkeys(
        ("msl", "rto", "min_rto", "delack", "grace", "response", "settle"), _SECONDS
    ),
    Span: {"line": _PLACE, "column": _PLACE, "length": _PLACE},
}


class Misfit(ValueError):
    """What is no such value; ``place`` is the path of the part that is to blame."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason = reason
        self.place = place

    def within(self, outer: str) -> Misfit:
        """The same, seen from the value that holds it."""
        dot = "." if outer and self.place and not self.place.startswith("[") else ""
        return Misfit(self.reason, f"{outer}{dot}{self.place}")


def part(data: Mapping[str, Any], name: str, reader: Callable[[Any], _T]) -> _T:
    """The part of this name, which must be there."""
    if name not in data:
        raise Misfit(f"{name} is missing")
    try:
        return reader(data[name])
    except Misfit as misfit:
        raise misfit.within(name) from None


class JsonCodec:
    """How one type is written, and read."""

    def __init__(self, write: Callable[[Any], Any], read: Callable[[Any], Any]) -> None:
        self.write = write
        self.read = read


def write(value: Any) -> dict[str, Any]:
    """The fields of a value that have not their default."""
    written = {}
    for each, codec in _codecs(type(value)):
        part = getattr(value, each.name)
        if not _is_default(each, part):
            written[each.name] = codec.write(part)
    return written


def read(kind: type[_T], data: Any) -> _T:
    """A value of this class; Misfit says which field is no such thing."""
    rest = dict(mapping(data))
    ranges = RANGES.get(kind, {})
    parts = {}
    for each, codec in _codecs(kind):
        if each.name in rest:
            parts[each.name] = value = part(rest, each.name, codec.read)
            low, high = ranges.get(each.name, (0, 0))
            if each.name in ranges and value is not None and not low <= value <= high:
                raise Misfit(f"not {low:g} to {high:.15g}", each.name)
            del rest[each.name]
        elif each.default is MISSING and each.default_factory is MISSING:
            raise Misfit(f"{each.name} is missing")
    if rest:
        raise Misfit(f"{min(rest)} is unknown")
    return kind(**parts)


def _codecs(kind: Any) -> tuple[tuple[Field[Any], JsonCodec], ...]:
    """How each field is written; looked up once for each class."""
    if kind not in _KNOWN:
        hints = get_type_hints(kind)
        _KNOWN[kind] = tuple((each, CODECS[hints[each.name]]) for each in fields(kind))
    return _KNOWN[kind]


def _is_default(each: Field[Any], part: Any) -> bool:
    if each.default is not MISSING:
        return bool(part == each.default)
    return each.default_factory is not MISSING and bool(part == each.default_factory())


# ---- reading plain values ------------------------------------------------------------------------


def text(data: Any) -> str:
    """A text of whole characters, and of octets of file names that are none (PEP 383)."""
    if not isinstance(data, str):
        raise Misfit("no text")
    try:
        data.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raise Misfit("half of a surrogate pair is no character") from None
    return data


def number(data: Any) -> float:
    """A finite number."""
    if isinstance(data, bool) or not isinstance(data, (int, float)):
        raise Misfit("no number")
    if not -LARGEST < data < LARGEST or not math.isfinite(data):
        raise Misfit("no such large number")
    return float(data)


def integer(data: Any) -> int:
    """A whole number."""
    if isinstance(data, bool) or not isinstance(data, int):
        raise Misfit("no whole number")
    if not -LARGEST < data < LARGEST:
        raise Misfit("no such large number")
    return data


def switch(data: Any) -> bool:
    """True or false."""
    if not isinstance(data, bool):
        raise Misfit("neither true nor false")
    return data


def octets(data: Any) -> bytes:
    """Hexadecimal digits."""
    try:
        return bytes.fromhex(text(data))
    except ValueError:
        raise Misfit("no hexadecimal digits") from None


def each_of(reader: Callable[[Any], _T], data: Any) -> tuple[_T, ...]:
    """The items of a list."""
    found = []
    for number, one in enumerate(items(data)):
        try:
            found.append(reader(one))
        except Misfit as misfit:
            raise misfit.within(f"[{number}]") from None
    return tuple(found)


def items(data: Any) -> list[Any]:
    """A list."""
    if not isinstance(data, list):
        raise Misfit("no list")
    return data


def mapping(data: Any) -> dict[str, Any]:
    """An object."""
    if not isinstance(data, dict):
        raise Misfit("no object")
    return data


def texts(data: Any) -> dict[str, str]:
    """An object of texts."""
    return {text(name): part(data, name, text) for name in mapping(data)}


def member(kind: type[_E], data: Any) -> _E:
    """A member of an enumeration of texts."""
    try:
        return kind(text(data))
    except ValueError:
        raise Misfit(f"no {kind.__name__.lower()}") from None


def addressing(data: Any) -> Addressing:
    """Ports, an IP version, and addresses of that version where it has some."""
    found = read(Addressing, data)
    if found.ip not in (4, 6):
        raise Misfit("neither 4 nor 6", "ip")
    for name in ("tester", "target"):
        if (address := getattr(found, name)) and not _is_address(address, found.ip):
            raise Misfit(f"no address of IPv{found.ip}", name)
    return found


def _is_address(text: str, ip: int) -> bool:
    try:
        return ip_address(text).version == ip and "%" not in text
    except ValueError:
        return False


def _flags(data: Any) -> Flags:
    value = integer(data)
    if not 0 <= value <= 0x1FF:
        raise Misfit("no flags")
    return Flags(value)


def _write_option(option: Option) -> list[Any]:
    parts = (getattr(option, each.name) for each in fields(option))  # type: ignore[arg-type]
    return [
        tcp.family(option).name,
        *(part.hex() if isinstance(part, bytes) else part for part in parts),
    ]


def _read_option(data: Any) -> Option:
    name, *parts = items(data) or [""]
    kind = OPTIONS.get(text(name))
    if kind is None:
        raise Misfit(f"{name} is no option")
    readers = _option_parts(name)
    if len(parts) != len(readers):
        raise Misfit(f"{name} has {len(readers)} parts")
    values = [reader(part) for reader, part in zip(readers, parts, strict=True)]
    option: Option = kind(*values)
    try:
        option.encode()
        _ = option.kind
    except (OverflowError, ValueError, IndexError):
        raise Misfit(f"{name} does not fit its octets") from None
    return option


@cache
def _option_parts(name: str) -> tuple[Callable[[Any], Any], ...]:
    """How each part of an option of this name is read; looked up once."""
    declared = get_type_hints(OPTIONS[name])
    return tuple(_OPTION_PARTS[declared[each.name]] for each in fields(OPTIONS[name]))


def _blocks(data: Any) -> tuple[tuple[int, int], ...]:
    found = []
    for pair in items(data):
        if len(items(pair)) != 2:
            raise Misfit("no pair")
        found.append((integer(pair[0]), integer(pair[1])))
    return tuple(found)


def _tolerance(data: Any) -> Tolerance:
    found = read(Tolerance, data)
    if wrong := problem(found):
        raise Misfit(wrong)
    return found


def _as_is(value: Any) -> Any:
    return value


_OPTION_PARTS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    int: integer,
    bytes: octets,
    tuple[tuple[int, int], ...]: _blocks,
    tuple[int, ...]: lambda data: each_of(integer, data),
}
_MAPPING: Final = JsonCodec(dict, texts)
CODECS: Final[Mapping[Any, JsonCodec]] = {
    str: JsonCodec(_as_is, text),
    int: JsonCodec(_as_is, integer),
    float: JsonCodec(_as_is, number),
    bytes: JsonCodec(bytes.hex, octets),
    int | None: JsonCodec(_as_is, lambda data: None if data is None else integer(data)),
    bool: JsonCodec(_as_is, switch),
    bool | None: JsonCodec(_as_is, lambda data: None if data is None else switch(data)),
    Fragments | None: JsonCodec(
        lambda plan: None if plan is None else write(plan),
        lambda data: None if data is None else read(Fragments, data),
    ),
    Flags: JsonCodec(int, _flags),
    State: JsonCodec(str, lambda data: member(State, data)),
    Owner: JsonCodec(str, lambda data: member(Owner, data)),
    Death: JsonCodec(str, lambda data: member(Death, data)),
    Segment: JsonCodec(write, lambda data: read(Segment, data)),
    IpFields: JsonCodec(write, lambda data: read(IpFields, data)),
    Mapping[str, str]: _MAPPING,
    tuple[str, ...]: JsonCodec(list, lambda data: each_of(text, data)),
    tuple[Option, ...]: JsonCodec(
        lambda options: [_write_option(one) for one in options],
        lambda data: each_of(_read_option, data),
    ),
    frozenset[str]: JsonCodec(sorted, lambda data: frozenset(each_of(text, data))),
    frozenset[Ability]: JsonCodec(
        lambda abilities: sorted(map(str, abilities)),
        lambda data: frozenset(each_of(lambda one: member(Ability, one), data)),
    ),
    tuple[Tolerance, ...]: JsonCodec(
        lambda tolerances: [write(one) for one in tolerances],
        lambda data: each_of(_tolerance, data),
    ),
    frozenset[Part]: JsonCodec(
        lambda parts: sorted(map(str, parts)),
        lambda data: frozenset(each_of(lambda one: member(Part, one), data)),
    ),
}
