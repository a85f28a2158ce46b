"""``call: accept(l) = c``, and in two halves ``spawn: connect()`` and ``join: connect() = c``"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from conformance.case.step import AFTER, WITHIN, Arg, Step, Way
from conformance.notation.call import CallText, Word
from conformance.notation.printer import print_call
from conformance.tcp.addresses import OTHER


@dataclass(frozen=True, slots=True)
class OfCall(Step):
    """What the three have in common."""

    argument = Arg.CALL
    way = Way.AT_TARGET
    returns: ClassVar[bool] = True  # a result may be written

    value: CallText

    @property
    def checks(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        needs = {"CALLS"}
        if self.value.name == "connect":
            needs.add("ACTIVE-OPEN")
        if self.address:
            needs.add("ADDRESSES")
        if self.address == OTHER:
            needs.add("THIRD-HOST")
        if any(value == Word("MD5SIG") for _, value in self.value.args):
            needs.add("MD5")
        if self.value.name.startswith("ao_"):
            needs.add("AO")
        return frozenset(needs)

    @property
    def address(self) -> str:
        """Whose address it names; empty for none."""
        found = dict(self.value.args).get("address")
        return found.text if isinstance(found, Word) else ""


@dataclass(frozen=True, slots=True)
class Call(OfCall):
    """A call that is made and returns."""

    verb = "call"
    doc = "a socket call on the target returns this"
    siblings = {**AFTER, **WITHIN}  # noqa: RUF012 - a ClassVar

    @property
    def checks(self) -> bool:
        return self.value.result is not None


@dataclass(frozen=True, slots=True)
class Spawn(OfCall):
    """A call that is made and blocks."""

    verb = "spawn"
    doc = "a socket call that blocks begins"
    siblings = AFTER
    returns = False

    @property
    def drawn(self) -> str:
        return f"{self.written} begins"


@dataclass(frozen=True, slots=True)
class Join(OfCall):
    """The return of one that was spawned."""

    verb = "join"
    doc = "the call that was spawned returns this"
    siblings = WITHIN

    @property
    def drawn(self) -> str:
        return print_call(self.value)
