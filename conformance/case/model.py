"""A case, frozen: what the interpreter plays and what every report prints.

All of it is data. Fragments are included, parameters have their values, and every step knows the
place it was written at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.case.spans import NOWHERE, Span

FIRST_CONNECTION = "a"


@dataclass(frozen=True, slots=True)
class IcmpText:
    """An ICMP error to send: a row of ``case.icmp.ERRORS`` by name, or raw type and code.

    ``quotes`` is the label of the target's segment that it quotes; ``value`` is the next-hop
    MTU or the pointer.
    """

    quotes: str
    error: str = ""
    type: int | None = None
    code: int | None = None
    value: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of ``either:``; ``permits`` says what allows it (a requirement, an RFC)."""

    steps: tuple[Step, ...]
    permits: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``value`` and ``siblings`` hold what the verb's row in ``case.verbs`` reads.

    ``text`` is the step in its committed spelling, one line. ``origin`` is the fragment it came
    from, empty for the case's own. ``label`` is the value of ``as:``.
    """

    verb: str
    value: Any
    span: Span
    text: str
    siblings: Mapping[str, Any] = field(default_factory=dict)
    conn: str = FIRST_CONNECTION
    label: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Deviation:
    """What one target does instead at the step labelled ``step`` (through ``through``).

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


@dataclass(frozen=True, slots=True)
class Case:
    """One case with one choice of its parameters.

    ``id`` is the path below the root of the cases, without its suffix, and ``[n=1,role=active]``
    when there are parameters. ``sources`` holds the text of every file that went into it, so that
    a record can be judged again without the files. ``given`` are the steps of the fragment that
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
    parameters: Mapping[str, str] = field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()
    unwatched: frozenset[str] = frozenset()
    sources: Mapping[str, str] = field(default_factory=dict)
    span: Span = NOWHERE

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps of ``given``, then the case's own."""
        return self.given + self.steps


def from_fragment(step: Step, name: str) -> Step:
    """The step, and the steps of its branches, with where they came from."""
    value = step.value
    if step.verb == "either":
        value = tuple(
            Branch(tuple(from_fragment(inner, name) for inner in branch.steps), branch.permits)
            for branch in value
        )
    return replace(step, value=value, origin=step.origin or name)


def count_steps(steps: tuple[Step, ...]) -> int:
    """How many, with those of the branches."""
    return sum(
        1 + (sum(count_steps(b.steps) for b in step.value) if step.verb == "either" else 0)
        for step in steps
    )
