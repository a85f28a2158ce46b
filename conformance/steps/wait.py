"""``wait: 30s``: time passes. Silence is the default, so nothing may come meanwhile."""

from __future__ import annotations

from conformance.case.verbs.wait import Wait
from conformance.notation.printer import print_duration
from conformance.play.conversation import Conversation, Flow
from conformance.play.record import What


def run(play: Conversation, step: Wait) -> Flow:
    """Wait, counted from the end of the step before."""
    until = play.ready + step.value.seconds(play.profile.unit)
    yield from play.quiet(until)
    play.note(What.NOTE, f"{print_duration(step.value)} pass", step.conn, until)
    play.caused(until)
