"""Samples of a target that is far away: nothing is done before one is told, a burst costs two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hand import PROFILE, Hand, write_case

from conformance.play import actions, events
from conformance.play.profile import Ability
from conformance.tcp.flags import Flags
from conformance.tcp.states import State

SAMPLES = replace(PROFILE, abilities=PROFILE.abilities - {Ability.PATH})
STEPS = """\
- send: ACK seq=1 ack=1 len=10
- expect: ACK seq=1 ack=11 len=5
- expect: ACK seq=6 ack=11 len=5
- expect: ACK seq=11 ack=11 len=5
- send: FIN,ACK seq=11 ack=16
- state: CLOSE-WAIT
  within: 1s
  via: [ESTABLISHED]
"""


def reads(hand: Hand) -> list[actions.ReadState]:
    return [one for one in hand.done if isinstance(one, actions.ReadState)]


def tell(hand: Hand, state: State) -> None:
    """Answer the last that was asked."""
    hand.feed(events.StateRead(hand.now, reads(hand)[-1].number, state))


def test_nothing_is_done_before_a_sample_is_told(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, STEPS), SAMPLES)
    hand.state = State.ESTABLISHED
    hand.open()
    hand.come("ACK seq=1 ack=11 len=5")
    before, sent = len(reads(hand)), len(hand.sent)
    hand.hold = {"ReadState"}
    for number in (6, 11):
        hand.come(f"ACK seq={number} ack=11 len=5")
    assert len(reads(hand)) == before + 1  # the one on its way is asked again once it is told
    assert len(hand.sent) == sent
    tell(hand, State.ESTABLISHED)
    assert (len(reads(hand)), len(hand.sent)) == (before + 2, sent)
    tell(hand, State.ESTABLISHED)
    assert [Flags.FIN in segment.flags for segment in hand.sent[sent:]] == [True]
    tell(hand, State.CLOSE_WAIT)
    tell(hand, State.CLOSE_WAIT)
    hand.passes()
