"""A recorded run judged again: the same events, fed at the same times, to a fresh interpreter.

The same events always give the same verdict. So a run can be judged where it was not played: in
another process, on another day.
"""

from __future__ import annotations

from conformance.case.model import Case
from conformance.play.conversation import Conversation
from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report.jsonlines import Loaded
from conformance.steps import RUNNERS
from conformance.targets.known import as_then


def judge(case: Case, loaded: Loaded) -> Record:
    """The story and the verdict of these events."""
    talk = Conversation(case, loaded.profile, RUNNERS, loaded.addressing)
    then = loaded.verdict or Verdict(Outcome.ERROR, "the recording was cut off")
    if loaded.events or loaded.started:
        talk.start(loaded.started)
    for at, event in loaded.events:
        talk.feed(event, at)
    if talk.verdict is None:  # it was ended from outside then, which left no event
        talk.abandon(then.outcome, then.reason)
    talk.record.reruns = loaded.reruns
    as_then(talk.record, loaded)
    return talk.record
