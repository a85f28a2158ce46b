"""What a schema can say of a text in the notation: patterns, for editors.

Rules:

- A pattern is wider than the parser, never narrower: numbers, names and what fits together are the
  parser's to judge. What has a ``$`` in it is a parameter's, and anything.
- Patterns are ECMAScript's and Python's alike.
"""

from __future__ import annotations

from typing import Any, Final

from conformance.case.calls import BY_NAME
from conformance.case.step import Arg
from conformance.notation.segment import FIELDS
from conformance.notation.time import NAMED, ONCE, UNITS
from conformance.tcp.flags import Flags

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_FLAG: Final = rf"(?:{'|'.join(flag.name or '' for flag in Flags)})\??"
_SET: Final = rf"=?\s*(?:none|{_FLAG}(?:\s*,\s*{_FLAG})*)"
FLAGS: Final = rf"{_SET}(?:\s*\|\s*{_SET})*"
_VALUE: Final = rf"(?:{_QUOTED}|[^\s<>\"]+)"
_FIELD: Final = rf"(?:{'|'.join((*FIELDS, 'data', 'ecn'))})\s*=\s*{_VALUE}"
_TWICE: Final = r"(?!\S*\b(?:AE|ECE|CWR)\b.*\sace=)"  # one thing in two ways
_SEGMENT: Final = rf"{_TWICE}{FLAGS}(?:\s+{_FIELD})*\s*(?:<[^<>]*>)?"
# What is sent is one thing: no range, no "any", no "or", no "perhaps"; a quoted text may have all.
_ONE: Final = rf"(?!(?:{_QUOTED}|[^\"])*?(?:[*|?]|\.\.))"
_CALL: Final = rf"(?:{'|'.join(BY_NAME)})\s*\((?:[^()\"]|{_QUOTED})*\)\s*(?:=\s*\S.*)?"
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
WHOLE_NUMBER: Final = r"^\s*(?:0[xX][0-9a-fA-F]+|[0-9]+)\s*$|[$]"
KEY_ID: Final = r"^(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])$"
TEXTS: Final = {
    Arg.CALL: text(_CALL),
    Arg.DURATION: text(_DURATION),
    Arg.BOUNDS: text(_BOUNDS),
    Arg.RATIO: text(_RATIO),
}
