"""``counters: {...}``: how far the counters of the target's kernel have moved.

They are read before the first step too (see :mod:`conformance.play.script`): a case's namespace
is its own, but a lab has begun to use it by then. Each such step reads all the counters that the
case names, and the next one counts from there.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.case.told import show_one
from conformance.case.verbs.counters import Counters
from conformance.play.conversation import Conversation, Flow
from conformance.play.verdict import Difference
from conformance.steps.telling import Question, note, reach, whole


def run(play: Conversation, step: Counters) -> Flow:
    """Read them until they have moved as far as they should."""
    begins = not play.counted
    names = tuple(dict.fromkeys((*play.counted, *step.value)))
    read: dict[str, int] = {}

    def moved(name: str) -> int:
        return read[name] - play.counted.get(name, read[name])

    def hold(told: Mapping[str, str]) -> list[Difference]:
        read.update((name, whole(name, told[name])) for name in names)
        return [
            Difference(name, show_one(wanted), f"{moved(name):+d}")
            for name, wanted in step.value.items()
            if not wanted.holds(moved(name), play.profile.unit)
        ]

    question = Question("counters", {"names": " ".join(names)}, names, "the kernel's counters")
    yield from reach(play, step, question, hold)
    if not begins:
        note(play, step, "counters: " + ", ".join(f"{n} {moved(n):+d}" for n in step.value))
    play.counted = read
