"""What may not follow ``free: rest``: a step that would look at what was let go.

Other connections go on; a round that is played again would look at it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.case.step import Step

_LAST = "free: rest is the last step of its connection"
_AGAIN = "free: rest ends a connection, and this is played again"
Flaw = tuple[Step, str, str]


def flaws(steps: Iterable[Step]) -> Iterator[Flaw]:
    """Each step that is wrong, with the message and a hint."""
    yield from _walk(steps, set())


def _walk(steps: Iterable[Step], freed: set[str]) -> Iterator[Flaw]:
    """``freed``: the connections that were let go; those of the steps are added."""
    for step in steps:
        if not step.branches:
            if step.conn in freed:
                yield step, _LAST, "put it at the end"
            freed.update({step.conn} if step.leaves_free else ())
            continue
        ends = []
        for branch in step.branches:
            ends.append(set(freed))
            yield from _walk(branch.steps, ends[-1])
        after = set().union(freed, *ends)
        if step.rounds != (1, 1) and after > freed:
            yield step, _AGAIN, "put it behind the rounds"
        freed |= after
