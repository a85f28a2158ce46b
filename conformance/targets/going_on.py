"""A case that goes on after what a target does instead, as the target's own file has it.

Rules:

- The steps are those of the language, read by its decoder: their faults have their places in the
  file. They have no parameters and no fragments, since no case stands around them.
- What they may name depends on the case, so each is looked through anew with them in place. One
  that has no such step, or lacks a name, is played as it stands, and fails with that reason.
- The case takes its own lines and the group's along among its texts, under ``BESIDE``, with all
  other lines blank: a record is judged again without the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from pathlib import PurePath
from typing import Final

from conformance.case.decode import Decoder, Known
from conformance.case.faults import Fault, Faults
from conformance.case.lint import deviate, every_step, lint
from conformance.case.model import BESIDE, Case, Deviation
from conformance.case.nodes import Node
from conformance.case.spans import Span
from conformance.case.step import Step
from conformance.notation.scanner import suggest
from conformance.requirements import catalogue

_KNOWN: Final = Known(requirement=catalogue.problem)


def steps_of(node: Node, faults: Faults) -> tuple[Step, ...]:
    """The steps of ``instead:``."""
    return Decoder({}, faults, _NoFragments(), _KNOWN).steps(node)


class _NoFragments:
    """The fragments of a target's file."""

    def fragment(self, name: str, span: Span, faults: Faults) -> Case | None:
        """There are none."""
        faults.add(span, f"fragment {name} has no place here", "write its steps")
        return None


def joined(case: Case, instead: Sequence[tuple[Deviation, Set[int]]], path: str, text: str) -> Case:
    """The case with those of these deviations that it has room for, and their lines."""
    fit = [pair for pair in instead if not problems(case, pair[0])]
    if not fit:
        return case
    lines = {line for _, group in fit for line in group}
    kept = (line if at in lines else "" for at, line in enumerate(text.split("\n"), 1))
    return replace(
        case,
        deviations=(*case.deviations, *(one for one, _ in fit)),
        sources={**case.sources, path: "\n".join(kept).rstrip() + "\n"},
        names={**case.names, path: BESIDE + PurePath(path).name},
    )


def alone(case: Case, path: str) -> Case:
    """The case without what a file of this path brought along."""
    own = tuple(one for one in case.deviations if one.span.path != path)
    return replace(case, deviations=own)


def problems(case: Case, deviation: Deviation) -> tuple[Fault, ...]:
    """Why this case cannot go on so; nothing where it can."""
    faults = Faults()
    if deviate(case.all_steps, deviation) is None:
        faults.add(deviation.span, f"{case.id} {_missing(case, deviation)}", _like(case, deviation))
    else:
        lint(replace(case, deviations=(deviation,)), faults)
    return faults.all()


def _missing(case: Case, deviation: Deviation) -> str:
    names = _names(case)
    for name in filter(None, (deviation.step, deviation.through)):
        if name not in names:
            return f"has no step {name}"
    return f"has no {deviation.through} after {deviation.step} in the same list of steps"


def _like(case: Case, deviation: Deviation) -> str:
    names = _names(case)
    lost = (name for name in (deviation.step, deviation.through) if name and name not in names)
    return next((suggest(name, names) for name in lost), "")


def _names(case: Case) -> list[str]:
    steps = every_step(case.all_steps)
    return [name for step in steps for name in (step.label, step.text) if name]


def beside(sources: Iterable[str]) -> str:
    """The name of the target's own file among the texts of a record; empty where there is none."""
    return next((name for name in sources if name.startswith(BESIDE)), "")
