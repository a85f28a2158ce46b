"""A recorded run judged again: the same events, fed at the same times, to a fresh interpreter.

The same events always give the same verdict. So a run can be judged where it was not played: in
another process, on another day. Events that no case can lead to are a :class:`Contradiction`.
"""

from __future__ import annotations

from conformance.case.model import Case
from conformance.errors import CaseError, Owner
from conformance.play.answers import Asked
from conformance.play.conversation import Conversation
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report.jsonlines import Loaded
from conformance.steps import RUNNERS
from conformance.targets.deviations import as_then, read_text
from conformance.targets.going_on import beside


class Contradiction(CaseError):
    """A record whose events are no answers to what its case asks, as cases are played today."""


def judge(case: Case, loaded: Loaded) -> Record:
    """The story and the verdict of these events; raises Contradiction."""
    asked = Asked()
    if file := beside(loaded.sources):
        known = read_text(loaded.sources[file], file)
        case = known.joined(case, loaded.addressing.ip, loaded.profile)
    talk = Conversation(case, loaded.profile, RUNNERS, loaded.addressing)
    cut = Verdict(Outcome.ERROR, "the recording was cut off", owner=Owner.MACHINE)
    then = loaded.verdict or cut
    if loaded.events or loaded.started:
        asked.ask(talk.start(loaded.started))
    for number, (at, event) in enumerate(loaded.events, 1):
        if talk.verdict is not None:
            break
        if problem := asked.problem(event):
            raise Contradiction(f"event {number} is none of this case's: {problem}")
        asked.ask(talk.feed(event, at))
    if talk.verdict is None:  # it was ended from outside then, which left no event
        talk.abandon(then.outcome, then.reason, then.owner)
        if not loaded.events:  # it was never played, so there is nothing that we work out
            talk.record.verdict = then
    talk.record.reruns = loaded.reruns
    talk.record.asides = loaded.asides
    as_then(talk.record, loaded)
    return talk.record
