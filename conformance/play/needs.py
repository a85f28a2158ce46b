"""What a case needs of a target, told from its steps: nobody has to write it down.

Each verb says what it needs. What is needed beyond this a case says itself (``target: {needs:
...}``): a path that no sample shows needs PATH.
"""

from __future__ import annotations

from conformance.case.lint import every_step
from conformance.case.model import Case
from conformance.case.settings import SYSCTLS
from conformance.case.verbs.setting import Set
from conformance.play.profile import Ability


def needs(case: Case) -> frozenset[Ability]:
    """The abilities without which the case cannot be played or judged."""
    steps = every_step(case.all_steps)
    found = {Ability(name) for step in steps for name in step.needs}
    if case.options or sysctls(case):
        found.add(Ability.OPTIONS)
    return frozenset(found)


def settings(case: Case) -> frozenset[str]:
    """The names of all settings that the case changes, before it begins and in its course."""
    steps = every_step(case.all_steps)
    changed = (step.value for step in steps if isinstance(step, Set))
    return frozenset(case.options).union(*changed) - sysctls(case)


def sysctls(case: Case) -> frozenset[str]:
    """The names of all sysctls that it sets, before it begins and in its course."""
    steps = every_step(case.all_steps)
    changed = (step.value for step in steps if isinstance(step, Set))
    names = frozenset().union(*changed)
    return frozenset(case.sysctl) | {name for name in names if name.startswith(SYSCTLS)}
