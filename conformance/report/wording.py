"""Values of a few classes as JSON and back, without loss: what ``jsonlines`` is written in.

Rules: a field is written by its declared type, in a table, so that reading can make nothing but
what is declared; what has its default value is left out; octets are hexadecimal digits. Reading
is strict. It raises ValueError, with the name of the field, for everything that writing could
not have written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from typing import Any, Final, TypeVar, get_type_hints

from conformance.play.profile import Ability
from conformance.tcp import options as tcp
from conformance.tcp.flags import Flags
from conformance.tcp.options import Option
from conformance.tcp.segment import IpFields, Segment
from conformance.tcp.states import State

_T = TypeVar("_T")
_E = TypeVar("_E", bound=Enum)
_LARGEST: Final = 1 << 63
OPTIONS: Final[Mapping[str, type]] = {
    "mss": tcp.Mss,
    "wscale": tcp.WindowScale,
    "sackOK": tcp.SackPermitted,
    "sack": tcp.Sack,
    "TS": tcp.Timestamps,
    "nop": tcp.Nop,
    "eol": tcp.Eol,
    "kind": tcp.Unknown,
    "malformed": tcp.Malformed,
}
_NAMES: Final = {kind: name for name, kind in OPTIONS.items()}
_KNOWN: Final[dict[Any, tuple[tuple[Field[Any], Codec], ...]]] = {}


class Codec:
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
    """A value of this class; ValueError says which field is no such thing."""
    if not isinstance(data, dict):
        raise ValueError(f"{kind.__name__.lower()} is no object")
    rest = dict(data)
    parts = {}
    for each, codec in _codecs(kind):
        if each.name in rest:
            try:
                parts[each.name] = codec.read(rest.pop(each.name))
            except ValueError as error:
                raise ValueError(f"{each.name}: {error}") from None
        elif each.default is MISSING and each.default_factory is MISSING:
            raise ValueError(f"{each.name} is missing")
    if rest:
        raise ValueError(f"{min(rest)} is unknown")
    return kind(**parts)


def _codecs(kind: Any) -> tuple[tuple[Field[Any], Codec], ...]:
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
    """A text."""
    if not isinstance(data, str):
        raise ValueError("no text")
    return data


def number(data: Any) -> float:
    """A finite number."""
    if isinstance(data, bool) or not isinstance(data, (int, float)):
        raise ValueError("no number")
    if not -_LARGEST < data < _LARGEST or not math.isfinite(data):
        raise ValueError("no such large number")
    return float(data)


def integer(data: Any) -> int:
    """A whole number."""
    if isinstance(data, bool) or not isinstance(data, int):
        raise ValueError("no whole number")
    if not -_LARGEST < data < _LARGEST:
        raise ValueError("no such large number")
    return data


def octets(data: Any) -> bytes:
    """Hexadecimal digits."""
    try:
        return bytes.fromhex(text(data))
    except ValueError:
        raise ValueError("no hexadecimal digits") from None


def items(data: Any) -> list[Any]:
    """A list."""
    if not isinstance(data, list):
        raise ValueError("no list")
    return data


def texts(data: Any) -> dict[str, str]:
    """An object of texts."""
    if not isinstance(data, dict):
        raise ValueError("no object")
    return {name: text(value) for name, value in data.items()}


def member(kind: type[_E], data: Any) -> _E:
    """A member of an enumeration of texts."""
    try:
        return kind(text(data))
    except ValueError:
        raise ValueError(f"no {kind.__name__.lower()}") from None


def _flags(data: Any) -> Flags:
    value = integer(data)
    if not 0 <= value <= 0x1FF:
        raise ValueError("no flags")
    return Flags(value)


def _write_option(option: Option) -> list[Any]:
    parts = (getattr(option, each.name) for each in fields(option))  # type: ignore[arg-type]
    return [
        _NAMES[type(option)],
        *(part.hex() if isinstance(part, bytes) else part for part in parts),
    ]


def _read_option(data: Any) -> Option:
    name, *parts = items(data) or [""]
    kind = OPTIONS.get(text(name))
    if kind is None:
        raise ValueError(f"{name} is no option")
    declared = get_type_hints(kind)
    if len(parts) != len(fields(kind)):
        raise ValueError(f"{name} has {len(fields(kind))} parts")
    values = [_OPTION_PARTS[declared[each.name]](part) for each, part in
              zip(fields(kind), parts, strict=True)]  # fmt: skip
    option: Option = kind(*values)
    try:
        option.encode()
        _ = option.kind
    except (OverflowError, ValueError, IndexError):
        raise ValueError(f"{name} does not fit its octets") from None
    return option


def _blocks(data: Any) -> tuple[tuple[int, int], ...]:
    found = []
    for pair in items(data):
        if len(items(pair)) != 2:
            raise ValueError("no pair")
        found.append((integer(pair[0]), integer(pair[1])))
    return tuple(found)


def _as_is(value: Any) -> Any:
    return value


_OPTION_PARTS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    int: integer,
    bytes: octets,
    tuple[tuple[int, int], ...]: _blocks,
}
_MAPPING: Final = Codec(dict, texts)
CODECS: Final[Mapping[Any, Codec]] = {
    str: Codec(_as_is, text),
    int: Codec(_as_is, integer),
    float: Codec(_as_is, number),
    bytes: Codec(bytes.hex, octets),
    int | None: Codec(_as_is, lambda data: None if data is None else integer(data)),
    Flags: Codec(int, _flags),
    State: Codec(str, lambda data: member(State, data)),
    Segment: Codec(write, lambda data: read(Segment, data)),
    IpFields: Codec(write, lambda data: read(IpFields, data)),
    Mapping[str, str]: _MAPPING,
    tuple[str, ...]: Codec(list, lambda data: tuple(text(one) for one in items(data))),
    tuple[Option, ...]: Codec(
        lambda options: [_write_option(one) for one in options],
        lambda data: tuple(_read_option(one) for one in items(data)),
    ),
    frozenset[str]: Codec(sorted, lambda data: frozenset(text(one) for one in items(data))),
    frozenset[Ability]: Codec(
        lambda abilities: sorted(map(str, abilities)),
        lambda data: frozenset(member(Ability, one) for one in items(data)),
    ),
}
