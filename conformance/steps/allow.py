"""``allow: SEGMENT``: from here on this one may come, once, at any time."""

from __future__ import annotations

from conformance.case.verbs.allow import Allow
from conformance.play.conversation import Conversation, Flow


def run(play: Conversation, step: Allow) -> Flow:
    """Note the allowance; it is used up by the first segment that no step takes."""
    play.allowances.append((step.conn, step))
    yield from ()
