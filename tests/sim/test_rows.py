"""Every row of the transition table that a case goes through is missed when it is taken out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Final

import pytest
from test_cases import CASES

from conformance.case.model import Case
from conformance.reference import machine
from conformance.reference.machine import Stack
from conformance.reference.transitions import TABLE, Input, Rows, Table, Transition, rows, without
from conformance.sim.mutants import PASSING
from conformance.targets.base import Job
from conformance.targets.kinds import reference
from conformance.targets.kinds.reference import Reference
from conformance.tcp.states import State

TARGET: Final = Reference()

pytestmark = pytest.mark.long  # each case once, to know which rows it goes through

# Rows that no case goes through. A case that begins to takes its row off this list.
UNUSED: Final[frozenset[tuple[State, Input]]] = frozenset(
    {
        (State.LISTEN, Input.SEND),  # no send() of a case names whom to open to
    }
)  # fmt: skip
# Rows that a stack may well do without, so that a case has to permit it.
PERMITTED: Final = frozenset({(State.SYN_RECEIVED, Input.HARD_ERROR)})  # SHLD-26


class _Seen(dict[tuple[State, Input], Transition]):
    """The index of the rows; notes which were asked for and found."""

    def __init__(self, index: Rows) -> None:
        super().__init__(index)
        self.found: set[tuple[State, Input]] = set()

    def get(self, key, default=None):  # type: ignore[no-untyped-def]
        if key in self:
            self.found.add(key)
        return super().get(key, default)


@contextmanager
def _table(table: Table) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "Stack", partial(Stack, table=table))
        yield


@cache
def users() -> dict[tuple[State, Input], list[Case]]:
    """The cases that go through each row."""
    found: dict[tuple[State, Input], list[Case]] = {}
    for case in CASES:
        seen = _Seen(rows(TABLE))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(machine, "rows", lambda table, index=seen: index)
            TARGET.play(Job(case))
        for key in seen.found:
            found.setdefault(key, []).append(case)
    return found


def test_the_rows_that_no_case_uses_are_known() -> None:
    unused = {(row.state, row.input) for row in TABLE} - set(users())
    assert unused - UNUSED == set(), "no case goes through these any more"
    assert UNUSED - unused == set(), "a case goes through these now: take them off the list"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.state} {row.input}")
def test_some_case_misses_the_row(row: Transition) -> None:
    cases = users().get((row.state, row.input), [])
    with _table(without(row)):
        missed = any(_misses(case) for case in cases)  # the first that does is enough
    if (row.state, row.input) in UNUSED | PERMITTED:
        assert not missed
    else:
        assert missed, f"{len(cases)} cases use the row, and none misses it"


def _misses(case: Case) -> bool:
    verdict = TARGET.play(Job(case)).verdict
    return verdict is not None and bool(verdict.outcome not in PASSING or verdict.reason)
