"""``allow: SEGMENT``"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case.step import Arg, Step, Way
from conformance.notation.segment import SegmentText


@dataclass(frozen=True, slots=True)
class Allow(Step):
    """A segment may come; nobody knows whether it did, so its label stands for none."""

    verb = "allow"
    argument = Arg.SEGMENT
    doc = "from here on this segment may come, once"
    way = Way.TO_TESTER
    may_not_come = True

    value: SegmentText

    @property
    def patterns(self) -> tuple[SegmentText, ...]:
        return (self.value,)

    @property
    def drawn(self) -> str:
        return f"{self.written}  may come, once"
