"""How many cases the loop of a live run plays at once; labs and conversations are scripts here."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from conformance.live.loop import LabLoop, Playing
from conformance.play.conversation import Conversation
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict

SOON = 5.0  # seconds after which the test has hung


class Source:
    """Labs, always one more."""

    def __init__(self) -> None:
        self.ports, self.told = deque(range(9)), set[int]()
        self.ready = os.eventfd(1)

    def prepare(self, count: int, /) -> None: ...

    def openable(self) -> int:
        return self.ready

    def filenos(self) -> list[int]:
        return []

    def poll(self) -> set[int]:
        return set()


class Scripted(Playing):
    """Ends with ``verdict`` once ``ends`` says so."""

    def __init__(self, name: str, begun: list[str], ends: str, lateness: float) -> None:
        self.name, self.begun, self.ends, self.lateness = name, begun, ends, lateness
        self.since = time.monotonic()
        lab = SimpleNamespace(filenos=list, close=lambda: None)
        talk = SimpleNamespace(wake=None, verdict=None, record=name, forget=lambda: None)
        super().__init__(cast(Conversation, talk), lab)

    @property
    def wake(self) -> float | None:
        return 0.0

    def start(self) -> None:
        self.begun.append(self.name)
        self.pump()

    def pump(self) -> None:
        if self.ends in self.begun or time.monotonic() > self.since + SOON:
            verdict = Verdict(Outcome.PASS, lateness=self.lateness, allowed=0.01)
            self.talk.verdict = verdict

    def end(self) -> None:
        """Its record is a name: nothing is seen beside it."""

    def _read(self, action: object) -> None: ...
    def _set(self, action: object) -> None: ...


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    yield made
    os.close(made.ready)


def test_however_late_one_was_the_next_does_not_wait_for_a_long_one(source: Source) -> None:
    begun: list[str] = []
    ended: list[object] = []
    # Each of the late ones has the loop play fewer; the long one ends when the last has begun.
    rows = (("late", "late", 1.0), ("late too", "late too", 1.0), ("long", "last", 0.0),
            ("last", "last", 0.0))  # fmt: skip

    def opener(name: str, ends: str, lateness: float) -> Scripted:
        return Scripted(name, begun, ends, lateness)

    def told(record: Record) -> None:
        ended.append(record)

    openers = [lambda _, row=row: opener(*row) for row in rows]
    LabLoop(source, 9).run(openers, told)
    assert ended == ["late", "late too", "last", "long"]
