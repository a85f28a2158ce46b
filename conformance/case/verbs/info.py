"""``info: {cwnd: 10}``"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass

from conformance.case.step import WITHIN, Arg, Sibling, Step, Way
from conformance.case.told import listed
from conformance.notation.amount import Amount

_OF = Sibling(Arg.LABEL, "the socket that is asked; without it the connection's last")


@dataclass(frozen=True, slots=True)
class Info(Step):
    """What the target's TCP tells of one connection comes to be this."""

    verb = "info"
    argument = Arg.INFO
    doc = "the target's TCP tells this of a connection"
    siblings = {"of": _OF, **WITHIN}  # noqa: RUF012 - a ClassVar
    way = Way.AT_TARGET
    own_notes = True

    value: Mapping[str, Amount | str]
    _: KW_ONLY
    of: str = ""

    @property
    def checks(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"CALLS", "INFO"})

    @property
    def drawn(self) -> str:
        return f"info{f' of {self.of}' if self.of else ''}: {listed(self.value)}"
