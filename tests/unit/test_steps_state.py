"""``state``: it is reached, it lasts, it came by this way; by samples and by reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hand import PROFILE, START, Hand, write_case

from conformance.play import actions, events
from conformance.play.profile import Ability
from conformance.play.verdict import Outcome
from conformance.tcp.states import State

SAMPLES = replace(PROFILE, abilities=PROFILE.abilities - {Ability.PATH})


def hand_of(root: Path, steps: str, reports: bool = True) -> Hand:
    hand = Hand(write_case(root, steps, given=""), PROFILE if reports else SAMPLES)
    hand.talk.conn("a")
    return hand


def blind(root: Path, steps: str) -> Hand:
    """Its target cannot tell a state."""
    abilities = SAMPLES.abilities - {Ability.STATE}
    return Hand(write_case(root, steps, given=""), replace(PROFILE, abilities=abilities))


class Slow(Hand):
    """Its target changes its state at a time."""

    changes: tuple[tuple[float, State], ...] = ()

    def _event(self, action: actions.Action) -> events.Event:
        for at, state in self.changes:
            if self.now >= START + at:
                self.state = state
        return super()._event(action)


def slow(root: Path, steps: str, *changes: tuple[float, State]) -> Slow:
    case = write_case(root, steps, given="")
    return type("Scripted", (Slow,), {"changes": changes})(case)  # type: ignore[no-any-return]


def test_it_is_there(tmp_path: Path) -> None:
    hand = hand_of(tmp_path, "- state: ESTABLISHED\n- wait: 1s")
    hand.passes()
    read = hand.last(actions.ReadState)
    assert isinstance(read, actions.ReadState)
    assert (read.target_port, read.tester_port) == (4000, 40000)


def test_it_is_reached_in_time(tmp_path: Path) -> None:
    steps = "- state: TIME-WAIT\n  within: 1s"
    slow(tmp_path, steps, (0.0, State.CLOSING), (0.999, State.TIME_WAIT)).passes()
    failure = slow(tmp_path, steps, (0.0, State.CLOSING), (1.001, State.TIME_WAIT)).fails(
        "the state is CLOSING, 1.000s after its cause"
    )
    assert (failure.expected, failure.actual) == (("TIME-WAIT",), "CLOSING")


def test_the_default_bound_is_the_response(tmp_path: Path) -> None:
    slow(tmp_path, "- state: CLOSED", (0.0, State.LAST_ACK)).fails(
        "the state is LAST-ACK, 1.000s after its cause"
    )


def test_it_may_be_reached_too_early(tmp_path: Path) -> None:
    steps = "- state: CLOSED\n  within: 10s..30s"
    slow(tmp_path, steps, (0.0, State.TIME_WAIT), (10.1, State.CLOSED)).passes()
    failure = slow(tmp_path, steps, (0.0, State.TIME_WAIT), (9.5, State.CLOSED)).finish().failure
    assert failure is not None
    assert failure.message.startswith("CLOSED was reached too early, 9.")
    assert failure.expected == ("CLOSED not before 10.000s",)


def test_no_tcb_is_closed_whether_there_is_a_listener_or_not(tmp_path: Path) -> None:
    slow(tmp_path, "- state: CLOSED", (0.0, State.LISTEN)).passes()
    slow(tmp_path, "- state: LISTEN", (0.0, State.CLOSED)).fails(
        "the state is CLOSED, 1.000s after its cause"
    )


def test_it_does_not_judge_segments(tmp_path: Path) -> None:
    steps = "- state: TIME-WAIT\n- expect: RST seq=1"
    hand = slow(tmp_path, steps, (0.0, State.CLOSING), (0.5, State.TIME_WAIT))
    hand.talk.conn("a")
    hand.iss["a"] = 0
    hand.come("RST seq=1", after=0.1)
    hand.passes()


# ---- for -------------------------------------------------------------------------------------


def test_it_lasts(tmp_path: Path) -> None:
    steps = "- state: TIME-WAIT\n  for: 2MSL\n- state: CLOSED\n  within: 1s"
    slow(tmp_path, steps, (0.0, State.TIME_WAIT), (20.0, State.CLOSED)).passes()


def test_it_does_not_last(tmp_path: Path) -> None:
    steps = "- state: TIME-WAIT\n  for: 2MSL"
    hand = slow(tmp_path, steps, (0.0, State.TIME_WAIT), (12.0, State.CLOSED))
    hand.finish()
    assert hand.talk.verdict is not None
    failure = hand.talk.verdict.failure
    assert failure is not None
    assert failure.message == "the state did not last"
    assert failure.expected == ("TIME-WAIT for 20.000s",)
    assert failure.actual.startswith("CLOSED after 12.")


@pytest.mark.parametrize("lasts", [1.0, 2.0, 2.4, 7.0, 60.0, 240.0])
def test_a_timer_that_ends_with_it_is_no_sample_too_early(tmp_path: Path, lasts: float) -> None:
    """The samples are sums of fractions: the last may lie a rounding before the end."""
    steps = f"- state: TIME-WAIT\n  for: {lasts * 1000:.0f}ms"
    slow(tmp_path, steps, (0.0, State.TIME_WAIT), (lasts - 1e-9, State.CLOSED)).passes()


def test_for_counts_from_the_cause(tmp_path: Path) -> None:
    """Three seconds late in TIME-WAIT, and still 2MSL from the last segment."""
    steps = "- state: TIME-WAIT\n  within: 5s\n  for: 2MSL\n- state: CLOSED\n  within: 1s"
    changes = ((0.0, State.CLOSING), (3.0, State.TIME_WAIT), (20.0, State.CLOSED))
    hand = slow(tmp_path, steps, *changes)
    hand.passes()
    assert hand.now == pytest.approx(START + 20.0 + PROFILE.settle, abs=0.001)


def test_what_comes_while_it_lasts_must_be_allowed(tmp_path: Path) -> None:
    for allow, outcome in (("", Outcome.FAIL), ("- allow: RST\n", Outcome.PASS)):
        hand = hand_of(tmp_path, f"{allow}- state: TIME-WAIT\n  for: 2MSL")
        hand.come("RST seq=1", after=5.0)
        assert hand.finish().outcome is outcome


# ---- via -------------------------------------------------------------------------------------

VIA = "- state: TIME-WAIT\n  within: 1s\n  via: [FIN-WAIT-1, CLOSING]"


def report(hand: Hand, *states: State) -> None:
    for state in states:
        hand.feed(events.StateReported(hand.now, 4000, 40000, state))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("FIN_WAIT_1 CLOSING TIME_WAIT", ""),
        ("SYN_RECEIVED ESTABLISHED FIN_WAIT_1 CLOSING TIME_WAIT", ""),
        ("FIN_WAIT_1 FIN_WAIT_1 CLOSING TIME_WAIT", ""),  # told twice is once
        ("FIN_WAIT_1 TIME_WAIT", "FIN-WAIT-1 TIME-WAIT"),
        ("FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT", "FIN-WAIT-1 FIN-WAIT-2 CLOSING TIME-WAIT"),
        ("ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT",
         "FIN-WAIT-1 FIN-WAIT-2 CLOSING TIME-WAIT"),
        ("CLOSING TIME_WAIT", "CLOSING TIME-WAIT"),
        ("FIN_WAIT_1 CLOSING TIME_WAIT CLOSED", "FIN-WAIT-1 CLOSING TIME-WAIT CLOSED"),
        ("", "none"),
    ],
)  # fmt: skip
def test_the_way_by_reports(tmp_path: Path, path: str, shown: str) -> None:
    hand = hand_of(tmp_path, "- wait: 1s\n" + VIA)
    report(hand, *(State[name] for name in path.split()))
    if not shown:
        hand.passes()
        return
    failure = hand.fails("it went another way")
    assert failure.expected == ("FIN-WAIT-1 CLOSING TIME-WAIT",)
    assert failure.actual == shown


def test_a_report_may_come_after_the_sample(tmp_path: Path) -> None:
    hand = hand_of(tmp_path, VIA)
    report(hand, State.FIN_WAIT_1, State.CLOSING)
    assert hand.outcome is None
    hand.pass_time(0.5)
    report(hand, State.TIME_WAIT)
    hand.passes()


def test_a_report_of_another_connection_is_no_part_of_the_way(tmp_path: Path) -> None:
    hand = hand_of(tmp_path, "- wait: 1s\n" + VIA)
    report(hand, State.FIN_WAIT_1)
    hand.feed(events.StateReported(hand.now, 4000, 40009, State.FIN_WAIT_2))
    report(hand, State.CLOSING, State.TIME_WAIT)
    hand.passes()


@pytest.mark.parametrize("skips", [False, True])
def test_the_way_by_samples(tmp_path: Path, skips: bool) -> None:
    """Without reports the state is read after everything that happens."""
    steps = """
