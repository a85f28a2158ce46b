"""How the loop sleeps; what it drives, the live cases show."""

from __future__ import annotations

from conformance.live.loop import _nap


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
