"""``state: TIME-WAIT``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case.step import WITHIN, Arg, Sibling, Step, Way
from conformance.notation.time import Duration
from conformance.tcp.states import State

_FOR = Sibling(Arg.DURATION, "it stays so this long", "lasting")
_VIA = Sibling(Arg.STATES, "the states on the way there, in order")


@dataclass(frozen=True, slots=True)
class InState(Step):
    """The target gets to a state; ``lasting`` is what ``for:`` says.

    One that only looks is no need: where nobody can tell states it is taken for granted, and the
    segments are judged.
    """

    verb = "state"
    argument = Arg.STATE
    doc = "the target gets to this state"
    siblings = {**WITHIN, "for": _FOR, "via": _VIA}  # noqa: RUF012 - a ClassVar
    way = Way.AT_TARGET
    begins_branch = True

    value: State
    _: KW_ONLY
    lasting: Duration | None = None
    via: tuple[State, ...] = ()

    @property
    def checks(self) -> bool:
        return True

    @property
    def lasts(self) -> Duration | None:
        return self.lasting

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"STATE"} if self.via or self.within is not None else ())

    @property
    def drawn(self) -> str:
        return f"by way of {' '.join(self.via)}" if self.via else ""

    @property
    def shows(self) -> str:
        return str(self.value)

    @property
    def is_beside(self) -> bool:
        return not (self.via or self.within or self.lasting or self.label)
