"""``collect: 5840``: so many octets of the target's stream, in any segmentation.

The octets themselves are checked by the watch rules; here it is order and completeness. Rules:

- It begins where the collect before it ended, though a segment brought more, else at RCV.NXT.
- New text is the next that the target sends; text that was sent and that the tester has not
  acknowledged may come again, in other segments: it may be missing. No sender repeats what it
  sent less than the time of its shortest timer ago.
- ``ack:`` says what the tester acknowledges: ``each`` segment (the default), every ``second``,
  ``last`` or ``none``. Of every second (RFC 9293 section 3.8.6.3), what is out of order, or fills a
  gap, has its ACK at once (RFC 5681 section 4.2). With SACK in force an ACK says what came.
- ``lose:`` are segments, in the order in which they come, that do not reach the tester. What came
  may come again then: a sender that repairs a loss does not know yet what else came.
- So it is under a ``net:`` that loses, doubles or reorders; what is next then is all that was sent.
- ``then: FIN``: the stream ends there, by a FIN on the last text or after it.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from conformance.case.verbs.collect import Collect
from conformance.notation.segment import SegmentText
from conformance.play.conversation import Conversation, Flow
from conformance.play.craft import build
from conformance.play.match import Arrival
from conformance.play.signing import sign
from conformance.play.verdict import Failure, Stopped
from conformance.play.view import Connection, Holes
from conformance.steps.expect import bounds, next_arrival
from conformance.tcp.flags import Flags
from conformance.tcp.options import Nop, Sack, encode
from conformance.tcp.segment import Segment

_ACK = SegmentText(Flags.ACK)
_BESIDE_TEXT = Flags.ACK | Flags.PSH


def run(play: Conversation, step: Collect) -> Flow:
    """Take segments until all is there; each bound counts from the last that brought something."""
    conn = play.conn(step.conn)
    start = _start(conn)
    end = start + step.value
    whole = end + bool(step.then)
    taken: list[Arrival] = []
    owed = 0  # segments since the last ACK
    _, latest = bounds(play, step)
    for number in itertools.count(1):
        if conn.received.end >= whole:
            break
        arrival = yield from next_arrival(play, step.conn, latest)
        if arrival is None or arrival.at > latest:
            raise Stopped(_too_few(step, conn.received.end - start))
        last = end if step.then else play.sockets.written(step.conn) + 1
        soon = [one for one in taken if arrival.at - one.at < play.profile.shortest]
        ends = end, last, bool(step.then)
        wrong = _wrong(conn, arrival, *ends, overtaken=play.transit.repairs)
        wrong = wrong or ("" if step.lose or play.transit.repairs else _again(conn, arrival, soon))
        if wrong:
            expected = _expected(conn, end, fin=bool(step.then))
            raise Stopped(Failure(wrong, expected, play.text(arrival)))
        before = conn.received.holes()
        lost = number in step.lose
        play.consume(arrival, step, lost=lost)
        if lost:  # it is for the sender's timer to find that out
            _, latest = bounds(play, step)
            continue
        taken.append(arrival)
        owed += 1
        if _acknowledges(step, owed, whole, before, conn.received.holes()):
            owed = 0
            yield from play.launch(_ack(play, conn, arrival), conn, play.ready)
        if conn.received.holes() != before:
            _, latest = bounds(play, step)
    conn.surplus = (end, conn.received.end)


def _acknowledges(step: Collect, owed: int, whole: int, before: Holes, now: Holes) -> bool:
    """Whether an ACK leaves now; ``before`` and ``now`` are what was received."""
    if step.ack == "second":
        return owed >= 2 or bool(before[1] or now[1]) or now[0] >= whole
    return step.ack == "each" or (step.ack == "last" and now[0] >= whole)


def _ack(play: Conversation, conn: Connection, arrival: Arrival) -> Segment:
    """The ACK of all that came; the block that came last is the first (RFC 2018 section 4)."""
    segment = build(_ACK, conn, play.lookup(conn), play.now)
    at, (_, islands) = arrival.field("seq"), conn.received.holes()
    room = (36 - len(encode(segment.options))) // 8  # beside timestamps and a signature
    if not conn.sack or not islands or room < 1:
        return sign(segment, _ACK, conn)
    latest = sorted(islands, key=lambda island: not island[0] <= at < island[1])
    number = conn.numbers.target_number
    blocks = tuple((number(left), number(right)) for left, right in latest[:room])
    segment = replace(segment, options=(*segment.options, Nop(), Nop(), Sack(blocks)))
    return sign(segment, _ACK, conn)


def _start(conn: Connection) -> int:
    end, received = conn.surplus
    return end if received == conn.received.end else conn.received.end


def _too_few(step: Collect, got: int) -> Failure:
    if got >= step.value:
        return Failure("its FIN did not come", (f"FIN after {step.value} octets",), timed=True)
    told = f"{step.value} octets"
    return Failure("too few octets came", (told,), f"{got} octets", timed=True)


def _wrong(
    conn: Connection, arrival: Arrival, end: int, last: int, fin: bool, *, overtaken: bool
) -> str:
    """What is wrong with a segment that ought to be of the stream up to ``end``; empty if nothing.

    ``last``: where the stream ends at the latest, 1 where nobody knows. ``overtaken``: what was
    sent before it may come later, or never.
    """
    segment, seq = arrival.segment, arrival.field("seq")
    ends, text_end = Flags.FIN in segment.flags, seq + len(segment.payload)
    if segment.flags & ~(_BESIDE_TEXT | Flags.FIN) or Flags.ACK not in segment.flags:
        return "a segment came that is not plain text"
    if ends and not fin:
        return "its FIN came, and the step does not say then: FIN"
    if not segment.payload and not ends:
        return "a segment came without text"
    if ends and text_end != end:
        return f"its FIN is at {text_end}, and the stream ends at {end}"
    if seq > (conn.wire_nxt if overtaken else conn.tcb.snd_nxt):
        return "the text is not the next in order"
    if arrival.field("ack") != conn.taken.end:
        return "the text does not acknowledge what was sent"
    if 1 < last < text_end:
        return "more octets came than there are"
    return ""


def _again(conn: Connection, arrival: Arrival, soon: list[Arrival]) -> str:
    """Whether it came for nothing, as it may where segments are lost: ACKs are on their way then.

    It was acknowledged, or all of it came in one of the segments just before.
    """
    if arrival.field("end") <= conn.tcb.snd_una:
        return "the text was acknowledged before"
    first, end = arrival.field("seq"), arrival.field("end")
    again = any(one.field("seq") <= first and end <= one.field("end") for one in soon)
    return "the text came twice, and no timer of the target's is so short" if again else ""


def _expected(conn: Connection, end: int, *, fin: bool) -> tuple[str, ...]:
    """What may come next: new text, or what is not acknowledged yet, or the FIN."""
    una, nxt, ack = conn.tcb.snd_una, conn.tcb.snd_nxt, conn.taken.end
    seq = f"{una}..{nxt}" if una < nxt else f"{nxt}"
    text = (f"ACK seq={seq} ack={ack} len=1..{end - min(una, nxt)}",) if una < end else ()
    return (*text, *((f"FIN,ACK seq={end} ack={ack}",) if fin else ()))
