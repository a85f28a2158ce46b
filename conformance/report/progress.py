"""How far a run is: what runs, what the slowest case waits for, and what time is left at least.

Pure: who asks says what time it is. In real time the time left comes from the cases' own bounds:
none ends before its waits, silences and lower bounds have passed, and the machine plays so many at
once. In virtual time only the pace so far can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from conformance.play.conversation import Conversation
from conformance.visible import on_one_line

_HOURS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Running:
    """The cases that are being played: how long each has, and of the oldest the step it is at."""

    ages: Mapping[str, float] = field(default_factory=dict)
    slowest: str = ""
    step: str = ""


def running(talks: Iterable[Conversation], now: float) -> Running:
    """``now`` is a time of the lab's clock."""
    found = {talk.record.id: (max(0.0, now - talk.record.started), talk) for talk in talks}
    ages = {id: age for id, (age, _) in found.items()}
    if not ages:
        return Running()
    slowest = max(ages, key=lambda id: ages[id])
    step = found[slowest][1].step
    return Running(ages, slowest, step.text if step else "its end")


class Forecast:
    """What is left of a run. ``needed``: seconds that each play takes at least, by its id."""

    def __init__(self, needed: Mapping[str, float], at_once: int, *, virtual: bool = False) -> None:
        self._left = dict(needed)
        self._total, self._at_once, self._virtual = len(needed), max(1, at_once), virtual

    def ended(self, id: str) -> None:
        """One more has ended."""
        self._left.pop(id, None)

    def seconds(self, now: Running, elapsed: float) -> float | None:
        """At least so long it goes on; None where nothing can be told yet."""
        done = self._total - len(self._left)
        if self._virtual:
            return elapsed / done * len(self._left) if done else None
        rest = [max(0.0, need - now.ages.get(id, 0.0)) for id, need in self._left.items()]
        return max(max(rest, default=0.0), sum(rest) / self._at_once)


def about(seconds: float) -> str:
    """``12 s``, ``3 min 20 s``, ``2 h 5 min``; no more than a person can use."""
    whole = int(seconds + 0.5)
    if whole < 100:
        return f"{whole} s"
    if seconds < _HOURS:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def waits(now: Running) -> str:
    """``rfc9293/...::linux-ipv4 42 s at state: CLOSED``; empty where nothing runs."""
    if not now.slowest:
        return ""
    return on_one_line(f"{now.slowest} {about(now.ages[now.slowest])} at {now.step}")
