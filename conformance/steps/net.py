"""``net: {loss: 5%}``: from here on the network does this."""

from __future__ import annotations

from conformance.case.verbs.net import Net
from conformance.play.conversation import Conversation, Flow
from conformance.play.record import What


def run(play: Conversation, step: Net) -> Flow:
    """It takes no time, and what is on its way stays there."""
    play.transit.change(step.value, step.sender)
    play.note(What.NOTE, step.drawn, step.conn, play.ready)
    yield from ()
