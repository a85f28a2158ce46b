"""One target of a pytest session: its items are played together, and told one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets.base import Job, Target, outcome_of
from conformance.targets.runs.rerun import play_again, play_alone
from conformance.targets.runs.schedule import longest, longest_of, play_once


class Playable(Protocol):
    """What a lane needs of an item."""

    job: Job

    @property
    def nodeid(self) -> str: ...

    def bound(self, seconds: float) -> None: ...


class Lane:
    """One target, and the items that are waiting to be played on it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.told = False
        self._waiting: list[Playable] = []
        self._records: dict[str, Record] = {}

    def expect(self, items: Sequence[Playable]) -> None:
        """These will be played together, in the turn of the first."""
        self._waiting = list(items)
        if items:
            profile = self.target.profile
            together = longest_of([item.job for item in items], profile)
            items[0].bound(together + longest(items[0].job, profile))

    def record(self, item: Playable) -> Record:
        """What came of one item, played now if it has not been."""
        if item in self._waiting:
            self._play_together()
        record = self._records.pop(item.nodeid, None)
        if record is None:
            return play_alone(self.target, item.job)
        if outcome_of(record) is Outcome.INCONCLUSIVE:
            return play_again(self.target, item.job, record)
        return record

    def _play_together(self) -> None:
        items, self._waiting = self._waiting, []
        names = {id(item.job): item.nodeid for item in items}

        def done(job: Job, record: Record) -> None:
            self._records[names[id(job)]] = record

        play_once(self.target, [item.job for item in items], done)
