"""A coarse clock: what its profile's ``tick`` lets end early, and what not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hand import PROFILE, START, Hand, write_case

from conformance.notation.time import parse_duration
from conformance.play import actions, events
from conformance.play.profile import Profile
from conformance.tcp.states import State

COARSE: Final = replace(PROFILE, rto=3.0, tick=0.5)
EXACT: Final = replace(COARSE, tick=0.0)
both = pytest.mark.parametrize("profile", [COARSE, EXACT], ids=["coarse", "exact"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1RTO", 2.5), ("2MSL", 19.5), ("0.9MINRTO", 0.4), ("1DELACK", 0.0),
        ("2MSL+1s", 20.5), ("3s", 3.0), ("400ms", 0.4),
    ],
)  # fmt: skip
def test_only_what_the_targets_timers_count_may_be_early(text: str, seconds: float) -> None:
    duration = parse_duration(text)
    assert COARSE.least(duration) == pytest.approx(seconds)
    assert EXACT.least(duration) == duration.seconds(EXACT.unit)


def retransmits(tmp_path: Path, profile: Profile, bound: str, after: float) -> Hand:
    steps = f"- expect: ACK seq=1 len=10\n- expect: ACK seq=1 len=10\n  within: {bound}\n"
    hand = Hand(write_case(tmp_path, steps), profile).open()
    hand.come("ACK seq=1 ack=1 len=10")
    hand.come("ACK seq=1 ack=1 len=10", after)
    return hand


@both
def test_a_retransmission_a_tick_early(tmp_path: Path, profile: Profile) -> None:
    hand = retransmits(tmp_path, profile, "1RTO..2RTO", 2.6)
    hand.passes() if profile is COARSE else hand.fails("it came too early")


@pytest.mark.parametrize(("bound", "after"), [("1RTO..2RTO", 2.4), ("3s..6s", 2.9)])
def test_no_earlier_than_a_tick_and_not_at_all_where_no_timer_is_named(
    tmp_path: Path, bound: str, after: float
) -> None:
    retransmits(tmp_path, COARSE, bound, after).fails("it came too early")


@both
def test_a_return_a_tick_early(tmp_path: Path, profile: Profile) -> None:
    steps = "- spawn: recv(c, 9)\n- join: recv(c, 9) = ETIMEDOUT\n  within: 1RTO..2RTO\n"
    start = "- call: listen() = l\n- call: accept(l) = c\n"
    hand = Hand(write_case(tmp_path, start + steps, given=""), profile, hold=["MakeCall"])
    for value in (11, 12):
        call = hand.last(actions.MakeCall)
        hand.feed(events.CallReturned(hand.now, call.number, hand.now, value))
    call = hand.last(actions.MakeCall)
    hand.feed(events.CallPending(START, call.number))
    hand.pass_time(2.6)
    hand.feed(events.CallReturned(hand.now, call.number, START, 0, "ETIMEDOUT"))
    hand.passes() if profile is COARSE else hand.fails("recv(c, 9) returned too early")


@both
def test_a_state_that_ends_a_tick_early(tmp_path: Path, profile: Profile) -> None:
    """TIME-WAIT lasts 2MSL, 20 s here."""
    hand = Hand(write_case(tmp_path, "- state: TIME-WAIT\n  for: 2MSL\n"), profile).open()
    hand.state = State.TIME_WAIT
    hand.pass_time(19.6)
    hand.state = State.CLOSED
    hand.pass_time(1.0)
    hand.passes() if profile is COARSE else hand.fails("the state did not last")
