"""``silence: 500ms``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case.segments import show_segment
from conformance.case.step import Arg, Sibling, Step, Way
from conformance.notation.printer import print_duration
from conformance.notation.segment import SegmentText
from conformance.notation.time import Duration

_OF = Sibling(Arg.SEGMENT, "nothing like this segment comes; others may")


@dataclass(frozen=True, slots=True)
class Silence(Step):
    """Nothing comes, or with ``of`` nothing of this kind."""

    verb = "silence"
    argument = Arg.DURATION
    doc = "nothing comes for so long"
    siblings = {"of": _OF}  # noqa: RUF012 - a ClassVar
    way = Way.PASSES
    own_notes = True
    begins_branch = True

    value: Duration
    _: KW_ONLY
    of: SegmentText | None = None

    @property
    def patterns(self) -> tuple[SegmentText, ...]:
        return (self.of,) if self.of is not None else ()

    @property
    def checks(self) -> bool:
        return True

    @property
    def passes(self) -> Duration | None:
        return self.value

    @property
    def drawn(self) -> str:
        what = f"no {show_segment(self.of)}" if self.of is not None else "silence"
        return f"{what} for {print_duration(self.value)}"
