"""Colour, or none: the one place that knows an escape sequence.

Rules: a text is laid out first and painted last, so that colour never moves a column; a report
says everything in words too, since a pipe, a log and many readers have no colours. What is painted
is made visible first, so that every escape in it is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.play.verdict import Outcome
from conformance.visible import visible

_CODES: Final = {
    "bold": "1",
    "dim": "2",
    "bad": "1;31",
    "good": "32",
    "warn": "33",
    "name": "36",
    "lost": "35",
    "pass": "32",
    "deviates": "33",
    "inconclusive": "1;33",
    "fail": "1;31",
    "error": "1;31",
    "blocked": "1;35",
    "skipped": "2",
}
WORDS: Final = {
    Outcome.PASS: "PASS",
    Outcome.DEVIATES: "DEVIATES",
    Outcome.INCONCLUSIVE: "INCONCLUSIVE",
    Outcome.FAIL: "FAIL",
    Outcome.ERROR: "ERROR",
    Outcome.BLOCKED: "BLOCKED",
    Outcome.SKIPPED: "SKIPPED",
}


@dataclass(frozen=True, slots=True)
class Colours:
    """Paints when ``color`` is set, else hands back what it was given."""

    color: bool = False

    def __call__(self, text: str, style: str) -> str:
        """``text`` in a style of the table; spaces at its ends stay bare."""
        text = visible(text)
        inner = text.strip(" ")
        if not self.color or not style or not inner:
            return text
        left, _, right = text.partition(inner)
        return f"{left}\033[{_CODES[style]}m{inner}\033[0m{right}"

    def outcome(self, outcome: Outcome) -> str:
        """The verdict's word in its colour."""
        return self(WORDS[outcome], str(outcome))
