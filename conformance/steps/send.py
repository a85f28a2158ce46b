"""``send: SEGMENT``: the tester sends it."""

from __future__ import annotations

from conformance.case.step import Step
from conformance.case.verbs.drop import Drop
from conformance.case.verbs.send import Send
from conformance.play.conversation import Conversation, Flow
from conformance.play.craft import build
from conformance.play.verdict import case_is_wrong
from conformance.play.view import Connection
from conformance.tcp.segment import Segment


def run(play: Conversation, step: Send) -> Flow:
    """Send the segment ``after`` the step before it was done, at once by default."""
    conn = play.conn(step.conn)
    due = play.ready + after(play, step)
    yield from until(play, due)
    yield from play.launch(craft(play, step, conn), conn, due)


def after(play: Conversation, step: Step) -> float:
    """The seconds of the step's ``after``, 0 without it."""
    return float(step.after.seconds(play.profile.unit)) if step.after else 0.0


def until(play: Conversation, due: float) -> Flow:
    """Wait for a time; what comes meanwhile is left for the next step."""
    while play.now < due:
        yield due


def craft(play: Conversation, step: Send | Drop, conn: Connection) -> Segment:
    """The segment of a step; a number that has no value yet is the case's error."""
    try:
        return build(step.value, conn, play.lookup(conn), play.now)
    except KeyError as error:
        message = f"{error.args[0]} has no value here"
    except ValueError as error:
        message = str(error)
    raise case_is_wrong(message)
