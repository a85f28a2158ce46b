"""Plain values of the mapping form: numbers, octets, and parameters that stand for either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from conformance.notation.expr import Expr, Number, Value, members
from conformance.notation.scanner import Flaw, NotationError, suggest

_INTEGER: Final = re.compile(r"0x[0-9A-Fa-f]{1,16}|0|[1-9][0-9]{0,15}")
_SPECIAL: Final = re.compile(r"[,\[\]{}\"'#&*!|>%@`]|: |:$|^[-?:] |^\s|\s$|^$")


def is_integer(text: str) -> bool:
    """Whether ``int(text, 0)`` is a whole number that a case may hold."""
    return _INTEGER.fullmatch(text) is not None


def flow_text(text: str) -> str:
    """A scalar as it may stand inside ``{...}`` or ``[...]``: in quotes where it must."""
    if not _SPECIAL.search(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def resolved(text: str, params: Mapping[str, str]) -> str:
    """The text, or the value of the parameter that it wholly is."""
    if not text.startswith("$"):
        return text
    if text[1:] not in params:
        hint = suggest(text[1:], params) if params else "the case has no parameters"
        raise NotationError(Flaw(0, len(text), f"unknown parameter {text}", hint))
    return params[text[1:]]


def parse_hex(text: str, params: Mapping[str, str]) -> bytes:
    """Octets, as ``0x`` and pairs of digits."""
    text = resolved(text, params)
    digits = text[2:] if text.startswith("0x") else text
    if not re.fullmatch("([0-9A-Fa-f]{2})*", digits):
        message = "octets are written as 0x and pairs of hexadecimal digits"
        raise NotationError(Flaw(0, len(text), message))
    return bytes.fromhex(digits)


def literals(value: Value) -> list[int]:
    """The ends of a value that are plain literals."""
    ends = [end for one in members(value) for end in (one.low, one.high) if end is not None]
    return [_sum(end) for end in ends if all(isinstance(term, Number) for _, term in end.terms)]


def _sum(expr: Expr) -> int:
    return sum(sign * term.value for sign, term in expr.terms if isinstance(term, Number))
