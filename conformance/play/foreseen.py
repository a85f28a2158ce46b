"""What a case foresees beside its step: an ``allow``, what is free, what the target is let."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.play.match import Arrival, Unwritten

if TYPE_CHECKING:
    from conformance.play.conversation import Conversation


def foreseen(play: Conversation, arrival: Arrival) -> bool:
    """Whether it is let by; an allowance for once is used up then, and comes first."""
    if arrival.conn in play.freed:
        play.pass_by(arrival, play.freed[arrival.conn])
        return True
    for allowance in play.allowances:
        name, step = allowance
        if name == arrival.conn and not play.differ(step.value, arrival, Unwritten.FREE):
            if not step.often:
                play.allowances.remove(allowance)
            play.pass_by(arrival, step)
            return True
    return play.tolerating.extra(arrival)
