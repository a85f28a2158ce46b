"""Text to tokens, each with its place.

A parameter (``$name``) is replaced here, token by token: what the parameter's text yields takes
the place of the ``$name`` that stands in the case, so a fault inside it still has a caret.
Without a value the token stays a PARAM, which only an expression can hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple, NoReturn


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong in a text: where it starts, how long it is, what, and what to try."""

    offset: int
    length: int
    message: str
    hint: str = ""


class NotationError(Exception):
    """A text that does not parse; ``flaws`` holds everything that was found wrong with it."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__("; ".join(flaw.message for flaw in flaws))
        self.flaws = flaws


class TokenKind(Enum):
    """What a token is."""

    NAME = auto()
    NUMBER = auto()
    STRING = auto()
    PARAM = auto()
    PUNCT = auto()
    END = auto()


class Token(NamedTuple):  # as many as anything here: made in half the time of a dataclass
    """One token; ``glued`` when no space stands before it."""

    kind: TokenKind
    text: str
    offset: int
    length: int
    glued: bool = False


_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<NUMBER>0x[0-9A-Fa-f]+|\d+(?:\.\d+)?)
      | (?P<NAME>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      | \$(?P<PARAM>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<STRING>"(?:[^"\\]|\\.)*")
      | (?P<PUNCT>\.\.\.|\.\.|[=,<>*+\-():/|?])
    """,
    re.VERBOSE,
)
_KINDS: Final = {kind.name: kind for kind in TokenKind}
# A number longer than this is a mistake or an attack: nothing in a header has more digits.
_LONGEST_NUMBER: Final = 24
# Nor has a line more tokens; parameters could multiply a short one.
_MOST_TOKENS: Final = 4096
MOST_FLAWS: Final = 100  # of one text, after which nobody reads on
_LONGEST_GUESS: Final = 200  # characters of a word that may be meant for another


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint that names the closest known word, or all of them when they are few."""
    return _suggested(word, tuple(known))


@lru_cache(maxsize=1024)  # each combination of parameters finds the same faults
def _suggested(word: str, words: tuple[str, ...]) -> str:
    folded = {known_word.casefold(): known_word for known_word in words}
    close: list[str] = []
    if len(word) <= _LONGEST_GUESS:
        from difflib import get_close_matches  # only what is wrong is slow

        close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean {folded[close[0]]}?"
    return f"one of {', '.join(words)}" if 0 < len(words) <= 16 else ""


def tokens(text: str, params: Mapping[str, str] | None = None) -> list[Token]:
    """Every token of ``text`` and a closing END; ``params`` maps a parameter to its text.

    Raises :class:`NotationError` for a character that begins no token or an unknown parameter.
    """
    found: list[Token] = []
    at, glued = 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotationError(_bad_character(text, at))
        kind, length = match.lastgroup, match.end() - at
        if kind == "space":
            glued = False
        elif kind == "PARAM" and params is not None:
            found += _splice(match["PARAM"], params, at, length, glued)
            glued = True
        else:
            assert kind is not None
            # Octets are a number too, as far as a token goes: 0x and any digits.
            if kind == "NUMBER" and length > _LONGEST_NUMBER and match[kind][1] != "x":
                raise NotationError(Flaw(at, length, "this number is too long"))
            found.append(Token(_KINDS[kind], match[kind], at, length, glued))
            glued = True
        if len(found) > _MOST_TOKENS:
            raise NotationError(Flaw(0, len(text), "this text is too long"))
        at = match.end()
    found.append(Token(TokenKind.END, "", len(text), 1, glued))
    return found


def _bad_character(text: str, at: int) -> Flaw:
    if text[at] == '"':
        return Flaw(at, len(text) - at, "this text in quotes has no end", 'close it with "')
    return Flaw(at, 1, f"{text[at]!r} means nothing here")


def _splice(name: str, params: Mapping[str, str], at: int, length: int, glued: bool) -> list[Token]:
    if name not in params:
        hint = suggest(name, params) if params else "the case has no parameters"
        raise NotationError(Flaw(at, length, f"unknown parameter ${name}", hint))
    try:
        inner = tokens(params[name])[:-1]
    except NotationError as error:
        flaw = error.flaws[0]
        raise NotationError(
            Flaw(at, length, f"in ${name} = {params[name]}: {flaw.message}", flaw.hint)
        ) from error
    return [
        Token(token.kind, token.text, at, length, token.glued if i else glued)
        for i, token in enumerate(inner)
    ]


class Scanner:
    """A cursor over the tokens of one text."""

    def __init__(self, text: str, params: Mapping[str, str] | None = None) -> None:
        self._tokens = tokens(text, params)
        self._at = 0

    @property
    def next(self) -> Token:
        """The token under the cursor; END at the end, for ever."""
        return self._tokens[self._at]

    def peek(self, ahead: int = 1) -> Token:
        """The token ``ahead`` places after the cursor."""
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The token under the cursor, which moves on."""
        token = self.next
        if token.kind is not TokenKind.END:
            self._at += 1
        return token

    def accept(self, *texts: str) -> Token | None:
        """The token if it is one of these punctuation marks."""
        token = self.next
        return self.take() if token.kind is TokenKind.PUNCT and token.text in texts else None

    def expect(self, text: str, why: str) -> Token:
        """This punctuation mark, or a flaw."""
        return self.accept(text) or self.fail(f"{text!r} expected {why}")

    def name(self, what: str) -> Token:
        """A name, or a flaw that says ``what`` was expected."""
        return self.take() if self.next.kind is TokenKind.NAME else self.fail(f"{what} expected")

    def string(self) -> str:
        """The text in quotes under the cursor, as JSON reads it, or a flaw."""
        token = self.take()
        try:
            text = str(json.loads(token.text))
            text.encode()
        except UnicodeEncodeError:
            self.fail("half of a surrogate pair is no character", "octets: 0x and digits", token)
        except ValueError:
            self.fail("not a text in quotes", token=token)
        return text

    def done(self) -> bool:
        """Whether nothing is left."""
        return self.next.kind is TokenKind.END

    def end(self) -> None:
        """Nothing more, or a flaw."""
        if not self.done():
            self.fail(f"{self.next.text!r} is not expected here")

    def fail(self, message: str, hint: str = "", token: Token | None = None) -> NoReturn:
        """Raise a flaw at ``token``, else under the cursor."""
        at = token or self.next
        raise NotationError(Flaw(at.offset, at.length, message, hint))
