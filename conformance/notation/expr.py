"""Numbers as a case writes them: relative to the SYN, with the RFC's names, with + and -.

::

    value = "*" / some *("|" some)
    some  = expr [".." expr]                       ; with "|" any of them
    expr  = ["-"] term *(("+" / "-") term)
    term  = INT / TCB / "$" parameter / label "." field

The TCB names are the *target's* variables (RFC 9293 section 3.3.1). An expression is evaluated
against a ``lookup`` that knows them at this point of the conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.notation.scanner import Flaw, NotationError, Scanner, TokenKind, suggest
from conformance.tcp.options import OPTION_FIELDS

TCB_NAMES: Final = ("SND.UNA", "SND.NXT", "SND.WND", "RCV.NXT", "RCV.WND", "ISS", "IRS")
LABEL_FIELDS: Final = ("seq", "ack", "win", "len", "urg", "ace", "end", *OPTION_FIELDS)
# 2**33 leaves room for any distance between two sequence numbers and still bounds a case.
LARGEST: Final = 1 << 33

Lookup = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, not negative."""

    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A TCB variable (``SND.NXT``) or a field of a labelled segment (``first.seq``)."""

    name: str


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter that has no value yet; only text that is being formatted holds one."""

    name: str


@dataclass(frozen=True, slots=True)
class Expr:
    """A sum of signed terms, in written order."""

    terms: tuple[tuple[int, Number | Name | Param], ...]

    def value(self, lookup: Lookup) -> int:
        """The sum; ``lookup`` raises KeyError for a name that has no value yet."""
        total = 0
        for sign, term in self.terms:
            match term:
                case Number(value):
                    total += sign * value
                case Name(name):
                    total += sign * lookup(name)
                case Param(name):
                    raise KeyError(f"${name}")
        return total

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the sum needs."""
        return tuple(term.name for _, term in self.terms if isinstance(term, Name))


@dataclass(frozen=True, slots=True)
class Any:
    """``*``: whatever comes."""


@dataclass(frozen=True, slots=True)
class Range:
    """One value, or the closed range from ``low`` to ``high``."""

    low: Expr
    high: Expr | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of these, two or more, in written order."""

    members: tuple[Range, ...]


Value = Any | Range | Choice
ANY: Final = Any()


def members(value: Value) -> tuple[Range, ...]:
    """What it may be, as far as it is written; nothing of ``*``."""
    match value:
        case Choice(several):
            return several
        case Range():
            return (value,)
        case Any():
            return ()


def number(value: int) -> Expr:
    """The literal expression of an integer, negative too."""
    return Expr(((1 if value >= 0 else -1, Number(abs(value))),))


def exactly(value: int) -> Range:
    """The value that is one literal integer."""
    return Range(number(value))


def parse_value(text: str, params: Mapping[str, str] | None = None) -> Value:
    """Read a whole text as one value; raises NotationError."""
    scanner = Scanner(text, params)
    value = read_value(scanner)
    scanner.end()
    return value


def read_value(scanner: Scanner, tight: bool = False) -> Value:
    """Read ``*``, an expression, a range or several of them under the cursor.

    ``tight``: no space stands before + and -, so that one says where the next value begins.
    """
    if scanner.accept("*"):
        return ANY
    members = [_some(scanner, tight)]
    while scanner.accept("|"):
        start = scanner.next
        member = _some(scanner, tight)
        if member in members:
            scanner.fail("this value is written twice", token=start)
        members.append(member)
    return members[0] if len(members) == 1 else Choice(tuple(members))


def _some(scanner: Scanner, tight: bool) -> Range:
    start = scanner.next
    low = read_expr(scanner, tight)
    if not scanner.accept(".."):
        return Range(low)
    high = read_expr(scanner, tight)
    if not low.names and not high.names and _literal(low) > _literal(high):
        scanner.fail("this range is empty: it ends before it begins", token=start)
    return Range(low, high)


def _literal(expr: Expr) -> int:
    return sum(sign * term.value for sign, term in expr.terms if isinstance(term, Number))


def read_expr(scanner: Scanner, tight: bool = False) -> Expr:
    """Read one expression under the cursor; ``tight`` as in :func:`read_value`."""
    sign = -1 if scanner.accept("-") else 1
    terms = [(sign, _term(scanner))]
    while (scanner.next.glued or not tight) and (mark := scanner.accept("+", "-")):
        terms.append((1 if mark.text == "+" else -1, _term(scanner)))
    return Expr(tuple(terms))


def _term(scanner: Scanner) -> Number | Name | Param:
    token = scanner.next
    if token.kind is TokenKind.NUMBER:
        return Number(read_int(scanner))
    if token.kind is TokenKind.PARAM:
        return Param(scanner.take().text)
    if token.kind is not TokenKind.NAME:
        scanner.fail("a number or a name expected")
    scanner.take()
    label, dot, field = token.text.rpartition(".")
    if token.text in TCB_NAMES or (dot and field in LABEL_FIELDS and "." not in label):
        return Name(token.text)
    known = (
        TCB_NAMES
        if not dot or label in ("SND", "RCV")
        else [f"{label.partition('.')[0]}.{field}" for field in LABEL_FIELDS]
    )
    raise NotationError(
        Flaw(token.offset, token.length, f"unknown name {token.text}", suggest(token.text, known))
    )


def read_int(scanner: Scanner) -> int:
    """Read one whole number, decimal or 0x hexadecimal."""
    token = scanner.next
    if token.kind is not TokenKind.NUMBER or "." in token.text:
        scanner.fail("a whole number expected")
    value = int(token.text, 0) if token.text.startswith("0x") else int(token.text)
    if value > LARGEST:
        scanner.fail(f"{token.text} is out of range", "sequence numbers have 32 bits")
    scanner.take()
    return value
