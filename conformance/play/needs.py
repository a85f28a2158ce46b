"""What a case needs of a target, told from its steps: nobody has to write it down.

A ``state`` step of ``given`` that only names a state is no need: the steps after it would fail
where the target is in another one. What is needed beyond this a case says itself
(``target: {needs: ...}``): a path that no sample shows needs PATH.
"""

from __future__ import annotations

from conformance.case.lint import every_step
from conformance.case.model import Case, Step
from conformance.notation.call import CallText, Errno
from conformance.play.profile import Ability
from conformance.tcp.flags import Flags

_CALLS = ("call", "spawn", "join")


def needs(case: Case) -> frozenset[Ability]:
    """The abilities without which the case cannot be played or judged."""
    found = {ability for step in every_step(case.all_steps) for ability in _of(step)}
    if any(step.verb == "state" for step in every_step(case.steps)):
        found.add(Ability.STATE)
    if case.options or case.sysctl:
        found.add(Ability.OPTIONS)
    return frozenset(found)


def _of(step: Step) -> set[Ability]:
    if step.verb in _CALLS:
        connects = step.value.name == "connect"
        return {Ability.CALLS, Ability.ACTIVE_OPEN} if connects else {Ability.CALLS}
    if step.verb == "state" and ("via" in step.siblings or "for" in step.siblings):
        return {Ability.STATE}
    return {"set": {Ability.OPTIONS}, "icmp": {Ability.ICMP}}.get(step.verb, set())


def settings(case: Case) -> frozenset[str]:
    """The names of all settings that the case changes, before it begins and in its course."""
    steps = (step for step in every_step(case.all_steps) if step.verb == "set")
    return frozenset(case.options).union(*(step.value for step in steps))


def passive(case: Case) -> bool:
    """Whether a server that reads and forgets is all the application that the case needs.

    So it is when the only calls take one connection, nothing is asked of a window that nobody
    reads, and the tester closes nothing: what the server would do then is not in the case.
    """
    steps = list(every_step(case.all_steps))
    calls = [step.value for step in steps if step.verb in _CALLS]
    listens = sum(call.name == "listen" for call in calls)
    return listens == 1 and all(map(_takes, calls)) and not any(map(_application, steps))


def _takes(call: CallText) -> bool:
    plain = call.name == "accept" or (call.name == "listen" and not call.args)
    return plain and not isinstance(call.result, Errno)


def _application(step: Step) -> bool:
    if step.verb == "send":
        return Flags.FIN in step.value.flags
    return step.verb in ("expect", "drop", "allow") and "win" in step.value.fields
