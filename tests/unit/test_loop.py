"""How the loop sleeps; what it drives, the live cases show."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from conformance.live.loop import LabLoop, _nap


def test_hours_are_slept_in_a_few_steps_and_the_last_is_a_short_one() -> None:
    """In virtual time each step costs more than the hours; in real time the clock may be slewed."""
    left, naps = 7200.0, list[float]()
    while left > 1e-6:
        naps.append(_nap(left))
        left -= naps[-1]
    assert len(naps) < 10
    assert naps[-1] <= 1.0


def test_what_is_due_is_not_slept_for() -> None:
    assert _nap(-0.5) == 0.0


class Nothing:
    """A source of no labs."""

    def __init__(self) -> None:
        self.ports, self.told = deque[int](), set[int]()

    def prepare(self, count: int, /) -> None:
        pass

    def openable(self) -> int:
        return -1

    def filenos(self) -> list[int]:
        return []

    def poll(self) -> set[int]:
        return set()


def test_somebody_looks_on_now_and_then_and_only_while_nothing_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    looks: list[int] = []
    one = LabLoop(Nothing(), 1, lambda talks: looks.append(len(talks)))
    assert one._shown(0.01) == 0.01  # something is due
    assert looks == []
    assert one._shown(60.0) == 0.5  # it is woken to look again
    assert one._shown(60.0) == 0.5
    assert looks == [0]
    clock[0] += 0.5
    assert one._shown(0.2) == 0.2
    assert looks == [0, 0]


class Brief(LabLoop):
    """Its cases end in the turn after the one in which they were opened, an hour later."""

    def __init__(self, clock: list[float]) -> None:
        source = Nothing()
        source.ports.extend((1, 2))
        super().__init__(source, 1)
        self.clock, self.opened = clock, list[Any]()

    def _turn(self, ended: Callable[..., None], room: bool) -> bool:
        if self._live:
            self.clock[0] += 3600.0
            self._live.clear()
            return False
        return room

    def _open(self, opener: Any, ended: Callable[..., None]) -> None:
        self.opened.append(opener)
        self._live[len(self.opened)] = opener


def test_a_turn_that_lasts_for_minutes_is_not_without_a_lab(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In virtual time the last case that is live may end long after it was looked at."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    one, openers = Brief(clock), list[Any](["first", "second"])
    one.run(openers, lambda record: None)
    assert one.opened == openers
