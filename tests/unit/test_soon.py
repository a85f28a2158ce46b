"""What needs no timer, what may be delayed, what "at once" is: the bounds that no step says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hand import PROFILE, START, Hand, write_case

from conformance.case import timers
from conformance.case.load import load
from conformance.notation.printer import print_bounds
from conformance.notation.scanner import NotationError
from conformance.notation.time import AT_ONCE, parse_bounds
from conformance.play.profile import Profile

CASES = Path(__file__).parents[2] / "cases"
VIRTUAL = replace(PROFILE, response=0.01)
TEXT = "- send: ACK len=10\n- expect: ACK ack=11"


def bound(root: Path, steps: str, profile: Profile = PROFILE) -> float:
    """How long after its cause the last step ends, when nothing comes."""
    hand = Hand(write_case(root, steps), profile).open()
    cause = hand.now
    hand.pass_time(100)
    assert hand.talk.verdict is not None
    assert hand.talk.verdict.reason.startswith("nothing came within")
    return hand.talk.now - cause


@pytest.mark.parametrize("profile", [PROFILE, VIRTUAL])
@pytest.mark.parametrize(
    "steps",
    [
        TEXT,
        "- send: FIN,ACK\n- expect: ACK ack=2",
        "- send: ACK seq=11 len=10\n- expect: ACK ack=1",
    ],
)
def test_an_ack_of_something_may_be_delayed_by_half_a_second(
    tmp_path: Path, steps: str, profile: Profile
) -> None:
    assert bound(tmp_path, steps, profile) == pytest.approx(0.5 + profile.settle)


@pytest.mark.parametrize("profile", [PROFILE, VIRTUAL])
@pytest.mark.parametrize(
    "steps",
    [
        "- send: SYN\n- expect: ACK ack=1",  # nothing new: nobody delays it
        "- send: ACK ack=9\n- expect: ACK ack=1",
        "- send: ACK len=10\n- expect: ACK ack=11 len=5",
        "- send: FIN,ACK\n- expect: FIN,ACK ack=2",
        "- send: ACK len=10\n- expect: RST seq=1",
        "- call: close(c)\n- expect: FIN,ACK",
    ],
)
def test_what_needs_no_timer_has_what_the_target_says_of_itself(
    tmp_path: Path, steps: str, profile: Profile
) -> None:
    steps = steps.replace("- call", "- call: listen() = l\n- call: accept(l) = c\n- call", 1)
    assert bound(tmp_path, steps, profile) == pytest.approx(profile.response)


def test_what_may_wait_for_a_timer_has_a_second(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- collect: 10"), VIRTUAL).open()
    hand.pass_time(100)
    assert hand.talk.now == pytest.approx(START + 0.01 + 1.0)


def test_a_network_in_between_adds_what_it_takes(tmp_path: Path) -> None:
    steps = "- net: {delay: 2s}\n- send: SYN\n- expect: ACK ack=1"
    assert bound(tmp_path, steps, VIRTUAL) == pytest.approx(4.01)


def test_where_segments_are_lost_a_timer_may_be_the_answer(tmp_path: Path) -> None:
    steps = "- net: {loss: [9]}\n- send: SYN\n- expect: ACK ack=1"
    assert bound(tmp_path, steps, VIRTUAL) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("profile", "seconds"),
    [(PROFILE, 0.5), (VIRTUAL, 0.01), (replace(PROFILE, min_rto=0.2), 0.1)],
)
def test_at_once_is_sooner_than_any_timer(tmp_path: Path, profile: Profile, seconds: float) -> None:
    steps = TEXT + "\n  within: at once"
    assert bound(tmp_path, steps, profile) == pytest.approx(seconds)


def test_at_once_is_read_and_printed() -> None:
    assert parse_bounds(" at  once ") == AT_ONCE
    assert print_bounds(AT_ONCE) == "at once"


# A timer may be the answer: steps, and whether that is remarked.
AGAIN = [
    ("- expect: ACK len=9 seq=1\n- expect: ACK len=9 seq=1", True),
    ("- drop: FIN,ACK seq=1\n- expect: FIN,ACK seq=1", True),
    ("- expect: FIN,ACK seq=1\n- either:\n  - - expect: FIN,ACK seq=1\n  - - expect: ACK", True),
    ("- expect: ACK len=9 seq=1\n- expect: ACK len=9 seq=1\n  within: at once", False),
    ("- expect: ACK len=9 seq=1\n- expect: ACK len=9 seq=1\n  within: 1s\n"
     "- expect: ACK len=9 seq=1\n  backoff: 1.5..3", False),
    ("- expect: ACK len=9 seq=1\n- expect: ACK len=9 seq=10", False),
    ("- expect: ACK seq=1\n- expect: ACK seq=1", False),  # nobody times an ACK again
    ("- expect: RST seq=1\n- send: SYN seq=0\n- expect: SYN,ACK seq=0\n- send: ACK", False),
    ("- expect: FIN,ACK seq=1\n- send: SYN seq=0\n- expect: FIN,ACK seq=1", False),  # anew
    ("- either:\n  - - expect: ACK len=9 seq=1\n  - - expect: ACK len=9 seq=1", False),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "told"), AGAIN)
def test_check_asks_for_a_bound_where_a_timer_may_answer(
    tmp_path: Path, steps: str, told: bool
) -> None:
    found = timers.remarks(write_case(tmp_path, steps))
    assert ["a timer may send it again" in one.message for one in found] == [True] * told


def test_the_shipped_cases_say_their_bounds() -> None:
    cases, _ = load([CASES], CASES)
    assert not [remark for case in cases for remark in timers.remarks(case)]


@pytest.mark.parametrize("text", ["at", "at 1s", "once", "at once..1s", "1at once"])
def test_nothing_else_is_at_once(text: str) -> None:
    with pytest.raises(NotationError):
        parse_bounds(text)
