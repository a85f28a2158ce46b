"""``repeat: 3``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

from conformance.case.step import Arg, Branch, Sibling, Step, Way
from conformance.notation.amount import Amount
from conformance.notation.time import Duration

_STEPS = Sibling(Arg.STEPS, "what is repeated")
_FOR = Sibling(Arg.DURATION, "how long rounds may begin that need not", "during")


@dataclass(frozen=True, slots=True)
class Repeat(Step):
    """Rounds of ``steps``; ``value`` holds whole numbers. ``during`` is what ``for:`` says."""

    verb = "repeat"
    argument = Arg.ROUNDS
    doc = "the steps, so many times; 3.. as often as they begin while for: lasts"
    siblings = {"steps": _STEPS, "for": _FOR}  # noqa: RUF012 - a ClassVar
    way = Way.BETWEEN

    value: Amount
    _: KW_ONLY
    steps: tuple[Step, ...] = ()
    during: Duration | None = None

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

    def lead(self, number: int) -> str:
        return f"{self.written} times" if self.value.high != 1 else "once"
