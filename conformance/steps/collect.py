"""``collect: 5840``: so many octets from the target, in order, in any segmentation.

The octets themselves are checked by the watch rules; here it is order and completeness. ``ack:``
says what the tester acknowledges: ``each`` segment (the default), the ``last``, ``none``.
"""

from __future__ import annotations

from conformance.case.verbs.collect import Collect
from conformance.notation.segment import SegmentText
from conformance.play.conversation import Conversation, Flow
from conformance.play.craft import build
from conformance.play.match import Arrival
from conformance.play.verdict import Failure, Stopped
from conformance.play.view import Connection
from conformance.steps.expect import bounds, next_arrival
from conformance.tcp.flags import Flags

_ACK = SegmentText(Flags.ACK)
_BESIDE_TEXT = Flags.ACK | Flags.PSH


def run(play: Conversation, step: Collect) -> Flow:
    """Take segments until the octets are complete; each one's bound counts from the one before."""
    conn = play.conn(step.conn)
    start = conn.received.end
    end = start + step.value
    while conn.received.end < end:
        _, latest = bounds(play, step)
        arrival = yield from next_arrival(play, step.conn, latest)
        if arrival is None or arrival.at > latest:
            got = conn.received.end - start
            raise Stopped(
                Failure(
                    "too few octets came", (f"{step.value} octets",), f"{got} octets", timed=True
                )
            )
        _next_in_order(play, conn, arrival, end)
        play.consume(arrival, step)
        if step.ack == "each" or (step.ack == "last" and conn.received.end >= end):
            segment = build(_ACK, conn, play.lookup(conn), play.now)
            yield from play.launch(segment, conn, play.ready)


def _next_in_order(play: Conversation, conn: Connection, arrival: Arrival, end: int) -> None:
    at = conn.received.end
    seq, flags = arrival.field("seq"), arrival.segment.flags
    wrong = ""
    if flags & ~_BESIDE_TEXT or Flags.ACK not in flags or not arrival.segment.payload:
        wrong = "a segment came that is not plain text"
    elif seq != at:
        wrong = "the text is not the next in order"
    elif arrival.field("ack") != conn.taken.end:
        wrong = "the text does not acknowledge what was sent"
    elif arrival.field("end") > end:
        wrong = "more octets came than were asked for"
    if wrong:
        expected = f"ACK seq={at} ack={conn.taken.end} len=1..{end - at}"
        raise Stopped(Failure(wrong, (expected,), play.text(arrival)))
