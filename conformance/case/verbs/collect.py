"""``collect: 5840``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case.step import WITHIN, Arg, Sibling, Step, Way

_ACK = Sibling(Arg.ACKS, "which of the segments the tester acknowledges")
_LOSE = Sibling(Arg.PLACES, "which of the segments that come are lost, from 1")
_THEN = Sibling(Arg.FIN, "FIN: it ends the stream, on the last text or after it")
_TOLD = {
    "each": "each segment acknowledged",
    "second": "every second segment acknowledged",
    "last": "the last acknowledged",
}


@dataclass(frozen=True, slots=True)
class Collect(Step):
    """So many octets come; ``ack``: each, second, last or none; ``then``: FIN, or empty."""

    verb = "collect"
    argument = Arg.COUNT
    doc = "so many octets of the stream come, in any segmentation"
    siblings = {**WITHIN, "ack": _ACK, "lose": _LOSE, "then": _THEN}  # noqa: RUF012 - a ClassVar
    way = Way.TO_TESTER

    value: int
    _: KW_ONLY
    ack: str = "each"
    lose: tuple[int, ...] = ()
    then: str = ""

    @property
    def has_repaired(self) -> bool:
        return bool(self.lose)

    @property
    def checks(self) -> bool:
        return True

    @property
    def drawn(self) -> str:
        octets = "1 octet" if self.value == 1 else f"{self.value} octets, in order"
        octets += f", then {self.then}" if self.then else ""
        lost = f"; {', '.join(map(str, self.lose))} lost" if self.lose else ""
        return f"{octets}; {_TOLD.get(self.ack, 'none acknowledged')}{lost}"
