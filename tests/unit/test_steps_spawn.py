"""``spawn`` and ``join``: a call that goes on beside the steps, and where it must have returned."""

from __future__ import annotations

from pathlib import Path

from hand import START, Hand
from test_steps_call import held, returns, waits

from conformance.play import actions, events
from conformance.play.verdict import Outcome

SPAWN = "- spawn: connect()\n- wait: 5s\n- join: connect() = c\n  within: {}"


def spawned(root: Path, within: str = "6s") -> Hand:
    hand = held(root, SPAWN.format(within))
    hand.feed(events.CallPending(START, hand.last(actions.MakeCall).number))
    hand.pass_time(5.0)
    return hand


def test_a_joined_call_has_returned(tmp_path: Path) -> None:
    hand = spawned(tmp_path)
    returns(hand, 7, started=START)
    hand.passes()
    assert hand.talk.sockets["c"].handle == 7


def test_a_join_counts_from_the_spawn(tmp_path: Path) -> None:
    hand = spawned(tmp_path)
    hand.jump(1.1)
    returns(hand, 7, started=START)
    hand.fails("connect() returned too late")


def test_a_call_may_have_returned_before_its_join(tmp_path: Path) -> None:
    hand = held(tmp_path, SPAWN.format("2s..6s"))
    waits(hand)
    returns(hand, 7, started=START, at=START + 1.0)
    hand.fails("connect() returned too early")


def test_a_join_that_waits_in_vain(tmp_path: Path) -> None:
    hand = spawned(tmp_path)
    hand.fails("connect() has not returned in time")
    assert hand.now == START + 6.0


def test_a_join_with_an_error(tmp_path: Path) -> None:
    hand = spawned(tmp_path)
    returns(hand, errno="ECONNREFUSED", started=START)
    assert hand.fails("connect() returned ECONNREFUSED").expected == ("c",)


def test_a_spawn_that_the_agent_does_not_invoke_is_an_error(tmp_path: Path) -> None:
    hand = held(tmp_path, SPAWN.format("6s"))
    hand.fails("the agent did not invoke connect()", Outcome.ERROR)


def test_a_spawned_call_that_nobody_joins_must_block(tmp_path: Path) -> None:
    steps = "- spawn: connect()\n- silence: 1s"
    hand = held(tmp_path, steps)
    hand.feed(events.CallPending(START, hand.last(actions.MakeCall).number))
    hand.passes()
    hand = held(tmp_path, steps)
    returns(hand, 7)
    hand.fails("connect() returned, and no step joins it")


def test_two_calls_alike_are_told_apart_by_their_connections(tmp_path: Path) -> None:
    steps = """
- spawn: connect()
- spawn: connect()
  conn:  b
- join:  connect() = d
  conn:  b
- join:  connect() = c
"""
    hand = held(tmp_path, steps)
    first = hand.last(actions.MakeCall)
    hand.feed(events.CallPending(START, first.number))
    second = hand.last(actions.MakeCall)
    hand.feed(events.CallPending(START, second.number))
    assert isinstance(first, actions.MakeCall)
    assert isinstance(second, actions.MakeCall)
    assert (first.args["port"], second.args["port"]) == (40000, 40001)
    hand.feed(events.CallReturned(START, first.number, START, 11))
    assert hand.outcome is None
    hand.feed(events.CallReturned(START, second.number, START, 22))
    hand.passes()
    assert (hand.talk.sockets["c"].handle, hand.talk.sockets["c"].conn) == (11, "a")
    assert (hand.talk.sockets["d"].handle, hand.talk.sockets["d"].conn) == (22, "b")
