"""How the loop sleeps; what it drives, the live cases show."""

from __future__ import annotations

from collections import deque

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
