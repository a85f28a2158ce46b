"""``allow: SEGMENT``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case.step import Arg, Sibling, Step, Way
from conformance.notation.segment import SegmentText

_TIMES = Sibling(Arg.ANY, "any: as often as it comes", "often")


@dataclass(frozen=True, slots=True)
class Allow(Step):
    """A segment may come; nobody knows whether it did, so its label stands for none."""

    verb = "allow"
    argument = Arg.SEGMENT
    doc = "from here on this segment may come"
    siblings = {"times": _TIMES}  # noqa: RUF012 - a ClassVar
    way = Way.TO_TESTER
    may_not_come = True

    value: SegmentText
    _: KW_ONLY
    often: str = ""

    @property
    def patterns(self) -> tuple[SegmentText, ...]:
        return (self.value,)

    @property
    def drawn(self) -> str:
        return f"{self.written}  may come, {'again and again' if self.often else 'once'}"
