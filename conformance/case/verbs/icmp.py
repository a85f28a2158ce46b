"""``icmp: {error: port-unreachable, quotes: syn}``"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case.step import AFTER, Arg, Step, Way


@dataclass(frozen=True, slots=True)
class IcmpText:
    """An ICMP error to send: a row of ``case.icmp.ERRORS`` by name, or raw type and code.

    ``quotes`` is the label of the target's segment that it quotes; ``value`` is the next-hop
    MTU or the pointer.
    """

    quotes: str
    error: str = ""
    type: int | None = None
    code: int | None = None
    value: int = 0


@dataclass(frozen=True, slots=True)
class Icmp(Step):
    """The target receives an ICMP error about its own segment."""

    verb = "icmp"
    argument = Arg.ICMP
    doc = "the target receives an ICMP error about its own segment"
    siblings = AFTER
    way = Way.TO_TARGET

    value: IcmpText

    @property
    def quotes(self) -> str:
        return self.value.quotes

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"ICMP"})

    @property
    def drawn(self) -> str:
        return f"icmp {self.written}"
