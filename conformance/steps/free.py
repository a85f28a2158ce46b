"""``free: rest``: from here on no segment of the connection is held to a step."""

from __future__ import annotations

from conformance.case.verbs.free import Free
from conformance.play.conversation import Conversation, Flow


def run(play: Conversation, step: Free) -> Flow:
    """Note it; the watch looks at segments as they come, whoever takes them."""
    play.freed[step.conn] = step
    yield from ()
