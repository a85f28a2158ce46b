"""``expect: SEGMENT``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case import ip
from conformance.case.step import WITHIN, Arg, Sibling, Step, Way
from conformance.notation.printer import print_ratio
from conformance.notation.segment import SegmentText
from conformance.notation.time import Ratio

_GROWS = "how the wait grows from one retransmission to the next"


@dataclass(frozen=True, slots=True)
class Expect(Step):
    """The target sends a segment; also the base of every verb whose segment may be the target's."""

    verb = "expect"
    argument = Arg.SEGMENT
    doc = "the target's next segment is this"
    siblings = {**WITHIN, "backoff": Sibling(Arg.RATIO, _GROWS)}  # noqa: RUF012 - a ClassVar
    way = Way.TO_TESTER
    labels_segment = True
    begins_branch = True

    value: SegmentText
    _: KW_ONLY
    backoff: Ratio | None = None

    @property
    def patterns(self) -> tuple[SegmentText, ...]:
        return (self.value,)

    @property
    def needs(self) -> frozenset[str]:
        return ip.needs(self.value.ip, sent=self.by_tester)

    @property
    def checks(self) -> bool:
        return not self.by_tester

    @property
    def grows(self) -> Ratio | None:
        return self.backoff

    @property
    def drawn(self) -> str:
        grows = f"  backoff {print_ratio(self.backoff)}" if self.backoff is not None else ""
        return self.written + grows
