"""What a case needs of a target, told from its steps: nobody has to write it down.

A ``state`` step that only looks is no need: where nobody can tell states it is taken for granted,
and the segments are judged. What waits for a state, or asks which way led there, needs STATE. What
is needed beyond this a case says itself (``target: {needs: ...}``): a path that no sample shows
needs PATH.
"""

from __future__ import annotations

from conformance.case.lint import every_step
from conformance.case.model import Case, Step
from conformance.play.profile import Ability

CALLS = ("call", "spawn", "join")


def needs(case: Case) -> frozenset[Ability]:
    """The abilities without which the case cannot be played or judged."""
    found = {ability for step in every_step(case.all_steps) for ability in _of(step)}
    if case.options or case.sysctl:
        found.add(Ability.OPTIONS)
    return frozenset(found)


def _of(step: Step) -> set[Ability]:
    if step.verb in CALLS:
        connects = step.value.name == "connect"
        return {Ability.CALLS, Ability.ACTIVE_OPEN} if connects else {Ability.CALLS}
    if step.verb == "state" and ("via" in step.siblings or "within" in step.siblings):
        return {Ability.STATE}
    return {"set": {Ability.OPTIONS}, "icmp": {Ability.ICMP}}.get(step.verb, set())


def settings(case: Case) -> frozenset[str]:
    """The names of all settings that the case changes, before it begins and in its course."""
    steps = (step for step in every_step(case.all_steps) if step.verb == "set")
    return frozenset(case.options).union(*(step.value for step in steps))
