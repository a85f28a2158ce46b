"""``free: rest``"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case.step import Arg, Step, Way


@dataclass(frozen=True, slots=True)
class Free(Step):
    """What the connection still brings is nobody's business, but what no TCP may send."""

    verb = "free"
    argument = Arg.REST
    doc = "what comes from here on fails nobody, but what no TCP may send"
    way = Way.BETWEEN
    leaves_free = True

    value: str

    @property
    def drawn(self) -> str:
        return "what follows is free"
