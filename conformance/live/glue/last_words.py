"""What a program wrote to its stderr, of which only the last is kept, and the line that tells."""

from __future__ import annotations

import re
from typing import Final

from conformance.visible import on_one_line

_KEPT: Final = 2000  # octets
_SHOWN: Final = 3  # lines of them
# The line that says what happened, in Go, C, Rust and the sanitizers; a stack trace follows it.
_TELLING: Final = re.compile(
    rb"^(panic: |fatal error: |.*(runtime error: |ERROR: |[Aa]ssertion |panicked at )).*\n", re.M
)


class LastWords:
    """The words of one program."""

    def __init__(self) -> None:
        self._kept = b""
        self._telling = b""  # the first line that says what happened

    def add(self, words: bytes) -> None:
        """It wrote these."""
        heard = self._kept + words
        if not self._telling and (found := _TELLING.search(heard)):
            self._telling = found[0][:_KEPT]
        self._kept = heard[-_KEPT:]

    def text(self) -> str:
        """What tells, else the last lines, on one line; empty when it wrote nothing."""
        if self._telling:
            return printable(self._telling.decode(errors="replace").strip())
        lines = self._kept.decode(errors="replace").split("\n")
        return printable(" / ".join([line.strip() for line in lines if line.strip()][-_SHOWN:]))


def printable(text: str) -> str:
    """What a program wrote, as a sentence of ours may show it."""
    return on_one_line(text)[:1000].rstrip(".")
