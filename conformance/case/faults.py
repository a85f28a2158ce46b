"""What is wrong with a case: where, what, and what to try instead.

All faults of all files are shown at once, in the order of the files and of their lines, each
once: whoever wrote five mistakes should not have to run five times. A fault in line 0 is about
the file as a whole. ``render`` is the one place that knows how a fault looks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.case.spans import Span
from conformance.errors import CaseError
from conformance.visible import on_one_line

MOST_FAULTS = 100  # of one file; whoever has more has one mistake a hundred times
_WIDEST = 100  # columns of the quoted line
_LONGEST = 300  # characters of a message: a hostile word may be a megabyte


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong; ``hint`` is what to try, empty when nobody can guess."""

    span: Span
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = str(self.span) if self.span.line else self.span.path
        return on_one_line(f"{place}: {shorten(self.message)}")


class CaseFaults(CaseError):
    """Everything that is wrong with one or more files; ``sources`` is their text, by path."""

    def __init__(self, faults: Iterable[Fault], sources: Mapping[str, str] | None = None) -> None:
        self.faults = ordered(faults)
        self.sources: Mapping[str, str] = dict(sources or {})
        super().__init__("\n".join(render(fault, self.sources) for fault in self.faults))


class Faults:
    """The faults that one reading finds, each once, at most ``MOST_FAULTS``."""

    def __init__(self) -> None:
        self._found: dict[Fault, None] = {}
        self._noted = 0

    def add(self, span: Span, message: str, hint: str = "") -> None:
        """Note one; a repetition is passed over."""
        self.extend([Fault(span, shorten(message), shorten(hint))])

    def extend(self, faults: Iterable[Fault]) -> None:
        """Note many."""
        for fault in faults:
            self._noted += 1
            if not self.full:
                self._found.setdefault(fault)

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def full(self) -> bool:
        """Whether no more are wanted, so that reading can end."""
        return len(self._found) >= MOST_FAULTS

    def __len__(self) -> int:
        """How many were noted, repetitions too: whether a reading went wrong shows in it."""
        return self._noted

    def all(self) -> tuple[Fault, ...]:
        """All of them, in file and line order."""
        return ordered(self._found)


def ordered(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """In the order of files, lines and columns, each once."""
    return tuple(
        sorted(
            dict.fromkeys(faults),
            key=lambda fault: (fault.span.path, fault.span.line, fault.span.column),
        )
    )


def shorten(text: str, most: int = _LONGEST) -> str:
    """``text`` on one line, cut in the middle when it is longer than ``most`` characters."""
    text = " ".join(text.split("\n"))
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 4 :]}"


def render(fault: Fault, sources: Mapping[str, str]) -> str:
    """The fault as a person reads it: place, message, the line, a caret under the token, a hint."""
    lines = [str(fault)]
    source = sources.get(fault.span.path)
    if source is not None and fault.span.line:
        lines += _quote(fault.span, source)
    if fault.hint:
        lines.append(on_one_line(f"  {shorten(fault.hint)}"))
    return "\n".join(lines)


def _quote(span: Span, source: str) -> list[str]:
    texts = source.split("\n")
    if span.line > len(texts):
        return []
    text = texts[span.line - 1].replace("\t", " ")
    at = min(span.column - 1, len(text))
    indent = min(len(text) - len(text.lstrip()), at)
    cut = max(indent, at - _WIDEST * 2 // 3) if at - indent > _WIDEST else indent
    shown = text[cut : cut + _WIDEST].rstrip()
    if not shown:
        return []
    width = max(1, min(span.length, len(shown) - (at - cut)))
    under = " " * _columns(text[cut:at]) + "^" * max(1, _columns(text[at : at + width]))
    return ["    " + on_one_line(shown), "    " + under]


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in on_one_line(text)
    )
