"""``counters: {TCPChallengeACK: +1}``"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.case.step import WITHIN, Arg, Step, Way
from conformance.case.told import listed
from conformance.notation.amount import Amount


@dataclass(frozen=True, slots=True)
class Counters(Step):
    """The kernel's counters have moved so far since the case began, or the last such step."""

    verb = "counters"
    argument = Arg.COUNTERS
    doc = "the kernel has counted this since the last such step, or the beginning"
    siblings = WITHIN
    way = Way.AT_TARGET
    own_notes = True

    value: Mapping[str, Amount]

    @property
    def checks(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"COUNTERS"})

    @property
    def drawn(self) -> str:
        return f"counters: {listed(self.value)}"