- send:   SYN seq=0
- expect: SYN,ACK seq=0 ack=1
- send:   ACK seq=1 ack=1
- state:  ESTABLISHED
  via:    [SYN-RECEIVED]
"""
    hand = Hand(write_case(tmp_path, steps, given=""), SAMPLES)  # reads CLOSED, to begin with
    hand.state = State.ESTABLISHED if skips else State.SYN_RECEIVED
    hand.come("SYN,ACK seq=0 ack=1", after=0.1)
    hand.state = State.ESTABLISHED
    hand.feed(events.Tick(hand.now))
    hand.pass_time(0.01)
    if skips:
        assert hand.fails("it went another way").actual == "CLOSED ESTABLISHED"
    else:
        hand.passes()


def test_no_samples_are_taken_where_nothing_asks_for_them(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- expect: ACK"), SAMPLES).open()
    hand.come("ACK seq=1 ack=1")
    hand.passes()
    assert not [action for action in hand.done if isinstance(action, actions.ReadState)]


def test_a_way_inside_a_branch_is_sampled_too(tmp_path: Path) -> None:
    steps = """
- send: ACK
- either:
    - - expect: RST seq=1
    - - silence: 1s
      - state: ESTABLISHED
        via: [SYN-RECEIVED]
"""
    assert Hand(write_case(tmp_path, steps), SAMPLES).talk.samples


# ---- lateness of samples ---------------------------------------------------------------------


def test_a_sample_that_was_read_late_proves_nothing(tmp_path: Path) -> None:
    """It is there 5 s after the bound; whether it was there in time nobody knows."""
    hand = hand_of(tmp_path, "- state: TIME-WAIT\n  within: 1s")
    hand = Hand(hand.talk.case, hold=["ReadState"])
    read = hand.last(actions.ReadState)
    hand.feed(events.StateRead(START, read.number, State.CLOSING))
    hand.jump(6.0)
    hand.feed(events.Tick(hand.now))
    read = hand.last(actions.ReadState)
    hand.feed(events.StateRead(hand.now, read.number, State.TIME_WAIT))
    assert hand.finish().outcome is Outcome.INCONCLUSIVE


def test_a_stay_that_nobody_watched_proves_nothing(tmp_path: Path) -> None:
    hand = hand_of(tmp_path, "- state: TIME-WAIT\n  for: 2MSL")
    hand.pass_time(1.0)
    hand.jump(30.0)
    hand.feed(events.Tick(hand.now))
    assert hand.finish().outcome is Outcome.INCONCLUSIVE


# ---- nobody can tell it --------------------------------------------------------------------------


def test_what_nobody_can_read_is_taken_for_granted_and_counted(tmp_path: Path) -> None:
    hand = blind(tmp_path, "- state: ESTABLISHED\n- state: CLOSE-WAIT\n- silence: 1s")
    hand.passes()
    assert not any(isinstance(action, actions.ReadState) for action in hand.done)
    assert hand.finish().reason == "2 states were not read"


def test_it_lasts_in_silence_though_nobody_can_read_it(tmp_path: Path) -> None:
    steps = "- state: TIME-WAIT\n  for: 2MSL"
    hand = blind(tmp_path, steps)
    hand.passes()
    assert hand.now == pytest.approx(START + 20.0 + PROFILE.settle, abs=0.001)
    hand = blind(tmp_path, steps)
    hand.talk.conn("a")
    hand.come("RST seq=1", after=5.0)
    hand.fails("a segment came that no step foresees")


@pytest.mark.parametrize(("lasts", "late"), [("1ms", 0.0), ("60ms", 0.299)])
def test_the_end_is_no_sample_that_may_be_late(tmp_path: Path, lasts: str, late: float) -> None:
    steps = f"- state: ESTABLISHED\n  for: {lasts}\n- wait: 1s"
    hand = hand_of(tmp_path, steps, reports=False)
    hand.jump(0.3)
    hand.finish()
    assert hand.talk.late.worst == pytest.approx(late)
