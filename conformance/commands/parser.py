"""How a command line that is wrong is refused: in one sentence, with a guess at what was meant."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from conformance.errors import CaseError


class Parser(argparse.ArgumentParser):
    """Raises CaseError where argparse would print its usage."""

    def error(self, message: str) -> NoReturn:
        raise CaseError(f"{message}; see {self.prog} --help")

    def unknown(self, words: Sequence[str]) -> NoReturn:
        """Refuse words that no option or argument takes."""
        options = [text for action in self._actions for text in action.option_strings]
        word = next((word for word in words if word.startswith("-")), words[0])
        raise CaseError(unknown("option", word.partition("=")[0], options, self.prog))


def unknown(what: str, word: str, every: Sequence[str], prog: str) -> str:
    """The sentence about a word that there is not, of ``every`` that there is."""
    from difflib import get_close_matches

    close = get_close_matches(word, every, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"see {prog} --help"
    return f"unknown {what} {word!r}: {hint}"
