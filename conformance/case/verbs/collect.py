"""``collect: 5840``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case.step import WITHIN, Arg, Sibling, Step, Way

_ACK = Sibling(Arg.ACKS, "which of the segments the tester acknowledges")
_TOLD = {"each": "each segment acknowledged", "last": "the last acknowledged"}


@dataclass(frozen=True, slots=True)
class Collect(Step):
    """So many octets come, in order; ``ack``: each, last or none."""

    verb = "collect"
    argument = Arg.COUNT
    doc = "so many octets come, in order, in any segmentation"
    siblings = {**WITHIN, "ack": _ACK}  # noqa: RUF012 - a ClassVar
    way = Way.TO_TESTER

    value: int
    _: KW_ONLY
    ack: str = "each"

    @property
    def checks(self) -> bool:
        return True

    @property
    def drawn(self) -> str:
        octets = "1 octet" if self.value == 1 else f"{self.value} octets, in order"
        return f"{octets}; {_TOLD.get(self.ack, 'none acknowledged')}"
