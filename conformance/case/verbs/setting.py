"""``set: {timestamps: off}``"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.case.step import Arg, Step, Way


@dataclass(frozen=True, slots=True)
class Set(Step):
    """Settings of the target change, by name."""

    verb = "set"
    argument = Arg.OPTIONS
    doc = "settings of the target change"
    way = Way.AT_TARGET
    own_notes = True

    value: Mapping[str, str]

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"OPTIONS"})

    @property
    def drawn(self) -> str:
        return f"set {', '.join(f'{name} = {value}' for name, value in self.value.items())}"
