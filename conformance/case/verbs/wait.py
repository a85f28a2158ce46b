"""``wait: 30s``"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case.step import Arg, Step, Way
from conformance.notation.printer import print_duration
from conformance.notation.time import Duration


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Time passes; what comes meanwhile fails the case, but that is not what it is there for."""

    verb = "wait"
    argument = Arg.DURATION
    doc = "time passes in silence"
    way = Way.PASSES
    own_notes = True

    value: Duration

    @property
    def passes(self) -> Duration | None:
        return self.value

    @property
    def drawn(self) -> str:
        return f"{print_duration(self.value)} pass"
