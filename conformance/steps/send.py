"""``send: SEGMENT``: the tester sends it."""

from __future__ import annotations

from dataclasses import replace

from conformance.case.lengths import several
from conformance.case.step import Step
from conformance.case.verbs.drop import Drop
from conformance.case.verbs.send import Send
from conformance.play.conversation import Conversation, Flow
from conformance.play.craft import TooLong, build
from conformance.play.match import quoting
from conformance.play.signing import sign
from conformance.play.verdict import case_is_wrong
from conformance.play.view import Connection
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap


def run(play: Conversation, step: Send) -> Flow:
    """Send all of it ``after`` the step before it was done, at once by default."""
    conn = play.conn(step.conn)
    due = play.ready + after(play, step)
    yield from until(play, due)
    for piece in cut(craft(play, step, conn), step.cut):
        yield from play.launch(signed(piece, step, conn), conn, due)


def cut(whole: Segment, octets: int) -> list[Segment]:
    """The text of a segment in pieces of so many octets, as a TCP sends a long one; 0: as it is.

    FIN and PSH are the last one's; URG is that of each piece which begins before the pointer.
    """
    text = whole.payload
    if not 0 < octets < len(text):
        return [whole]
    pieces = []
    for at in range(0, len(text), octets):
        off = Flags(0) if at + octets >= len(text) else Flags.FIN | Flags.PSH
        off |= Flags.URG if at >= max(1, whole.urgent) else Flags(0)
        seq, urgent = wrap(whole.seq + at), max(0, whole.urgent - at)
        piece = replace(whole, seq=seq, flags=whole.flags & ~off, urgent=urgent)
        pieces.append(replace(piece, payload=text[at : at + octets]))
    return pieces


def after(play: Conversation, step: Step) -> float:
    """The seconds of the step's ``after``, 0 without it."""
    return float(step.after.seconds(play.profile.unit)) if step.after else 0.0


def until(play: Conversation, due: float) -> Flow:
    """Wait for a time; what comes meanwhile is left for the next step."""
    while play.now < due:
        yield due


def signed(segment: Segment, step: Send | Drop, conn: Connection) -> Segment:
    """With the digests of the step computed; without a key that is the case's error."""
    try:
        return sign(segment, step.value, conn)
    except ValueError as error:
        raise case_is_wrong(str(error)) from error


def craft(play: Conversation, step: Send | Drop, conn: Connection) -> Segment:
    """The segment of a step; a number that has no value yet is the case's error."""
    try:
        text, room = quoting(step.value, play.labels), step.cut if isinstance(step, Send) else 0
        return build(text, conn, play.lookup(conn), play.now, room)
    except KeyError as error:
        message = f"{error.args[0]} has no value here"
    except TooLong as error:
        message = f"{error}; {several(step, step.value)}"
    except ValueError as error:
        message = str(error)
    raise case_is_wrong(message)
