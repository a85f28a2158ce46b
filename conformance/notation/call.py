"""A socket call on the target as a case writes it.

::

    call   = NAME "(" [arg *("," arg)] ")" ["=" result]
    arg    = [NAME "="] (names / INT / STRING)
    names  = NAME *("|" NAME) ["|" "..."]
    result = names / count [messages] / [INT "|"] ERRNO *("|" ERRNO) / STRING
    count  = INT [".." INT]
    messages = "<" [NAME [count] *("," NAME [count])] ["," "..."] ">"

A result that begins with E and is in capitals is an errno, but for the event ERR; any other name
is a new socket, or what the call's row says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conformance.notation.expr import read_int
from conformance.notation.scanner import Scanner, TokenKind

_ERRNO: Final = re.compile(r"E(?!RR\b)[A-Z0-9]+(\|E(?!RR\b)[A-Z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Word:
    """A bare name, a socket or a constant such as WR; or several, as in ``IN|OUT|...``."""

    text: str


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A parameter without a value yet; only text that is being formatted holds one."""

    name: str


Argument = Word | Placeholder | int | str


@dataclass(frozen=True, slots=True)
class Errno:
    """The name of an error, such as ECONNRESET; or several, of which any will do.

    The first may be the number that comes without an error: ``0|EINVAL`` leaves open which.
    """

    name: str

    @property
    def names(self) -> list[str]:
        return self.name.split("|")


@dataclass(frozen=True, slots=True)
class Count:
    """A number that must come back; a closed range when ``high`` is given."""

    low: int
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A control message, and its number where it has one; None in a case for any."""

    name: str
    number: Count | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """So many octets, with these control messages; ``more`` for a closing ``...``."""

    count: Count
    messages: tuple[Message, ...] = ()
    more: bool = False


Result = Word | Errno | Count | Received | Placeholder | str


@dataclass(frozen=True, slots=True)
class CallText:
    """One call: ``args`` in written order, each with its keyword or an empty one."""

    name: str
    args: tuple[tuple[str, Argument], ...] = ()
    result: Result | None = None


def parse_call(text: str, params: Mapping[str, str] | None = None) -> CallText:
    """Read a whole text as one call; raises NotationError."""
    scanner = Scanner(text, params)
    name = scanner.name("a socket call such as listen()").text
    scanner.expect("(", f"after {name}")
    args: list[tuple[str, Argument]] = []
    while not scanner.accept(")"):
        if args:
            scanner.expect(",", "or ')' after an argument")
        args.append(_argument(scanner))
    result = _result(scanner) if scanner.accept("=") else None
    scanner.end()
    return CallText(name, tuple(args), result)


def _argument(scanner: Scanner) -> tuple[str, Argument]:
    if scanner.next.kind is TokenKind.NAME and scanner.peek().text == "=":
        keyword = scanner.take().text
        scanner.take()
        return keyword, _atom(scanner)
    return "", _atom(scanner)


def _atom(scanner: Scanner) -> Argument:
    token = scanner.next
    if token.kind in (TokenKind.NAME, TokenKind.PARAM):
        return _names(scanner)
    if token.kind is TokenKind.STRING:
        return scanner.string()
    return _integer(scanner)


def _integer(scanner: Scanner) -> int:
    """Options may be less than 0; of what else may, the table of calls knows."""
    return -read_int(scanner) if scanner.accept("-") else read_int(scanner)


def _names(scanner: Scanner) -> Word | Placeholder:
    """One name, or several joined by ``|``; the last may be ``...``."""
    parts = [scanner.take()]
    while parts[-1].text != "..." and scanner.accept("|"):
        if (
            scanner.next.kind not in (TokenKind.NAME, TokenKind.PARAM)
            and scanner.next.text != "..."
        ):
            scanner.fail("a name or ... expected after '|'")
        parts.append(scanner.take())
    if len(parts) == 1 and parts[0].kind is TokenKind.PARAM:
        return Placeholder(parts[0].text)
    return Word("|".join(f"${p.text}" if p.kind is TokenKind.PARAM else p.text for p in parts))


def _result(scanner: Scanner) -> Result:
    token = scanner.next
    if token.kind is TokenKind.STRING:
        return scanner.string()
    if token.kind in (TokenKind.NAME, TokenKind.PARAM):
        found = _names(scanner)
        errno = isinstance(found, Word) and _ERRNO.fullmatch(found.text)
        return Errno(found.text) if errno and isinstance(found, Word) else found
    count = _count(scanner)
    if count.high is None and scanner.accept("|"):
        return _or_errno(scanner, count)
    return _received(scanner, count) if scanner.accept("<") else count


def _or_errno(scanner: Scanner, count: Count) -> Errno:
    """A number or one of these errors; the first ``|`` is taken."""
    found = _names(scanner)
    if not isinstance(found, Word) or not _ERRNO.fullmatch(found.text):
        scanner.fail("an errno expected after '|'")
    return Errno(f"{count.low}|{found.text}")


def _count(scanner: Scanner) -> Count:
    low = _integer(scanner)
    return Count(low, _integer(scanner)) if scanner.accept("..") else Count(low)


def _received(scanner: Scanner, count: Count) -> Received:
    """The control messages that come with so many octets; the ``<`` is taken."""
    found: list[Message] = []
    while not scanner.accept(">"):
        if found:
            scanner.expect(",", "or '>' after a control message")
        if scanner.accept("..."):
            scanner.expect(">", "after '...'")
            return Received(count, tuple(found), more=True)
        name = scanner.name("a control message such as inq").text
        number = _count(scanner) if scanner.next.kind is TokenKind.NUMBER else None
        found.append(Message(name, number))
    return Received(count, tuple(found))
