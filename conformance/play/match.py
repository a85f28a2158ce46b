"""A segment of the target against what a case wrote.

``differences(text, arrival) == []`` is what "matches" means; there is no second definition.
What is not written is what a TCP would put there: SEQ is SND.NXT, ACK is RCV.NXT, no text. PSH,
the window, the order of options and NOPs are free unless written (RFC 9293 leaves them free).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from conformance.notation.expr import (
    Any,
    Choice,
    Expr,
    Lookup,
    Name,
    Range,
    Value,
    exactly,
    members,
)
from conformance.notation.options import OptionsText, OptionText
from conformance.notation.printer import print_data, print_flags, print_options, print_value
from conformance.notation.segment import FIELDS, SegmentText
from conformance.play import ip
from conformance.play.describe import options_text
from conformance.play.verdict import Difference
from conformance.play.view import Connection, Numbers
from conformance.tcp import options as tcp
from conformance.tcp.flags import ACE, NONE, Flags, ace
from conformance.tcp.segment import Segment
from conformance.tcp.seq import MODULUS

_MODULI: Final = {"ace": 8}


class Unwritten(Enum):
    """What a field means that the case did not write."""

    PREDICTED = auto()  # expect, drop: what a TCP would put there
    FREE = auto()  # allow: numbers are free, text is not
    LOOSE = auto()  # silence of: everything is free, flags are "at least"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A segment with its numbering, so that a label can stand for it in expressions."""

    segment: Segment
    numbers: Numbers
    from_target: bool = True

    def field(self, name: str) -> int:
        """A field by its name in expressions, relative; KeyError when it has none."""
        segment, numbers = self.segment, self.numbers
        if name in tcp.OPTION_FIELDS:
            return tcp.quoted(segment.options, name)
        match name:
            case "len":
                return len(segment.payload)
            case "win":
                return segment.window
            case "urg":
                return segment.urgent
            case "ace":
                return ace(segment.flags)
        seq, ack = (numbers.from_target if self.from_target else numbers.from_tester)(segment)
        return {"seq": seq, "ack": ack, "end": seq + segment.length}[name]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A segment of the target: when it came, on which connection, its place in the record."""

    at: float
    sighting: Sighting
    conn: str
    entry: int = 0

    @property
    def segment(self) -> Segment:
        """The segment itself."""
        return self.sighting.segment

    @property
    def numbers(self) -> Numbers:
        """The numbering it came under."""
        return self.sighting.numbers

    def field(self, name: str) -> int:
        """A field by its name in expressions, relative; KeyError when it has none."""
        return self.sighting.field(name)


def quoting(text: SegmentText, labels: Mapping[str, Sighting]) -> SegmentText:
    """With the octets that its options quote; KeyError with the name of some that are not there."""
    if text.options is None or not any(isinstance(one.body, Name) for one in text.options.options):
        return text
    found = tuple(_quoting(one, labels) for one in text.options.options)
    return replace(text, options=replace(text.options, options=found))


def _quoting(option: OptionText, labels: Mapping[str, Sighting]) -> OptionText:
    if not isinstance(option.body, Name):
        return option
    label, _, field = option.body.name.partition(".")
    try:
        return replace(option, body=tcp.quoted_octets(labels[label].segment.options, field))
    except KeyError:
        raise KeyError(option.body.name) from None


def find(name: str, labels: Mapping[str, Sighting], conn: Connection) -> int:
    """The value of a name in an expression, relative; KeyError with the name when it has none."""
    label, _, field = name.partition(".")
    if label not in labels:
        return conn.lookup(name)
    try:
        return labels[label].field(field)
    except KeyError:
        raise KeyError(name) from None


def differences(
    text: SegmentText,
    arrival: Arrival,
    lookup: Lookup,
    unwritten: Unwritten = Unwritten.PREDICTED,
) -> list[Difference]:
    """Every field in which the arrival is not what ``text`` says; empty when it matches.

    Where several flags do, and none of them fits, it is held to the first.
    """
    ways = [_differences(one, arrival, lookup, unwritten) for one in text.ways]
    return min((found for found in ways if not found), default=ways[0])


def _differences(
    text: SegmentText, arrival: Arrival, lookup: Lookup, unwritten: Unwritten
) -> list[Difference]:
    segment = arrival.segment
    counted = ACE if "ace" in text.fields else NONE
    found = _flag_difference(text, segment.flags & ~counted, unwritten)
    for name in FIELDS:
        wanted = _wanted(text, name, segment, unwritten)
        modulus = _MODULI.get(name, MODULUS)
        if wanted is not None and not holds(wanted, arrival.field(name), lookup, modulus):
            found.append(Difference(name, _evaluated(wanted, lookup), _shown(name, arrival)))
    if text.data is not None and text.data != segment.payload:
        found.append(Difference("data", print_data(text.data), print_data(segment.payload)))
    if text.options is not None:
        found += _option_differences(text.options, arrival, lookup)
    return found + ip.differences(text.ip, segment.ip)


def holds(value: Value, actual: int, lookup: Lookup, modulus: int = MODULUS) -> bool:
    """Whether a number is the value, modulo 2**32 as headers are, or a counter's modulus."""
    if isinstance(value, Any):
        return True
    if isinstance(value, Choice):
        return any(holds(one, actual, lookup, modulus) for one in value.members)
    low = value.low.value(lookup)
    if value.high is None:
        return (actual - low) % modulus == 0
    return (actual - low) % modulus <= value.high.value(lookup) - low


