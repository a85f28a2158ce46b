"""``set: {...}``: settings of the target change during the case."""

from __future__ import annotations

from conformance.case.verbs.setting import Set
from conformance.errors import Owner
from conformance.play.actions import SetOption
from conformance.play.conversation import Conversation, Flow
from conformance.play.events import OptionSet
from conformance.play.record import What
from conformance.play.verdict import Failure, Outcome, Stopped


def run(play: Conversation, step: Set) -> Flow:
    """Set each, in written order; one that cannot be set is the target's error."""
    for name, value in step.value.items():
        number = play.number(play.ready)
        play.act(SetOption(number, name, value, raw="." in name))
        done = yield from play.answer(number, play.now + play.profile.patience)
        if not isinstance(done, OptionSet) or done.error:
            why = done.error if isinstance(done, OptionSet) else "no answer"
            failure = Failure(f"{name} cannot be set to {value}: {why}")
            raise Stopped(failure, Outcome.ERROR, Owner.TARGET)
        play.caused(done.at)
        play.note(What.NOTE, f"set {name} = {value}", step.conn, done.at)
