"""What a case needs of a target, told from its steps: nobody has to write it down.

Each verb says what it needs. What is needed beyond this a case says itself (``target: {needs:
...}``): a path that no sample shows needs PATH.
"""

from __future__ import annotations

import re
from typing import Final

from conformance.case.lint import every_step
from conformance.case.model import Case
from conformance.case.settings import SYSCTLS
from conformance.case.verbs.call import OfCall
from conformance.case.verbs.expect import Expect
from conformance.case.verbs.setting import Set
from conformance.notation.call import CallText
from conformance.notation.printer import print_call
from conformance.play.profile import Ability, Part
from conformance.tcp.flags import Flags

_CALLS: Final = {"abort": Part.ABORT, "shutdown": Part.HALF_CLOSE, "atmark": Part.URGENT}
_URGENT: Final = re.compile(r"\b(OOB|OOBINLINE|PRI|URG)\b")
_RESETS: Final = re.compile(r"\bLINGER, 0\)")


def needs(case: Case) -> frozenset[Ability]:
    """The abilities without which the case cannot be played or judged."""
    steps = every_step(case.all_steps)
    found = {Ability(name) for step in steps for name in step.needs}
    if case.options or sysctls(case):
        found.add(Ability.OPTIONS)
    return frozenset(found)


def parts(case: Case) -> frozenset[Part]:
    """What of the calls, and of TCP, it needs that a small stack may be without."""
    found: set[Part] = set()
    for step in every_step(case.all_steps):
        if isinstance(step, OfCall):
            found |= _of_call(step.value)
        elif isinstance(step, Expect) and Flags.URG in step.value.flags:
            found.add(Part.URGENT)
    return frozenset(found)


def _of_call(call: CallText) -> set[Part]:
    text = print_call(call)
    found = {_CALLS[call.name]} if call.name in _CALLS else set()
    if _URGENT.search(text):
        found.add(Part.URGENT)
    if _RESETS.search(text):  # then close() is an abort
        found.add(Part.ABORT)
    return found


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
