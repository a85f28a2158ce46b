"""``allow: SEGMENT``: from here on this one may come at any time, once, or ``times: any``."""

from __future__ import annotations

from conformance.case.verbs.allow import Allow
from conformance.play.conversation import Conversation, Flow


def run(play: Conversation, step: Allow) -> Flow:
    """Note the allowance; one for once is used up by the first segment that no step takes."""
    play.allowances.append((step.conn, step))
    yield from ()
