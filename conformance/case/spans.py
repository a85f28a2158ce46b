"""Where something stands in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line; ``line`` and ``column`` count from 1, ``length`` in characters."""

    path: str
    line: int
    column: int
    length: int = 1

    def part(self, offset: int, length: int) -> Span:
        """The stretch that begins ``offset`` characters into this one."""
        return Span(self.path, self.line, self.column + offset, max(1, length))

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


NOWHERE: Final = Span("", 1, 1)
