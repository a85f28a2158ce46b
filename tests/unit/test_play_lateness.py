"""Lateness: what counts as one, what it explains, what it leaves in doubt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hand import PROFILE, Hand, write_case
from hypothesis import given
from hypothesis import strategies as st

from conformance.play import actions, events
from conformance.play.lateness import Lateness, Stretches
from conformance.play.profile import Ability, Profile
from conformance.play.verdict import Outcome

REAL = replace(PROFILE, min_rto=0.2, abilities=frozenset(Ability) - {Ability.VIRTUAL_TIME})
FAST = replace(REAL, shortest=1.0)  # a target whose timers are all long

TIMES = st.integers(0, 40)


@given(st.lists(st.tuples(TIMES, TIMES)), TIMES, TIMES)
def test_stretches_are_the_union_of_what_was_added(
    added: list[tuple[int, int]], one: int, other: int
) -> None:
    start, end = sorted((one, other))
    found, ticks = Stretches(), set()
    for left, right in added:
        found.add(left, right)
        ticks |= set(range(left, right))
    assert found.within(start, end) == len(ticks & set(range(start, end)))


def test_delays_pile_up_over_a_span_and_a_doubt_is_no_part_of_it() -> None:
    late = Lateness(1.0)
    late.was_due(0.0, 0.25)
    late.was_due(0.5, 0.75)
    late.was_due(0.5, 0.75)  # the same time, once
    assert (late.worst, late.piled) == (0.25, 0.5)
    late.was_due(1.5, 1.75)  # the first is more than a span ago
    late.noticed(1.75, 9.0)
    assert (late.worst, late.piled) == (0.25, 0.5)
    assert late.between(0.0, 2.0) == 1.0
    late.was_due(10.0, 13.0)
    assert (late.worst, late.piled) == (3.0, 1.0)


def test_small_delays_that_pile_up_spoil_a_case_as_a_great_one_does(tmp_path: Path) -> None:
    """Each leaves the target's timer alone; together they outlast it. What passes had none."""
    steps = "\n".join(["- send: ACK\n- expect: ACK"] * 4)
    for by, last, outcome in (
        (0.02, "RST seq=1", Outcome.FAIL),
        (0.045, "RST seq=1", Outcome.INCONCLUSIVE),
        (0.045, "ACK seq=1 ack=1", Outcome.PASS),
    ):
        hand = Hand(write_case(tmp_path, steps), FAST, hold=["SendSegment"])
        hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
        hand.come("SYN,ACK seq=0 ack=1")
        hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
        for answer in (*["ACK seq=1 ack=1"] * 3, last):
            hand.jump(by)
            hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
            hand.come(answer)
        verdict = hand.finish()
        assert (verdict.outcome, verdict.doubted) == (outcome, None)


# ---- what is too early ---------------------------------------------------------------------------

PARTIAL = """
- call:   listen() = l
- call:   send(l, 100) = 100
- expect: PSH,ACK len=100
- send:   ACK ack=51
- expect: PSH,ACK seq=51 len=50
  within: 180ms..300ms
"""


def partial_ack(root: Path, *, returned: float, again: float, profile: Profile = FAST) -> Hand:
    """The text comes at once, its call returns late, so does the ACK leave; then it comes again."""
    hand = Hand(write_case(root, PARTIAL), profile, hold=["MakeCall"]).open()
    hand.feed(events.CallReturned(hand.now, hand.last(actions.MakeCall).number, hand.now, 3))
    call, begun = hand.last(actions.MakeCall), hand.now
    hand.come("PSH,ACK seq=1 ack=1 len=100")
    hand.jump(returned)
    hand.feed(events.CallReturned(hand.now, call.number, begun, 100))
    hand.jump(again - returned)
    hand.come("PSH,ACK seq=51 ack=1 len=50", at=begun + again)
    return hand


def test_a_call_that_returned_late_explains_what_came_too_early(tmp_path: Path) -> None:
    """The timer began with the text, and the bound counts from an ACK that left late."""
    verdict = partial_ack(tmp_path, returned=0.043, again=0.216).finish()
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.doubted is None
    assert verdict.reason == ("the harness was 43.0 ms late, 7.0 ms explain it (it came too early)")


def test_what_no_lateness_explains_is_too_early(tmp_path: Path) -> None:
    hand = partial_ack(tmp_path, returned=0.043, again=0.170)
    assert hand.fails("it came too early").slack == pytest.approx(0.053)


def test_in_time_from_the_ack_is_in_time_however_late_that_left(tmp_path: Path) -> None:
    partial_ack(tmp_path, returned=0.043, again=0.230).passes()


