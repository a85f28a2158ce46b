"""``repeat: 3``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

from conformance.case.step import (
    WEIGHT,
    WEIGHT_OF_EACH,
    Arg,
    Branch,
    Sibling,
    Step,
    Way,
)
from conformance.notation.amount import Amount
from conformance.notation.time import Duration

_STEPS = Sibling(Arg.STEPS, "what is repeated")
_EACH = Sibling(Arg.LABEL, "conn: of this name is another connection in each round")
_FOR = Sibling(Arg.DURATION, "how long rounds may begin that need not", "during")


@dataclass(frozen=True, slots=True)
class Repeat(Step):
    """Rounds of ``steps``; ``value`` holds whole numbers. ``during`` is what ``for:`` says.

    ``each`` is the name of as many connections as there are rounds.
    """

    verb = "repeat"
    argument = Arg.ROUNDS
    doc = "the steps, so many times; 3.. as often as they begin while for: lasts"
    siblings = {"steps": _STEPS, "for": _FOR, "each": _EACH}  # noqa: RUF012 - a ClassVar
    way = Way.BETWEEN

    value: Amount
    _: KW_ONLY
    steps: tuple[Step, ...] = ()
    during: Duration | None = None
    each: str = ""

    @property
    def checks(self) -> bool:
        return any(step.checks for step in self.steps)

    @property
    def branches(self) -> tuple[Branch, ...]:
        return (Branch(self.steps),)

    def with_branches(self, branches: tuple[Branch, ...]) -> Repeat:
        return replace(self, steps=branches[0].steps)

    @property
    def rounds(self) -> tuple[int, int | None]:
        low, high = self.value.low, self.value.high
        return low if isinstance(low, int) else 0, high if isinstance(high, int) else None

    @property
    def lasts(self) -> Duration | None:
        return self.during

    @property
    def needs(self) -> frozenset[str]:
        # Their ports are beyond those that a case has on a link with others.
        return frozenset({"OWN-LINK"}) if self.each else frozenset()

    @property
    def weight(self) -> int:
        return WEIGHT_OF_EACH if self.each else WEIGHT

    def of_round(self, number: int) -> tuple[Step, ...]:
        """The steps of a round, counted from 1, each on its connection."""
        if not self.each:
            return self.steps
        return tuple(_renamed(step, self.each, f"{self.each}.{number}") for step in self.steps)

    def lead(self, number: int) -> str:
        times = f"{self.written} times" if self.value.high != 1 else "once"
        return f"{times}, each on a {self.each} of its own" if self.each else times


def _renamed(step: Step, name: str, conn: str) -> Step:
    """The step, and those of its branches, on the connection that ``name`` stands for."""
    branches = tuple(
        replace(branch, steps=tuple(_renamed(inner, name, conn) for inner in branch.steps))
        for branch in step.branches
    )
    step = step.with_branches(branches) if branches else step
    return replace(step, conn=conn) if step.conn == name else step
