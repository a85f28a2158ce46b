"""Options as a case writes them, for a segment to send and for one to expect.

::

    options = "<" [option *("," option)] ["," "..."] ">"
    option  = "mss" value / "wscale" value / "sackOK" / "sack" 1*(value ":" value)
            / "TS" value "/" value / "nop" / "eol" / "kind" INT [HEX]

``...`` at the end allows further options. Each name's syntax is a row of :data:`SYNTAX`; the
name itself comes from the family in :mod:`conformance.tcp.options`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from conformance.notation.expr import Value, exactly, read_int, read_value
from conformance.notation.scanner import Kind, Scanner, suggest


@dataclass(frozen=True, slots=True)
class OptionText:
    """One option: its name in the notation and its values, in the order of the wire.

    ``kind`` options hold the kind number first and their body in ``body``.
    """

    name: str
    values: tuple[Value, ...] = ()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class OptionsText:
    """What stands between < and >; ``more`` for a closing ``...``."""

    options: tuple[OptionText, ...] = ()
    more: bool = False


def _one(scanner: Scanner) -> tuple[Value, ...]:
    return (read_value(scanner),)


def _nothing(scanner: Scanner) -> tuple[Value, ...]:
    return ()


def _blocks(scanner: Scanner) -> tuple[Value, ...]:
    values: list[Value] = []
    while not values or scanner.next.text not in (",", ">", ""):
        values.append(read_value(scanner, tight=True))
        scanner.expect(":", "between the edges of a SACK block")
        values.append(read_value(scanner, tight=True))
    return tuple(values)


def _pair(scanner: Scanner) -> tuple[Value, ...]:
    first = read_value(scanner)
    scanner.expect("/", "between TSval and TSecr")
    return (first, read_value(scanner))


SYNTAX: Final[dict[str, Callable[[Scanner], tuple[Value, ...]]]] = {
    "mss": _one,
    "wscale": _one,
    "sackOK": _nothing,
    "sack": _blocks,
    "TS": _pair,
    "nop": _nothing,
    "eol": _nothing,
}


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
    if token.text == "kind":
        return _by_number(scanner)
    syntax = SYNTAX.get(token.text)
    if syntax is None:
        scanner.fail(f"unknown option {token.text}", suggest(token.text, [*SYNTAX, "kind"]), token)
    return OptionText(token.text, syntax(scanner))


def _by_number(scanner: Scanner) -> OptionText:
    start = scanner.next
    kind = read_int(scanner)
    if kind > 255:
        scanner.fail(f"option kind {kind} is out of range", "a kind is 0 to 255", start)
    body = read_hex(scanner) if scanner.next.kind is Kind.NUMBER else b""
    if len(body) > 38:
        scanner.fail("an option has at most 38 octets after its length", token=start)
    return OptionText("kind", (exactly(kind),), body)


def read_hex(scanner: Scanner) -> bytes:
    """Octets written as 0x and an even number of digits."""
    token = scanner.next
    if token.kind is not Kind.NUMBER or not token.text.startswith("0x") or len(token.text) % 2:
        scanner.fail("octets expected, as 0x and pairs of hexadecimal digits")
    scanner.take()
    return bytes.fromhex(token.text[2:])
