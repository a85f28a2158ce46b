"""The tester's ISN as an axis of a run: where the numbers of a case wrap.

A TCP that compares sequence numbers as plain integers is wrong where they pass 2**32, and one that
compares them as signed integers where they pass 2**31. So each name stands for two ISNs, one
before each of the two; how far before is worked out of the case:

- ``wrap``: three quarters into the first text of the tester, so that RCV.NXT lies before it, an
  overlap and the right edge of the window across it; without a text before what follows the next
  number, which is mostly the FIN's.
- ``syn``: the SYN has the last number before it.

A case that names an ISN of its own keeps it, and is played once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from conformance.case.lint import every_step
from conformance.case.model import Case
from conformance.case.verbs.send import Send
from conformance.errors import CaseError
from conformance.notation.expr import Range
from conformance.notation.segment import SegmentText
from conformance.play.record import Addressing
from conformance.tcp.seq import MODULUS, wrap

POINTS: Final = (MODULUS, MODULUS >> 1)
_NUMBER: Final = re.compile(r"0x[0-9A-Fa-f]{1,8}|[0-9]{1,10}")


def isns_of(text: str) -> tuple[str, ...]:
    """``wrap,0x7fffffff`` as names and numbers; raises CaseError for what is neither."""
    words = tuple(dict.fromkeys(word.strip() for word in text.split(","))) if text else ()
    for word in words:
        number = _NUMBER.fullmatch(word) is not None and _number(word) < MODULUS
        if word not in DISTANCES and not number:
            names = ", ".join(DISTANCES)
            raise CaseError(f"{word!r} is no ISN; it is {names} or a number below 2^32")
    return words


def isns(case: Case, words: Sequence[str]) -> tuple[int | None, ...]:
    """The ISNs that a case is played with; None: any will do, or the case's own."""
    if case.isn is not None or not words:
        return (None,)
    found: list[int] = []
    for word in words:
        if word in DISTANCES:
            found += (point - DISTANCES[word](case) for point in POINTS)
        else:
            found.append(_number(word))
    return tuple(dict.fromkeys(found))


def numbered(case: Case, addressing: Addressing) -> Addressing:
    """With the ISN that the case names, or else the run."""
    isn = addressing.isn if case.isn is None else case.isn
    return addressing if isn is None else replace(addressing, irs=isn)


def isn_of(case: Case, addressing: Addressing, number: int) -> int:
    """The tester's ISN of a connection, counted from 0: one of its own, or as it was chosen."""
    chosen = case.isn is not None or addressing.isn is not None
    return addressing.irs if chosen else wrap(addressing.irs + (number << 24))


def _number(word: str) -> int:
    return int(word, 16) if word.startswith("0x") else int(word)


def _into_the_text(case: Case) -> int:
    sends = (step.value for step in every_step(case.all_steps) if isinstance(step, Send))
    first = next((size for size in map(_size, sends) if size > 1), 1)
    return max(1 + 3 * first // 4, 2)


def _size(segment: SegmentText) -> int:
    """How many octets of text the segment has, where it is written as a number."""
    if segment.data is not None:
        return len(segment.data)
    value = segment.fields.get("len")
    if not isinstance(value, Range) or value.low.names:
        return 0
    return value.low.value(dict[str, int]().__getitem__)  # it has no names


# Numbers from the ISN to the first one behind the point, by the name of the choice.
DISTANCES: Final[Mapping[str, Callable[[Case], int]]] = {
    "wrap": _into_the_text,
    "syn": lambda _: 1,
}
