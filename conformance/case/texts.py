"""What a schema can say of a text in the notation: patterns, for editors.

Rules:

- A pattern is wider than the parser, never narrower: numbers, names and what fits together are the
  parser's to judge. What has a ``$`` in it is a parameter's, and anything.
- Patterns are ECMAScript's and Python's alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from conformance.case.call_patterns import QUOTED, calls, spawned
from conformance.case.segments import FIELD_RANGES
from conformance.case.step import Arg
from conformance.notation.expr import LABEL_FIELDS, TCB_NAMES
from conformance.notation.segment import FIELDS
from conformance.notation.time import NAMED, ONCE, UNITS
from conformance.tcp.flags import Flags
from conformance.tcp.segment import ROOM

_FLAG: Final = rf"(?:{'|'.join(flag.name or '' for flag in Flags)})\??"
_SET: Final = rf"=?\s*(?:none|{_FLAG}(?:\s*,\s*{_FLAG})*)"
FLAGS: Final = rf"{_SET}(?:\s*\|\s*{_SET})*"
_PLAIN: Final = r"[^\s<>\"]"
_VALUE: Final = rf"(?:{QUOTED}|{_PLAIN}+)"
_ENDS: Final = r"(?=\||\.\.|[\s<]|$)"  # of one of several values, or of a range


def above(most: int) -> str:
    """A decimal number that is greater."""
    digits = str(most)
    same = [
        rf"{digits[:at]}[{int(digit) + 1}-9][0-9]{{{len(digits) - at - 1}}}"
        for at, digit in enumerate(digits)
        if digit != "9"
    ]
    return rf"0*(?:[1-9][0-9]{{{len(digits)},}}{''.join('|' + one for one in same)})"


def _named(name: str, low: int, high: int) -> str:
    """A field and its value, which is no literal outside of its range."""
    beyond = above(high) + ("" if low else "|-[0-9]*[1-9][0-9]*")
    return rf"{name}\s*=\s*(?!(?:{_PLAIN}*(?:\||\.\.))?(?:{beyond}){_ENDS})"


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in words)


# Of a segment with a label: a field that none has, where an expression begins or goes on.
_NO_FIELD: Final = (
    rf"(?!(?:{_PLAIN}*[^\w.\s<>\"])?(?!(?:{_any(TCB_NAMES)})(?!\w))[A-Za-z_]\w*\."
    rf"(?!(?:{_any(LABEL_FIELDS)})(?!\w|\.(?!\.)))[A-Za-z_])"
)
_NUMBERS: Final = "|".join(_named(name, *FIELD_RANGES[name]) for name in FIELDS)
_FIELD: Final = rf"(?:{_NUMBERS}|(?:data|ecn)\s*=\s*){_NO_FIELD}{_VALUE}"
_TWICE: Final = r"(?!\S*\b(?:AE|ECE|CWR)\b.*\sace=)"  # one thing in two ways
_SEGMENT: Final = rf"{_TWICE}{FLAGS}(?:\s+{_FIELD})*\s*(?:<[^<>]*>)?"
# What is sent is one thing: no range, no "any", no "or", no "perhaps"; a quoted text may have all.
_ONE: Final = rf"(?!(?:{QUOTED}|[^\"])*?(?:[*|?]|\.\.))"
_NEVER: Final = r"(?!0+(?:\.0*)?\s*[a-zA-Z]+\s*$)"  # no time at all
_TERM: Final = rf"[0-9.]*\s*(?:{'|'.join((*UNITS, *NAMED))})"
_DURATION: Final = rf"{_TERM}(?:\s*\+\s*{_TERM})*"
_BOUNDS: Final = rf"{_NEVER}(?:{ONCE}|{_DURATION}(?:\s*\.\.\s*{_DURATION})?)"
_RATIO: Final = r"[0-9.]+\s*\.\.\s*[0-9.]+|[0-9.]+"


def text(pattern: str) -> dict[str, Any]:
    """The schema of a text that is this, or has a parameter in it."""
    return {"type": "string", "anyOf": [{"pattern": "[$]"}, {"pattern": rf"^\s*(?:{pattern})\s*$"}]}


LINE: Final = text(r"[^\r\n]*\S[^\r\n]*")
SEGMENT: Final = text(_SEGMENT)
SENT: Final = text(_ONE + _SEGMENT)
# A SYN, in a line or as flags; a text that is longer than a segment, where a literal says so.
SYN: Final = {"pattern": r"^\s*=?[A-Z,\s]*\bSYN\b"}
LONG: Final = {"pattern": rf"^[^\"]*\slen\s*=\s*{above(ROOM)}(?=[\s<]|$)"}
SPAWNED: Final = text(spawned())
WHOLE_NUMBER: Final = r"^\s*(?:0[xX][0-9a-fA-F]+|[0-9]+)\s*$|[$]"
KEY_ID: Final = r"^(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])$"
TEXTS: Final = {
    Arg.CALL: text(calls()),
    Arg.DURATION: text(_DURATION),
    Arg.BOUNDS: text(_BOUNDS),
    Arg.RATIO: text(_RATIO),
}
