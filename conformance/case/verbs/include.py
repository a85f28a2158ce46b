"""``include: fragment``"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case.step import Arg, Step, Way


@dataclass(frozen=True, slots=True)
class Include(Step):
    """The steps of a fragment, which the decoder puts in its place: no case has one."""

    verb = "include"
    argument = Arg.FRAGMENT
    doc = "the steps of a fragment"
    way = Way.BETWEEN

    value: str
