"""``collect: 5840``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case.step import WITHIN, Arg, Sibling, Step, Way

_ACK = Sibling(Arg.ACKS, "which of the segments the tester acknowledges")
_THEN = Sibling(Arg.FIN, "FIN: it ends the stream, on the last text or after it")
_TOLD = {"each": "each segment acknowledged", "last": "the last acknowledged"}


@dataclass(frozen=True, slots=True)
class Collect(Step):
    """So many octets come; ``ack``: each, last or none; ``then``: FIN, or empty."""

    verb = "collect"
    argument = Arg.COUNT
    doc = "so many octets of the stream come, in any segmentation"
    siblings = {**WITHIN, "ack": _ACK, "then": _THEN}  # noqa: RUF012 - a ClassVar
    way = Way.TO_TESTER

    value: int
    _: KW_ONLY
    ack: str = "each"
    then: str = ""

    @property
    def checks(self) -> bool:
        return True

    @property
    def drawn(self) -> str:
        octets = "1 octet" if self.value == 1 else f"{self.value} octets, in order"
        octets += f", then {self.then}" if self.then else ""
        return f"{octets}; {_TOLD.get(self.ack, 'none acknowledged')}"
