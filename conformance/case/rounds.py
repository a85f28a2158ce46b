"""What is wrong with a ``repeat:`` that reads well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.case.step import Step
from conformance.case.verbs.repeat import Repeat


def flaws(step: Repeat) -> Iterator[tuple[str, str, str]]:
    """Each with the word that it is about, and a hint."""
    least, most = step.rounds
    if not step.steps:
        yield "", "this repeat has no steps:", "steps: is a list, as of a case"
    if least == most and step.during is not None:
        yield "for", f"repeat: {least} is no longer than that", f"as in repeat: {least}.."
    if least != most and step.during is None:
        hint = "for: says how long another round may begin"
        yield "", f"nothing ends repeat: {step.written}", hint
    if step.each and step.steps and step.each not in _connections(step.steps):
        hint = f"conn: {step.each} is another connection in each round"
        yield "each", f"no step of this repeat is about {step.each}", hint


def _connections(steps: Iterable[Step]) -> set[str]:
    found = {step.conn for step in steps}
    return found.union(*(_connections(one.steps) for step in steps for one in step.branches))
