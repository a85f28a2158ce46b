"""What a row of the table of calls says: the arguments, what each takes, what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Takes(Enum):
    """What one argument is."""

    SOCKET = "the name of a socket"
    INT = "a whole number"
    PORT = "a port number"
    WORD = "a name"
    WORDS = "a name, or several joined by |"
    WORD_OR_INT = "a name or a whole number"
    COUNT_OR_TEXT = "a number of octets, or a text in quotes"


class Gives(Enum):
    """What may stand to the right of ``=``, besides an errno."""

    SOCKET = "the name of the new socket"
    NUMBER = "a number"
    OCTETS = "a number of octets, or a text in quotes"
    VALUE = "a number, or a text in quotes"
    BITS = "names joined by |, or 0"
    MESSAGE = "a number of octets, and control messages in < >"
    PORT = "a port number, or target or tester for the port of that end"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; ``words`` are the only names it may have, when there are any."""

    name: str
    takes: Takes
    required: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallSignature:
    """One row: the call, its positional arguments, its keywords, its result, a line on it.

    ``bits`` are the names that its number, and a keyword that takes WORDS, is made of.
    """

    name: str
    doc: str
    positional: tuple[Argument, ...] = ()
    keywords: Mapping[str, Takes] = field(default_factory=dict)
    gives: Gives = Gives.NUMBER
    bits: Mapping[str, int] = field(default_factory=dict)


def signature(row: CallSignature) -> str:
    """The call with its arguments as a hint shows it: ``send(socket, data, [flag])``."""
    parts = [a.name if a.required else f"[{a.name}]" for a in row.positional]
    return f"{row.name}({', '.join([*parts, *(f'{name}=' for name in row.keywords)])})"