def _shown(name: str, arrival: Arrival) -> str:
    """A field for a failure; without ACK a segment has no acknowledgment number."""
    missing = name == "ack" and Flags.ACK not in arrival.segment.flags
    return "none" if missing else str(arrival.field(name))


def _evaluated(value: Value, lookup: Lookup) -> str:
    """The value in plain numbers, with the written form when it says more."""
    written = print_value(value)
    plain = "|".join(_numbered(one, lookup) for one in members(value)) or written
    return written if plain == written or not _has_names(value) else f"{plain} ({written})"


def _numbered(one: Range, lookup: Lookup) -> str:
    high = "" if one.high is None else f"..{one.high.value(lookup)}"
    return f"{one.low.value(lookup)}{high}"


def _has_names(value: Value) -> bool:
    return any(one.low.names or (one.high and one.high.names) for one in members(value))


def _named(name: str) -> Value:
    return Range(Expr(((1, Name(name)),)))


_SND_NXT = _named("SND.NXT")
_RCV_NXT = _named("RCV.NXT")


def _wanted(text: SegmentText, name: str, segment: Segment, unwritten: Unwritten) -> Value | None:
    """What the field must be, None when it is free."""
    if name in text.fields:
        return text.fields[name]
    if name in ("win", "urg", "ace") or unwritten is Unwritten.LOOSE:
        return None
    if name == "len":
        return None if text.data is not None else exactly(0)
    if unwritten is Unwritten.FREE:
        return None
    if name == "seq":
        return exactly(0) if Flags.SYN in text.flags else _SND_NXT
    return _RCV_NXT if Flags.ACK in text.flags else None


def _flag_difference(text: SegmentText, came: Flags, unwritten: Unwritten) -> list[Difference]:
    wanted = text.flags
    flags = came & ~text.maybe
    if unwritten is Unwritten.LOOSE:
        matches = wanted in flags
    elif text.exact or Flags.PSH in wanted:
        matches = flags == wanted
    else:
        matches = flags & ~Flags.PSH == wanted
    if matches:
        return []
    return [Difference("flags", print_flags(wanted, text.exact, text.maybe), print_flags(came))]


def _option_differences(text: OptionsText, arrival: Arrival, lookup: Lookup) -> list[Difference]:
    """Each written option is there, and no other unless ``...``; order and padding are free."""
    actual = options_text(arrival.segment.options, arrival.numbers.of_tester)
    left = list(actual.options)
    if not any(option.family.padding for option in text.options):
        left = [option for option in left if not option.family.padding]
    missing = []
    for option in text.options:
        spellings = (option, *_by_name(option, arrival.numbers))
        found = next(
            (other for other in left if any(_same(one, other, lookup) for one in spellings)), None
        )
        if found is not None:
            left.remove(found)
        elif not option.optional:
            missing.append(option)
    if not missing and (text.more or not left):
        return []
    return [Difference("options", print_options(text), print_options(actual))]


def _by_name(option: OptionText, numbers: Numbers) -> tuple[OptionText, ...]:
    """An option that was written by its number, as what its octets say."""
    if option.family.kind is not None:
        return ()
    return options_text((tcp.read(option.kind, option.octets),), numbers.of_tester).options


def _same(wanted: OptionText, actual: OptionText, lookup: Lookup) -> bool:
    if wanted.name != actual.name or len(wanted.values) != len(actual.values):
        return False
    if isinstance(wanted.body, Any):
        if not actual.body:  # an empty one is no cookie
            return False
    elif wanted.body is not None and wanted.body != actual.body and not wanted.computes:
        return False
    pairs = zip(wanted.values, actual.values, strict=True)
    return all(
        holds(value, found.low.value(lookup), lookup)
        for value, found in pairs
        if isinstance(found, Range)
    )
