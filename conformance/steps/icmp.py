"""``icmp: {error: port-unreachable, quotes: syn}``: an ICMP error about the target's segment."""

from __future__ import annotations

from conformance.case.icmp import BY_NAME
from conformance.case.verbs.icmp import Icmp, IcmpText
from conformance.play.actions import SendIcmp
from conformance.play.conversation import Conversation, Flow
from conformance.play.events import Sent
from conformance.play.record import What
from conformance.play.verdict import Failure, Outcome, Stopped
from conformance.steps.send import after, until


def run(play: Conversation, step: Icmp) -> Flow:
    """Send the error that quotes the labelled segment."""
    text = step.value
    type_, code = _numbers(play, text)
    due = play.ready + after(play, step)
    yield from until(play, due)
    quoted = play.labels[text.quotes].segment
    number = play.number(due)
    play.act(SendIcmp(number, type_, code, text.value, quoted, due))
    sent = yield from play.answer(number)
    assert isinstance(sent, Sent)
    play.caused(sent.at)
    told = text.error or f"ICMP {type_}/{code}"
    play.note(What.ICMP, f"{told} quotes {text.quotes}", step.conn, sent.at, frame=sent.frame)


def _numbers(play: Conversation, text: IcmpText) -> tuple[int, int]:
    if text.type is not None:
        return text.type, text.code or 0
    error = BY_NAME[text.error]
    pair = error.v4 if play.addressing.ip == 4 else error.v6
    if pair is None:
        failure = Failure(f"IPv{play.addressing.ip} has no ICMP error {text.error}")
        raise Stopped(failure, Outcome.SKIPPED)
    return pair
