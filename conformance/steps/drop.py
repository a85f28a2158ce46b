"""``drop: SEGMENT``: it was sent, and the network loses it.

Without ``from``, a segment of the target that the tester behaves as if it had not seen; with
``from: tester``, one of the tester that is never put on the wire.
"""

from __future__ import annotations

from conformance.case.verbs.drop import Drop
from conformance.play.conversation import Conversation, Flow
from conformance.play.match import Sighting
from conformance.play.record import What
from conformance.play.signing import forged, in_words
from conformance.steps.expect import matching
from conformance.steps.send import craft, signed


def run(play: Conversation, step: Drop) -> Flow:
    """Lose the next segment, of the target or of the tester."""
    if step.by_tester:
        _lose_ours(play, step)
        return
    arrival = yield from matching(play, step)
    if arrival is not None:
        play.consume(arrival, step, lost=True)


def _lose_ours(play: Conversation, step: Drop) -> None:
    conn = play.conn(step.conn)
    segment = signed(craft(play, step, conn), step, conn)
    text = in_words(segment, conn.numbers, conn, from_target=False)
    if step.label:
        play.labels[step.label] = Sighting(segment, conn.numbers, from_target=False)
    conn.launched(segment, play.now, lost=True, forged=forged(segment, conn))
    play.caused(play.ready)
    play.note(What.SENT, text, conn.name, play.ready, segment, lost=True)
