"""How long the target has where no step says it.

Rules:

- What needs no timer has the target's own ``response``: milliseconds in virtual time.
- An ACK of what occupies sequence numbers may be delayed, by any target, and by less than half a
  second (RFC 9293 section 3.8.6.3, MUST-40).
- A state, a call, a transfer may wait for a timer of the target or for a program: a second.
- What a network between them holds back comes on top; where it loses something a timer may be what
  repairs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.case.step import Step
from conformance.case.verbs.expect import Expect
from conformance.notation.expr import exactly
from conformance.notation.segment import SegmentText
from conformance.play.view import Connection
from conformance.tcp.flags import Flags

if TYPE_CHECKING:
    from conformance.play.conversation import Conversation

DELAYED: Final = 0.5  # seconds, of an ACK
_NOT_DELAYED: Final = Flags.SYN | Flags.FIN | Flags.RST


def longest(play: Conversation, step: Step) -> float:
    """The upper bound of a step that says none, in seconds from its cause."""
    profile = play.profile
    if not isinstance(step, Expect) or play.transit.repairs:
        return profile.patience + play.transit.trip
    bound = profile.response
    if is_bare_ack(step.value) and _owes(play.conn(step.conn)):
        bound = DELAYED + profile.settle  # the wire takes a little too
    return bound + play.transit.trip


def is_bare_ack(text: SegmentText) -> bool:
    """Whether it acknowledges and brings nothing, or may be so."""
    brings = text.data or text.fields.get("len", exactly(0)) != exactly(0)
    ways = (one.flags for one in text.ways)
    return not brings and any(Flags.ACK in one and not one & _NOT_DELAYED for one in ways)


def _owes(conn: Connection) -> bool:
    """Whether the tester sent what no ACK has taken that a step saw; text behind a gap too."""
    return conn.sent.end > conn.acked or bool(conn.sent.holes()[1])
