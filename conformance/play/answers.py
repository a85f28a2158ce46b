"""Which event answers which action, as a table, and whether a story keeps to it.

A lab cannot tell anything else. A record can: it may be edited, cut, or older than the language,
and an answer to what was never asked would be taken by a step that it does not belong to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from conformance.play import actions, events
from conformance.play.actions import Action
from conformance.play.events import Event

# An event that is not here answers nothing: it happens by itself.
ANSWERS: Final[Mapping[type, tuple[type, ...]]] = {
    events.Sent: (actions.SendSegment, actions.SendIcmp),
    events.CallPending: (actions.MakeCall,),
    events.CallReturned: (actions.MakeCall,),
    events.StateRead: (actions.ReadState,),
    events.OptionSet: (actions.SetOption,),
}
_NOT_THE_LAST: Final = (events.CallPending,)


class Asked:
    """The actions of one conversation that wait for an answer."""

    def __init__(self) -> None:
        self._open: dict[int, Action] = {}

    def ask(self, wanted: Iterable[Action]) -> None:
        """These are to be done."""
        self._open.update((action.number, action) for action in wanted)

    def problem(self, event: Event) -> str:
        """Why this event cannot come now, in words; empty when it can, and is its answer then."""
        kinds = ANSWERS.get(type(event))
        if kinds is None:
            return ""
        number = getattr(event, "number")  # noqa: B009 - every class of the table has one
        action = self._open.get(number)
        if not isinstance(action, kinds):
            asked = "nothing waits for it" if action is None else f"{_name(action)} waits for it"
            return f"{_name(event)} answers action {number}, and {asked}"
        if not isinstance(event, _NOT_THE_LAST):
            del self._open[number]
        return ""


def _name(value: Action | Event) -> str:
    return type(value).__name__
