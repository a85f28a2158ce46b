"""``send: SEGMENT``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case import ip
from conformance.case.step import AFTER, Arg, Sibling, Step, Way
from conformance.notation.segment import SegmentText

_CUT = Sibling(Arg.COUNT, "its text goes in segments of so many octets, FIN and PSH on the last")


@dataclass(frozen=True, slots=True)
class Send(Step):
    """The tester sends a segment; or its text in several, with ``cut`` octets each."""

    verb = "send"
    argument = Arg.SEGMENT
    doc = "the tester sends this segment"
    siblings = {**AFTER, "cut": _CUT}  # noqa: RUF012 - a ClassVar
    way = Way.TO_TARGET
    labels_segment = True

    value: SegmentText
    _: KW_ONLY
    cut: int = 0

    @property
    def patterns(self) -> tuple[SegmentText, ...]:
        return (self.value,)

    @property
    def by_tester(self) -> bool:
        return True

    @property
    def drawn(self) -> str:
        cut = f"  in segments of {self.cut}" if self.cut else ""
        return self.written + cut

    @property
    def needs(self) -> frozenset[str]:
        return ip.needs(self.value.ip, sent=True)
