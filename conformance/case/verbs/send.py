"""``send: SEGMENT``"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case.step import AFTER, Arg, Step, Way
from conformance.notation.segment import SegmentText


@dataclass(frozen=True, slots=True)
class Send(Step):
    """The tester sends a segment."""

    verb = "send"
    argument = Arg.SEGMENT
    doc = "the tester sends this segment"
    siblings = AFTER
    way = Way.TO_TARGET
    labels_segment = True

    value: SegmentText

    @property
    def patterns(self) -> tuple[SegmentText, ...]:
        return (self.value,)

    @property
    def by_tester(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        ip = self.value.ip
        return frozenset({"OWN-LINK"} if ip.sender or ip.receiver else ())
