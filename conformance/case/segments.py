"""A segment in a case: the line form, or the mapping form for what no sender would write.

Both give the same ``SegmentText``. Literal numbers that no header can hold are faults; strange
but possible ones (SYN with FIN, a wrong checksum) are not: hostile segments are the point. A
number that is computed when the case runs cannot be judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from conformance.case import ip
from conformance.case.context import Context, note_flaws
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Scalar, Sequence
from conformance.case.plain import flow_text, is_integer, literals, parse_hex, resolved
from conformance.notation.expr import Value, parse_value
from conformance.notation.options import OptionsText, read_options
from conformance.notation.printer import (
    print_data,
    print_options,
    print_segment,
    print_value,
    print_ways,
)
from conformance.notation.scanner import NotationError, Scanner, Token, TokenKind, suggest, tokens
from conformance.notation.segment import (
    FIELDS,
    SegmentText,
    parse_flags,
    parse_segment,
    read_data,
)
from conformance.tcp.flags import ACE, names

_SEQUENCE: Final = (-(1 << 33), 1 << 33)
# The least and the greatest value of a literal, by field; an option's stand in its family.
FIELD_RANGES: Final = {
    "seq": _SEQUENCE,
    "ack": _SEQUENCE,
    "win": (0, 65535),
    "len": (0, 65535),
    "urg": (0, 65535),
    "ace": (0, 7),
}
KEYS: Final = ("flags", *FIELDS, "data", "options", "checksum", "offset", "reserved", "raw", "ip")
LARGEST_DATA: Final = 65535  # octets
LONGEST_OPTIONS: Final = 40  # octets


def read_segment(node: Node, context: Context) -> SegmentText | None:
    """A segment from either form; None after a fault."""
    before = len(context.faults)
    if isinstance(node, MappingNode):
        segment = _Long(context).read(node)
    elif isinstance(node, Sequence) or not node.text.strip():
        hint = "as in ACK seq=1 ack=1"
        context.faults.add(node.span, "a segment expected", hint)
        return None
    else:
        segment = _line(node, context)
    return segment if len(context.faults) == before else None


@lru_cache(maxsize=4096)
def _parsed_line(text: str) -> tuple[SegmentText, tuple[tuple[str, str, str], ...]]:
    """A line without parameters and what is out of range in it; cases repeat a few lines."""
    segment = parse_segment(text, {})
    return segment, tuple(_out_of_range(segment))


def spelling(node: Node, segment: SegmentText) -> str:
    """``show_segment`` of what was read from ``node``; of a line without parameters once."""
    if isinstance(node, Scalar) and _is_plain(node.text):
        return _spelled(node.text)
    return show_segment(segment)


@lru_cache(maxsize=4096)
def _spelled(text: str) -> str:
    return show_segment(_parsed_line(text)[0])


def _is_plain(text: str) -> bool:
    return "$" not in text and len(text) < 200


def _line(node: Scalar, context: Context) -> SegmentText | None:
    found: Iterable[tuple[str, str, str]]
    try:
        if _is_plain(node.text):
            segment, found = _parsed_line(node.text)
        else:
            segment = parse_segment(node.text, context.params)
            found = _out_of_range(segment)
    except NotationError as error:
        note_flaws(node, error, context)
        return None
    if found:
        stream = tokens(node.text, context.params)
        for name, message, hint in found:
            first, last = _stretch(stream, name)
            length = last.offset + last.length - first.offset
            context.faults.add(node.part(first.offset, length), message, hint)
    return segment


def _stretch(stream: list[Token], name: str) -> tuple[Token, Token]:
    """The tokens from ``name`` to the end of its value."""
    at = next((i for i, token in enumerate(stream) if token.text == name), 0)
    last = at
    for i in range(at + 1, len(stream) - 1):
        token = stream[i]
        field_begins = stream[i + 1].text == "=" and stream[i - 1].text != "="
        if token.text in (",", ">", "<") or (token.kind is TokenKind.NAME and field_begins):
            break
        last = i
    return stream[at], stream[last]


def _out_of_range(segment: SegmentText) -> list[tuple[str, str, str]]:
    """What no header can hold: the name it is written with, what is wrong, a hint."""
    found: list[tuple[str, str, str]] = []
    for name, value in segment.fields.items():
        found += _check(name, value, FIELD_RANGES[name])
    for option in segment.options.options if segment.options else ():
        for value, number in option.family.along(option.values):
            bounds = _SEQUENCE if number.sequence else (0, number.most)
            found += _check(option.name, value, bounds)
    size = sum(option.size for option in segment.options.options) if segment.options else 0
    if size > LONGEST_OPTIONS and segment.offset is None:
        message = f"these options take {size} octets"
        found.append(("<", message, f"a header has room for {LONGEST_OPTIONS}"))
    if "ace" in segment.fields and (twice := names((segment.flags | segment.maybe) & ACE)):
        message = f"ace= and {', '.join(twice)} are two ways to say one thing"
        found.append(("ace", message, "ace is AE, CWR and ECE as a number, AE the highest"))
    data = segment.data
    if data is not None and len(data) > LARGEST_DATA:
        found.append(
            ("data", f"{len(data)} octets of data are too many", f"at most {LARGEST_DATA}")
        )
    elif data is not None and "len" in segment.fields:
        said = literals(segment.fields["len"])
        if said and not min(said) <= len(data) <= max(said):
            hint = "leave len out: data has its own length"
            found.append(("len", f"len={said[0]}, but data has {len(data)} octets", hint))
    return found


def _check(name: str, value: Value, bounds: tuple[int, int]) -> list[tuple[str, str, str]]:
    low, high = bounds
    shown = ("2^33" if number == 1 << 33 else str(number) for number in bounds)
    hint = "-2^33 to 2^33" if bounds == _SEQUENCE else " to ".join(shown)
    return [
        (name, f"{name} {number} is out of range", hint)
        for number in literals(value)
        if not low <= number <= high
    ][:1]


class _Long:
    """The mapping form, key by key."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._faults = context.faults

    def read(self, node: MappingNode) -> SegmentText | None:
        """The segment; faults are noted."""
        if node.get("flags") is None:
            self._faults.add(node.span, "this segment has no flags:", "flags: none for no bit")
        segment = SegmentText()
        for key, value in node.entries:
            if self._faults.full:
                break
            if key.text not in KEYS:
                hint = suggest(key.text, KEYS)
                self._faults.add(key.span, f"unknown key {key.text} of a segment", hint)
            elif (change := self._key(key.text, value, segment)) is not None:
                segment = replace(segment, **change)
        places = {key.text: value.span for key, value in node.entries}
        for name, message, hint in _out_of_range(segment):
            self._faults.add(places.get(name, places.get("options", node.span)), message, hint)
        if segment.raw_options is not None and segment.options is not None:
            self._faults.add(places["raw"], "raw: and options: are two ways to say one thing")
        return segment

    def _key(self, name: str, node: Node, so_far: SegmentText) -> dict[str, Any] | None:
        match name:
            case "flags":
                found = self._parsed(node, "flags", parse_flags)
                return None if not found else {**found[0]._asdict(), "others": tuple(found[1:])}
            case "data":
                return self._data(node)
            case "options":
                options = self._parsed(node, "options such as <mss 1460>", _parse_options)
                return None if options is None else {"options": options}
            case "checksum":
                text = node.text if isinstance(node, Scalar) else ""
                if self._context.params.get(text[1:], text) == "bad":
                    return {"checksum": "bad"}
                return {"checksum": self._number(node, name, 65535, "bad, or 0 to 65535")}
            case "offset":
                return {"offset": self._number(node, name, 15)}
            case "reserved":
                return {"reserved": self._number(node, name, 7)}
            case "raw":
                return self._raw(node)
            case "ip":
                found = ip.IpReader(self._context).read(node)
                return None if found is None else {"ip": found}
            case _:
                value = self._parsed(node, f"the value of {name}", parse_value)
                return None if value is None else {"fields": {**so_far.fields, name: value}}

    def _parsed(self, node: Node, what: str, parse: Callable[..., Any]) -> Any:
        if not isinstance(node, Scalar) or not node.text.strip():
            self._faults.add(node.span, f"{what} expected")
            return None
        try:
            return parse(node.text, self._context.params)
        except NotationError as error:
            note_flaws(node, error, self._context)
            return None

    def _number(self, node: Node, name: str, most: int, hint: str = "") -> int | None:
        text = self._parsed(node, f"a number for {name}", resolved)
        if text is None:
            return None
        if not is_integer(text) or int(text, 0) > most:
            self._faults.add(node.span, f"{name} {text} is out of range", hint or f"0 to {most}")
            return None
        return int(text, 0)

    def _data(self, node: Node) -> dict[str, Any] | None:
        if not isinstance(node, Scalar):
            self._faults.add(node.span, "data is a text, or 0x and digits")
            return None
        text = self._parsed(node, "data", resolved) if node.text.strip() else node.text
        if text is None:
            return None
        if text.startswith('"') or (node.plain and text.startswith("0x")):
            data = self._parsed(node, "data", _parse_data)
            return None if data is None else {"data": data}
        return {"data": text.encode()}

    def _raw(self, node: Node) -> dict[str, Any] | None:
        octets = self._parsed(node, "octets as 0x and pairs of digits", parse_hex)
        if octets is None:
            return None
        if len(octets) > LONGEST_OPTIONS or len(octets) % 4:
            message = f"{len(octets)} octets of raw options do not fit a header"
            hint = f"a multiple of 4, at most {LONGEST_OPTIONS}"
            self._faults.add(node.span, message, hint)
            return None
        return {"raw_options": octets}


def _parse_options(text: str, params: Mapping[str, str]) -> OptionsText:
    scanner = Scanner(text, params)
    options = read_options(scanner)
    scanner.end()
    return options


def _parse_data(text: str, params: Mapping[str, str]) -> bytes:
    scanner = Scanner(text, params)
    data = read_data(scanner)
    scanner.end()
    return data


def show_segment(segment: SegmentText) -> str:
    """The committed spelling: the line form, else the mapping form on one line."""
    if not segment.long_form:
        return print_segment(segment)
    parts = {"flags": flow_text(print_ways(segment))}
    for name in FIELDS:
        if name in segment.fields:
            parts[name] = flow_text(print_value(segment.fields[name]))
    if segment.data is not None:
        parts["data"] = flow_text(print_data(segment.data))
    if segment.options is not None:
        parts["options"] = flow_text(print_options(segment.options))
    for name in ("checksum", "offset", "reserved"):
        value = getattr(segment, name)
        if value is not None:
            parts[name] = str(value)
    if segment.raw_options is not None:
        parts["raw"] = "0x" + segment.raw_options.hex()
    if said := ip.show(segment.ip):
        parts["ip"] = said
    return f"{{{', '.join(f'{name}: {value}' for name, value in parts.items())}}}"