def test_lateness_before_the_timer_can_have_begun_explains_nothing(tmp_path: Path) -> None:
    for before, outcome in ((0.0, Outcome.INCONCLUSIVE), (0.5, Outcome.FAIL)):
        steps = f"- wait: {before + 0.001}s\n- expect: ACK\n  within: 180ms..300ms"
        hand = Hand(write_case(tmp_path, f"- send: ACK\n{steps}"), FAST, hold=["SendSegment"])
        hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
        hand.come("SYN,ACK seq=0 ack=1")
        hand.jump(0.05)
        for _ in range(2):
            hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
        hand.pass_time(before + 0.001)
        hand.come("ACK seq=1 ack=1", after=0.15)
        assert hand.finish().outcome is outcome


# ---- silence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "outcome"), [(0.039, Outcome.INCONCLUSIVE), (0.041, Outcome.FAIL)]
)
def test_what_comes_at_the_end_of_a_silence_that_began_late(
    tmp_path: Path, left: float, outcome: Outcome
) -> None:
    for silence in ("- silence: 1s", "- silence: 1s\n  of: ACK", "- wait: 1s"):
        case = write_case(tmp_path, f"- send: ACK\n{silence}\n- state: ESTABLISHED")
        hand = Hand(case, FAST).open()
        hand.talk.late.was_due(hand.now - 0.04, hand.now)
        hand.come("ACK seq=1 ack=1", after=1.0 - left)
        assert hand.finish().outcome is outcome


# ---- doubt ---------------------------------------------------------------------------------------


def test_a_bound_that_was_overrun_is_seen_twice_before_it_is_believed(tmp_path: Path) -> None:
    case = write_case(tmp_path, "- expect: ACK\n  within: 200ms")
    hand = Hand(case, FAST).open()
    verdict = hand.finish()
    assert (verdict.outcome, verdict.doubted) == (Outcome.INCONCLUSIVE, Outcome.FAIL)
    assert verdict.reason == "the machine may have been late (nothing came within 200ms)"
    believed = verdict.believed()
    assert (believed.outcome, believed.doubted) == (Outcome.FAIL, None)
    assert believed.reason == "nothing came within 200ms"
    assert believed.believed() is believed


def test_nobody_doubts_in_virtual_time(tmp_path: Path) -> None:
    Hand(write_case(tmp_path, "- expect: ACK\n  within: 200ms")).open().fails(
        "nothing came within 200ms"
    )


@pytest.mark.parametrize(
    ("late", "outcome"), [(0.003, Outcome.FAIL), (0.006, Outcome.INCONCLUSIVE)]
)
def test_what_is_wrong_at_once_is_believed_unless_a_timer_may_have_run_out(
    tmp_path: Path, late: float, outcome: Outcome
) -> None:
    hand = Hand(write_case(tmp_path, "- send: ACK\n- expect: ACK"), REAL)
    hand.hold = {"SendSegment"}
    hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
    hand.come("SYN,ACK seq=0 ack=1")
    hand.jump(late)
    hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
    hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
    hand.come("RST,ACK seq=1 ack=1")
    verdict = hand.finish()
    assert (verdict.outcome, verdict.doubted) == (outcome, None)


def test_a_state_may_have_been_reached_long_before_it_was_read(tmp_path: Path) -> None:
    """Which explains what came too early after it, and spoils nothing that held."""
    steps = "- state: CLOSE-WAIT\n- expect: ACK\n  within: 2s..3s"
    for came, outcome in ((0.9, Outcome.FAIL), (1.95, Outcome.INCONCLUSIVE), (2.05, Outcome.PASS)):
        hand = Hand(write_case(tmp_path, steps), FAST).open()
        hand.talk.late.noticed(hand.now, hand.now + 0.06)
        hand.come("ACK seq=1 ack=1", after=came)
        assert hand.finish().outcome is outcome


@pytest.mark.parametrize("never", ["ACK seq=1 ack=99999", "garbage"])
def test_what_no_tcp_may_send_has_no_excuse(tmp_path: Path, never: str) -> None:
    hand = Hand(write_case(tmp_path, "- send: ACK\n- expect: ACK"), REAL).open()
    hand.talk.late.was_due(hand.now - 0.05, hand.now)
    if never == "garbage":
        hand.feed(events.Garbage(hand.now, "noise"))
    else:
        hand.come(never)
    assert hand.finish().outcome is Outcome.FAIL


def test_the_time_between_two_looks_at_a_state_explains_nothing_in_virtual_time(
    tmp_path: Path,
) -> None:
    hand = Hand(write_case(tmp_path, "- silence: 60ms")).open()
    hand.talk.late.noticed(hand.now - 0.06, hand.now)
    hand.come("RST seq=1", after=0.01)
    assert hand.finish().outcome is Outcome.FAIL
