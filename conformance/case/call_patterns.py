"""The table of calls as a pattern, for editors: what a call takes, where, and what it returns.

Rules:

- Each row makes its own. What may not stand together, and ranges, are ``calls``' to judge.
- No pattern is narrower than the table: keywords may stand anywhere, a word twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from conformance.case.call_rows import Argument, CallSignature, Gives, Takes
from conformance.case.call_words import ERRNOS, NEW_FLAGS, PORTS
from conformance.case.calls import CALLS, is_optional_socket, words_of
from conformance.case.messages import MESSAGES

QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_END: Final = r"(?![A-Za-z0-9_.])"  # of a word
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
_INT: Final = r"(?:0x[0-9A-Fa-f]+|[0-9]+)(?![0-9A-Za-z_])"
_COUNT: Final = rf"{_INT}(?:\s*\.\.\s*{_INT})?"
_SIGNED: Final = rf"-?\s*{_INT}(?:\s*\.\.\s*-?\s*{_INT})?"
_NEXT: Final = r"\s*(?:,\s*(?!\))|(?=\)))"  # behind an argument: another, or the end


def _any(words: Iterable[str]) -> str:
    return rf"(?:{'|'.join(map(re.escape, words))}){_END}"


def _joined(words: Iterable[str]) -> str:
    one = _any(words)
    return rf"{one}(?:\s*\|\s*{one})*"


_ERRNO: Final = _joined(ERRNOS)
_NUMBERED: Final = rf"(?:\s*{_COUNT})?"
_MESSAGE: Final = "|".join(
    rf"{name}{_END}{_NUMBERED if number else ''}" for name, (_, number) in MESSAGES.items()
)
_MORE: Final = r"\.\.\.\s*"
_MESSAGES: Final = rf"<\s*(?:{_MORE}|(?:{_MESSAGE})\s*(?:,\s*(?:{_MESSAGE})\s*)*(?:,\s*{_MORE})?)?>"
_RETURNED: Final = {
    Gives.SOCKET: rf"(?!E(?!RR{_END})[A-Z0-9]+\s*$){_NAME}",  # what is spelt as an errno is one
    Gives.NUMBER: rf"{_COUNT}(?:\s*\|\s*{_ERRNO})?",
    Gives.OCTETS: rf"(?:{_COUNT}|{QUOTED})",
    Gives.VALUE: rf"(?:{_SIGNED}|{QUOTED})",
    Gives.MESSAGE: rf"{_COUNT}(?:\s*{_MESSAGES})?",
    Gives.PORT: rf"(?:{_COUNT}|{_any(PORTS)})",
}


def calls() -> str:
    """Any call with what it may return."""
    rows = "|".join(_row(row) for row in CALLS)
    return rf"(?:{rows})(?:\s*=\s*{_ERRNO})?"


def spawned() -> str:
    """Any call that has not returned yet."""
    return "|".join(f"{row.name}{_arguments(row)}" for row in CALLS)


def _row(row: CallSignature) -> str:
    """The call; behind it what it returns, up to the end, or room for an errno."""
    if not is_optional_socket(row):
        return f"{row.name}{_arguments(row)}{_returns(row, row.gives)}"
    given = _arguments(row, given=True) + _returns(row, Gives.NUMBER)
    return f"{row.name}(?:{given}|{_arguments(row, given=False)}{_returns(row, row.gives)})"


def _returns(row: CallSignature, gives: Gives) -> str:
    if gives is Gives.BITS:
        returned = rf"(?:{_joined(row.bits)}(?:\s*\|\s*\.\.\.)?|(?:0x)?0+{_END})"
    else:
        returned = _RETURNED[gives]
    return rf"(?:\s*=\s*{returned}\s*$|(?=\s*(?:$|=\s*E)))"


def _arguments(row: CallSignature, *, given: bool | None = None) -> str:
    """In their brackets; ``given``: with the socket that may be left out, or without; None: both.

    Without it nothing else stands in order: a flag says how to go on with a socket.
    """
    named = "|".join(rf"{word}\s*=\s*{_value(_keyword(row, word))}" for word in row.keywords)
    named = f"(?:(?:{named}){_NEXT})*" if named else ""
    order = [f"{_value(one)}{_NEXT}{named}" for one in row.positional]
    if is_optional_socket(row):
        first, *rest = order
        whole = first + "".join(f"(?:{one})?" for one in rest)
        placed = {True: whole, False: "", None: f"(?:{whole})?"}[given]
    else:
        needed = [one.required for one in row.positional]
        placed = "".join(
            one if must else f"(?:{one})?" for one, must in zip(order, needed, strict=True)
        )
    return rf"\s*\(\s*{named}{placed}\)"


def _keyword(row: CallSignature, word: str) -> Argument:
    return Argument(word, row.keywords[word], words=words_of(row, word))


def _value(argument: Argument) -> str:
    match argument.takes:
        case Takes.SOCKET:
            return rf"(?!{_any(NEW_FLAGS)}){_NAME}"
        case Takes.WORDS:
            return _joined(argument.words) if argument.words else rf"{_NAME}(?:\s*\|\s*{_NAME})*"
        case Takes.WORD:
            return _any(argument.words) if argument.words else _NAME
        case Takes.WORD_OR_INT:
            return rf"(?:{_NAME}|-?\s*{_INT})"
        case Takes.COUNT_OR_TEXT:
            return rf"(?:{_INT}|{QUOTED})"
        case _:
            return _INT
