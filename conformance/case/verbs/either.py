"""``either: [[...], [...]]``"""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.case.step import Arg, Branch, Step, Way


@dataclass(frozen=True, slots=True)
class Either(Step):
    """One of several ways on; its first step tells which."""

    verb = "either"
    argument = Arg.BRANCHES
    doc = "the first branch whose first step matches is the one to play"
    way = Way.BETWEEN

    value: tuple[Branch, ...]

    @property
    def checks(self) -> bool:
        return True

    def lead(self, number: int) -> str:
        branch = self.value[number]
        said = "or" if number else "either"
        said += f", permitted by {branch.permits}" if branch.permits else ""
        return said + (f", without {branch.without}" if branch.without else "")

    @property
    def branches(self) -> tuple[Branch, ...]:
        return self.value

    def with_branches(self, branches: tuple[Branch, ...]) -> Either:
        return replace(self, value=branches)
