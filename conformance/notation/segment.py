"""A segment as a case writes it: one partial type to build from, to match with, to print.

::

    segment = ways *(SP field) [SP options]
    ways    = flags *("|" flags)                   ; any of them
    flags   = "none" / ["="] flag *("," flag)      ; "=": exactly these, PSH too
    flag    = FLAG ["?"]                           ; "?": it may be set
    field   = ("seq" / "ack" / "win" / "len" / "urg" / "ace") "=" value
            / "data" "=" (STRING / HEX) / "ecn" "=" ("CE" / "ECT0" / "ECT1" / "ECT" / "not-ECT")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from conformance.notation.expr import Value, read_value
from conformance.notation.ip import UNWRITTEN, IpText, read_ecn
from conformance.notation.options import OptionsText, read_hex, read_options
from conformance.notation.scanner import (
    MOST_FLAWS,
    Flaw,
    NotationError,
    Scanner,
    TokenKind,
    suggest,
)
from conformance.tcp.flags import NONE, Flags

FIELDS: Final = ("seq", "ack", "win", "len", "urg", "ace")
_NAMES: Final = (*FIELDS, "data", "ecn")


class FlagsText(NamedTuple):
    """The bits that are set, whether ``=`` stood before them, and those that may be set."""

    flags: Flags
    exact: bool = False
    maybe: Flags = NONE


@dataclass(frozen=True, slots=True)
class SegmentText:
    """A segment, or a pattern of one: what is not written is None or absent.

    ``maybe`` are flags beside ``flags`` that may be set; ``others`` what stands for the three of
    them as well.

    ``checksum`` (``"bad"`` or the value), ``offset``, ``reserved``, ``raw_options`` and all of
    ``ip`` but its ECN mark belong to the long form alone.
    """

    flags: Flags = NONE
    exact: bool = False
    fields: Mapping[str, Value] = field(default_factory=dict)
    data: bytes | None = None
    options: OptionsText | None = None
    checksum: str | int | None = None
    offset: int | None = None
    reserved: int | None = None
    raw_options: bytes | None = None
    ip: IpText = UNWRITTEN
    maybe: Flags = NONE
    others: tuple[FlagsText, ...] = ()

    @property
    def ways(self) -> tuple[SegmentText, ...]:
        """The same with each of the flags that do, in written order."""
        alone = replace(self, others=()) if self.others else self
        return (alone, *(replace(alone, **one._asdict()) for one in self.others))

    @property
    def long_form(self) -> bool:
        """Whether only the mapping form can write it."""
        return (
            self.checksum is not None
            or self.offset is not None
            or self.reserved is not None
            or self.raw_options is not None
            or (self.ip != UNWRITTEN and replace(self.ip, ecn=None) != UNWRITTEN)
        )


def parse_segment(text: str, params: Mapping[str, str] | None = None) -> SegmentText:
    """Read a whole line as one segment; raises NotationError with every flaw that it can find."""
    scanner = Scanner(text, params)
    flaws: list[Flaw] = []
    try:
        segment = _read_segment(scanner, flaws)
        scanner.end()
    except NotationError as error:  # what came before is as wrong as what ended the reading
        raise NotationError(*dict.fromkeys((*flaws, *error.flaws))) from error
    if flaws:
        raise NotationError(*flaws)
    return segment


def _read_segment(scanner: Scanner, flaws: list[Flaw]) -> SegmentText:
    ways = _read_ways(scanner, flaws)
    fields: dict[str, Value] = {}
    data: bytes | None = None
    ecn: str | None = None
    while scanner.next.kind is TokenKind.NAME:
        name = scanner.take()
        said = {*fields, *(["data"] if data is not None else []), *(["ecn"] if ecn else [])}
        if name.text in said:
            flaws.append(Flaw(name.offset, name.length, f"{name.text} is written twice"))
        elif name.text not in _NAMES:
            hint = suggest(name.text, _NAMES)
            flaws.append(Flaw(name.offset, name.length, f"unknown field {name.text}", hint))
        scanner.expect("=", f"after {name.text}")
        if name.text == "data":
            data = read_data(scanner)
        elif name.text == "ecn":
            ecn = read_ecn(scanner)
        else:
            fields[name.text] = read_value(scanner)
    options = read_options(scanner) if scanner.next.text == "<" else None
    (flags, exact, maybe), *others = ways
    ip = UNWRITTEN if ecn is None else IpText(ecn=ecn)
    return SegmentText(
        flags, exact, fields, data, options, ip=ip, maybe=maybe, others=tuple(others)
    )


def parse_flags(text: str, params: Mapping[str, str] | None = None) -> list[FlagsText]:
    """Read a whole text as flags, or several of which any does."""
    scanner = Scanner(text, params)
    flaws: list[Flaw] = []
    found = _read_ways(scanner, flaws)
    scanner.end()
    if flaws:
        raise NotationError(*flaws)
    return found


def _read_ways(scanner: Scanner, flaws: list[Flaw]) -> list[FlagsText]:
    ways = [read_flags(scanner, flaws)]
    while scanner.next.text == "|":
        bar = scanner.take()
        way = read_flags(scanner, flaws)
        if way in ways:
            flaws.append(Flaw(bar.offset, bar.length, "these flags are written twice"))
        ways.append(way)
    return ways


def read_flags(scanner: Scanner, flaws: list[Flaw]) -> FlagsText:
    """Read the flags under the cursor; an unknown one is noted in ``flaws`` and passed over."""
    exact = scanner.accept("=") is not None
    first = scanner.name("flags (such as SYN or FIN,ACK)")
    if scanner.next.text == "=":
        scanner.fail("a segment begins with its flags", "none for no bit", first)
    if first.text == "none":
        if scanner.next.text == ",":
            scanner.fail("none stands alone, without a flag", token=first)
        return FlagsText(NONE, exact)
    flags, maybe, token = NONE, NONE, first
    while True:
        if len(flaws) >= MOST_FLAWS:
            raise NotationError(*flaws)
        flag = Flags.__members__.get(token.text)
        if token.text == "none":
            scanner.fail("none stands alone, without a flag", token=token)
        if flag is None:
            hint = suggest(token.text, Flags.__members__)
            flaws.append(Flaw(token.offset, token.length, f"unknown flag {token.text}", hint))
        elif flag in flags | maybe:
            flaws.append(Flaw(token.offset, token.length, f"{token.text} is written twice"))
        elif scanner.next.text == "?":
            maybe |= flag
        else:
            flags |= flag
        scanner.accept("?")
        if not scanner.accept(","):
            return FlagsText(flags, exact, maybe)
        token = scanner.name("a flag")


def read_data(scanner: Scanner) -> bytes:
    """Octets: text in quotes (UTF-8), or 0x and hexadecimal digits."""
    if scanner.next.kind is TokenKind.STRING:
        return scanner.string().encode()
    return read_hex(scanner)
