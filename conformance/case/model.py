"""A case, frozen: what the interpreter plays and what every report prints.

All of it is data. Fragments are included, parameters have their values, and every step knows the
place it was written at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.case.spans import NOWHERE, Span
from conformance.case.step import WEIGHT, Step

BESIDE: Final = "deviations:/"  # before the name of a target's own file among the texts of a case


@dataclass(frozen=True, slots=True)
class Deviation:
    """What one target does instead at the step ``step`` (through ``through``).

    Each is a label, or, in a target's own file, the text of a step: the first that is alike, of
    the case's own if it has one.
    Strict: on that target the ``instead`` steps are what must be seen. ``versions`` are those of
    the target that do so, as in ``6.5..``, ``..6.12`` or ``6.1..6.12``; empty: all of them.
    """

    target: str
    step: str
    instead: tuple[Step, ...]
    because: str
    through: str = ""
    versions: str = ""
    span: Span = NOWHERE

    def place(self, steps: Sequence[Step]) -> tuple[int, int] | None:
        """The first and the last of the steps that it replaces; None where they are not there."""
        first = _find(self.step, steps, 0)
        last = first if first is None or not self.through else _find(self.through, steps, first)
        return None if first is None or last is None else (first, last)


@dataclass(frozen=True, slots=True)
class Between:
    """Of a connection: the one whose port of the tester it has, and the target's port; or neither.

    Two that differ in their places alone are one.
    """

    of: str = ""
    to: int = 0
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One case with one choice of its parameters.

    ``id`` is the path below the root of the cases, without its suffix, and ``[n=1,role=active]``
    when there are parameters. ``sources`` holds the text of every file that went into it, so that
    a record can be judged again without the files; ``names`` is what each of these paths is on any
    machine: its place below the root of the cases. ``given`` are the steps of the fragment that
    the case starts from: a failure there means that the case was never judged.
    """

    id: str
    path: str
    title: str
    steps: tuple[Step, ...]
    about: str = ""
    verifies: tuple[str, ...] = ()
    given: tuple[Step, ...] = ()
    needs: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)
    sysctl: Mapping[str, str] = field(default_factory=dict)
    isn: int | None = None  # the tester's; None: any will do
    md5: str = ""  # the tester's key (RFC 2385)
    ao: Mapping[int, str] = field(default_factory=dict)  # master keys by KeyID (RFC 5925)
    ports: Mapping[str, Between] = field(default_factory=dict)  # by connection
    parameters: Mapping[str, str] = field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()
    unwatched: frozenset[str] = frozenset()
    assumes: frozenset[str] = frozenset()  # what it asks on purpose and no RFC does
    sources: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    span: Span = NOWHERE

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps of ``given``, then the case's own."""
        return self.given + self.steps

    @property
    def all_verifies(self) -> tuple[str, ...]:
        """The ids of the case and of its own steps, each once."""
        return tuple(dict.fromkeys((*self.verifies, *_verified(self.steps))))


def _find(name: str, steps: Sequence[Step], begin: int) -> int | None:
    """Where the step is that has this name, or this text."""
    places = range(begin, len(steps))
    named = [at for at in places if name in (steps[at].label, steps[at].text)]
    return min(named, key=lambda at: (bool(steps[at].origin), at), default=None)


def from_fragment(step: Step, name: str) -> Step:
    """The step, and the steps of its branches, with where they came from."""
    branches = tuple(
        replace(branch, steps=tuple(from_fragment(inner, name) for inner in branch.steps))
        for branch in step.branches
    )
    return replace(step.with_branches(branches), origin=step.origin or name)


def _verified(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        yield from () if step.origin else step.verifies
        for branch in step.branches:
            yield from _verified(branch.steps)


def count_steps(steps: tuple[Step, ...]) -> int:
    """How many, with those of the branches, in all the rounds that must be, by their weight."""
    return sum(1 + (_rounds(step) if step.branches else 0) for step in steps)


def _rounds(step: Step) -> int:
    inner = sum(count_steps(branch.steps) for branch in step.branches)
    return max(inner, max(step.rounds[0], 1) * inner * step.weight // WEIGHT)
