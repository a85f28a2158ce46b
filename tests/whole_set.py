"""The shipped cases, read once a process, and the sample of them that ``--sample`` plays.

The sample is a fixed one: whether a case is in it is known from its id alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final, TypeVar
from zlib import crc32

from conformance.case.faults import Fault
from conformance.case.load import load
from conformance.case.model import Case

ROOT: Final = Path(__file__).parents[1] / "cases"
T = TypeVar("T")


@cache
def read() -> tuple[tuple[Case, ...], tuple[Fault, ...]]:
    """All cases, fragments too, and what is wrong with them."""
    cases, faults = load([ROOT], ROOT)
    return tuple(cases), tuple(faults)


def shipped() -> tuple[Case, ...]:
    """All cases, fragments too."""
    return read()[0]


def every(nth: int, cases: Iterable[Case]) -> list[Case]:
    """One of ``nth`` of them."""
    return [case for case in cases if crc32(case.id.encode()) % nth == 0]


def one_of(choices: Sequence[T], case: Case) -> T:
    """The same for the same case; all of them are some case's."""
    return choices[crc32(case.id.encode()) % len(choices)]
