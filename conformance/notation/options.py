"""Options as a case writes them, for a segment to send and for one to expect.

::

    options = "<" [option *("," option)] ["," "..."] ">"
    option  = name *(value [mark]) [octets] ["?"]  ; as in mss 1460, TS 7/*, sack 1:101
    octets  = HEX / "*" / "bad" / label "." field
                                          ; kind 254 0xab, fastopen *, fastopen first.cookie

``...`` at the end allows further options, ``?`` behind one that it is missing. The names, and
what follows each, are the ``text`` of the families in :mod:`conformance.tcp.options`: the reader
here and the printer follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.notation.expr import (
    ANY,
    Any,
    Name,
    Param,
    Range,
    Value,
    exactly,
    read_int,
    read_value,
)
from conformance.notation.scanner import Scanner, TokenKind, suggest
from conformance.tcp import options as tcp


@dataclass(frozen=True, slots=True)
class Bad:
    """``bad``: other octets than those that are computed."""


BAD: Final = Bad()
# Octets as written: themselves, any, those of a named segment; a parameter while it has no value.
Octets = bytes | Any | Bad | Name | Param
_LONGEST_BODY: Final = 38  # octets: what the 40 of a header leave beside kind and length


@dataclass(frozen=True, slots=True)
class OptionText:
    """One option: its name in the notation and its values, in the order of the wire.

    ``body`` holds the octets of a family that has some, as ``kind`` does after the kind number;
    for one that quotes them it may be ``*`` or a name.
    """

    name: str
    values: tuple[Value, ...] = ()
    body: Octets | None = None
    optional: bool = False

    @property
    def family(self) -> tcp.OptionFamily:
        """The family that the name stands for."""
        return tcp.named(self.name)

    @property
    def kind(self) -> int:
        """The option-kind octet; where the family has none, the first number is it."""
        if self.family.kind is not None:
            return self.family.kind
        first = self.values[0]
        assert isinstance(first, Range)  # such a number is a literal
        return first.low.value(dict[str, int]().__getitem__)

    @property
    def octets(self) -> bytes:
        """The octets of the body, as far as they are written."""
        return self.body if isinstance(self.body, bytes) else b""

    @property
    def size(self) -> int:
        """How many octets it takes in a header, as far as it is written, kind and length too."""
        family = self.family
        if family.padding:
            return 1
        numbers = self.values if family.kind is not None else ()  # the first of kind is no body
        size = sum(number.octets for _, number in family.along(numbers))
        computed = family.text.computed if family.text else 0
        return 2 + size + (len(self.octets) or computed)

    @property
    def computes(self) -> bool:
        """Whether its octets are those that a key gives, or are not."""
        text = self.family.text
        return bool(text and text.computed) and self.body in (b"", BAD)


@dataclass(frozen=True, slots=True)
class OptionsText:
    """What stands between < and >; ``more`` for a closing ``...``."""

    options: tuple[OptionText, ...] = ()
    more: bool = False


def read_options(scanner: Scanner) -> OptionsText:
    """Read ``<...>`` under the cursor."""
    scanner.expect("<", "before the options")
    options: list[OptionText] = []
    while not scanner.accept(">"):
        if options:
            scanner.expect(",", "or '>' after an option")
        if scanner.accept("..."):
            scanner.expect(">", "after '...'")
            return OptionsText(tuple(options), more=True)
        options.append(_option(scanner))
    return OptionsText(tuple(options))


def _option(scanner: Scanner) -> OptionText:
    token = scanner.name("an option")
    if token.text not in tcp.WRITTEN:
        scanner.fail(f"unknown option {token.text}", suggest(token.text, tcp.WRITTEN), token)
    text = tcp.named(token.text).text or tcp.Text()
    start = scanner.next
    values = _group(scanner, token.text, text)
    while text.repeats and scanner.next.text not in (",", ">", "?", ""):
        values += _group(scanner, token.text, text)
    body = _octets(scanner, token.text, text) if text.octets else None
    option = OptionText(token.text, values, body, scanner.accept("?") is not None)
    if option.size > _LONGEST_BODY + 2:
        message = f"an option has at most {_LONGEST_BODY} octets after its length"
        scanner.fail(message, token=start)
    return option


def _group(scanner: Scanner, name: str, text: tcp.Text) -> tuple[Value, ...]:
    """The numbers of an option, once."""
    values: list[Value] = []
    for number in text.numbers:
        if values and text.mark:
            scanner.expect(text.mark, f"between {text.sides}")
        if text.literal:
            values.append(exactly(_literal(scanner, name, number.most)))
        else:
            values.append(read_value(scanner, tight=text.spaced))
    return tuple(values)


def _literal(scanner: Scanner, name: str, most: int) -> int:
    start = scanner.next
    found = read_int(scanner)
    if found > most:
        scanner.fail(f"option {name} {found} is out of range", f"a {name} is 0 to {most}", start)
    return found


def _octets(scanner: Scanner, name: str, text: tcp.Text) -> Octets:
    """The octets behind a name, none where none are written."""
    start = scanner.next
    if text.quoted and scanner.accept("*"):
        return ANY
    if text.quoted and start.kind is TokenKind.PARAM:
        return Param(scanner.take().text)
    if text.computed and start.text == "bad":
        scanner.take()
        return BAD
    if text.quoted and start.kind is TokenKind.NAME:
        return _quoted(scanner, text.quoted)
    found = read_hex(scanner) if start.kind is TokenKind.NUMBER else b""
    if text.sizes and len(found) not in text.sizes:
        hint = f"kind {tcp.named(name).kind} 0x{found.hex()} may have any length"
        scanner.fail(f"{name} has no length of {len(found)} octets", hint, start)
    return found


def _quoted(scanner: Scanner, field: str) -> Name:
    """The octets of a named segment: ``first.cookie``."""
    token = scanner.take()
    label, dot, last = token.text.partition(".")
    if not dot or last != field:
        hint = f"as in {label if dot else 'first'}.{field}"
        scanner.fail(f"unknown name {token.text}", hint, token)
    return Name(token.text)


def read_hex(scanner: Scanner) -> bytes:
    """Octets written as 0x and an even number of digits."""
    token = scanner.next
    if token.kind is not TokenKind.NUMBER or not token.text.startswith("0x") or len(token.text) % 2:
        scanner.fail("octets expected, as 0x and pairs of hexadecimal digits")
    scanner.take()
    return bytes.fromhex(token.text[2:])
