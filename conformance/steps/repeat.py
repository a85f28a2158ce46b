"""``repeat: 3``: rounds of steps.

The rounds that must be are played one after the other. With ``for`` they go on while it lasts,
counted from before the first: what a round begins with has to come within its own bound, unless
``for`` is over by then.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator
from dataclasses import replace

from conformance.case.step import Branch
from conformance.case.verbs.either import Either
from conformance.case.verbs.repeat import Repeat
from conformance.case.verbs.silence import Silence
from conformance.notation.time import Duration
from conformance.play.conversation import Conversation, Flow
from conformance.steps.either import begins, choose


def run(play: Conversation, step: Repeat) -> Flow:
    """Play the least number of rounds, then as many as there is time for."""
    least, most = step.rounds
    end = play.ready + (step.during.seconds(play.profile.unit) if step.during else 0.0)
    for played in itertools.count() if most is None else range(most):
        steps = step.of_round(played + 1)
        if played >= least and begins(play, steps[0]) > end:
            over = yield from _is_over(play, replace(step, steps=steps), end)
            if over:
                return
        for inner in steps:
            yield from play.run(inner)


def _is_over(play: Conversation, step: Repeat, end: float) -> Generator[float | None, None, bool]:
    """Wait for the next round, as long as ``for`` lasts."""
    left = Duration(((max(end - play.ready, 0.0), "s"),))
    rest = Branch((Silence(step.span, step.text, left, conn=step.conn),))
    first = step.steps[0]
    ways = first.value if isinstance(first, Either) else (Branch(step.steps),)
    branch, known = yield from choose(play, (*ways, rest), end)
    if branch is not rest:
        return False
    over = max(play.cause, end if known is None else known)
    play.caused(play.cause, over, ended=over)
    return True
