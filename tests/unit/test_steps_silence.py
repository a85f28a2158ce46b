"""``silence``, ``wait`` and the end of the case: nothing comes that no step foresees."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import PROFILE, START, Hand, write_case

from conformance.play import events
from conformance.play.verdict import Outcome

UNFORESEEN = "a segment came that no step foresees"


def opened(root: Path, steps: str) -> Hand:
    return Hand(write_case(root, steps)).open()


@pytest.mark.parametrize("verb", ["silence", "wait"])
def test_it_lasts_as_long_as_it_says(tmp_path: Path, verb: str) -> None:
    hand = opened(tmp_path, f"- {verb}: 500ms\n- silence: 1MSL")
    hand.passes()
    assert hand.now == pytest.approx(START + 0.01 + 0.5 + 10.0 + PROFILE.settle)


@pytest.mark.parametrize("verb", ["silence", "wait"])
@pytest.mark.parametrize("after", [0.0, 0.25, 0.499])
def test_it_is_broken(tmp_path: Path, verb: str, after: float) -> None:
    hand = opened(tmp_path, f"- {verb}: 500ms\n- silence: 1s")
    hand.come("ACK seq=1 ack=1 win=7", after=after)
    failure = hand.fails(UNFORESEEN)
    assert (failure.expected, failure.actual) == (("silence",), "ACK seq=1 ack=1 win=7")
    assert hand.talk.verdict is not None
    assert hand.talk.verdict.step is hand.talk.case.steps[0]
    (entry,) = (entry for entry in hand.talk.record.entries if entry.unforeseen)
    assert entry.text == "ACK seq=1 ack=1"


@pytest.mark.parametrize("verb", ["silence", "wait"])
def test_what_came_before_it_and_was_not_asked_for_breaks_it(tmp_path: Path, verb: str) -> None:
    hand = opened(tmp_path, f"- state: ESTABLISHED\n- send: ACK\n  after: 1s\n- {verb}: 500ms")
    hand.come("ACK seq=1 ack=1", after=0.5)
    hand.fails(UNFORESEEN)


@pytest.mark.parametrize("verb", ["silence", "wait"])
def test_what_came_after_it_but_was_told_in_it_does_not(tmp_path: Path, verb: str) -> None:
    """The harness woke late: the stamp says that the time was over."""
    hand = opened(tmp_path, f"- {verb}: 500ms\n- expect: ACK\n  within: 1s")
    end = hand.now + 0.5
    hand.jump(0.6)
    hand.come("ACK seq=1 ack=1", at=end + 0.05)
    hand.passes()


def test_a_silence_of_one_kind(tmp_path: Path) -> None:
    steps = "- allow: ACK\n- silence: 500ms\n  of: RST\n- expect: FIN,ACK"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.come("FIN,ACK seq=1 ack=1", after=0.5)
    hand.passes()


def test_what_came_in_a_silence_of_one_kind_is_there_for_the_step_that_asks_for_it(
    tmp_path: Path,
) -> None:
    for within, outcome in (("1s", Outcome.PASS), ("0s..1s", Outcome.FAIL)):
        steps = f"- silence: 500ms\n  of: RST\n- expect: ACK\n  within: {within}"
        hand = opened(tmp_path, steps)
        hand.come("ACK seq=1 ack=1", after=0.1)
        assert hand.finish().outcome is outcome


@pytest.mark.parametrize(
    ("of", "comes", "broken"),
    [
        ("RST", "RST seq=1", True),
        ("RST", "RST,ACK seq=77 ack=1", True),  # at least these flags, any number
        ("RST", "FIN,ACK seq=1 ack=1", False),
        ("ACK len=1..9", "ACK seq=1 ack=1 len=4", True),
        ("ACK len=1..9", "ACK seq=1 ack=1", False),
        ("ACK seq=5", "ACK seq=1 ack=1", False),
        ("ACK seq=SND.NXT", "ACK seq=1 ack=1", True),
    ],
)
def test_what_breaks_a_silence_of_one_kind(
    tmp_path: Path, of: str, comes: str, broken: bool
) -> None:
    hand = opened(tmp_path, f"- silence: 500ms\n  of: {of}\n- allow: FIN,ACK\n- allow: ACK")
    hand.come(comes, after=0.1)
    if not broken:
        hand.passes()
        return
    failure = hand.fails("the silence was broken")
    assert failure.expected == (f"no {of}",)
    assert failure.actual == comes


def test_a_silence_of_one_kind_ends_by_the_stamps(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- silence: 500ms\n  of: RST\n- expect: RST seq=1\n  within: 1s")
    end = hand.now + 0.5
    hand.jump(0.6)
    hand.come("RST seq=1", at=end + 0.05)
    hand.passes()


def test_what_a_silence_of_one_kind_lets_pass_is_judged_later(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- silence: 500ms\n  of: RST\n- wait: 1s")
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.fails(UNFORESEEN)


# ---- the end of the case ---------------------------------------------------------------------


def test_the_end_settles(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK\n- state: ESTABLISHED")
    assert hand.outcome is None
    hand.come("ACK seq=1 ack=1", after=PROFILE.settle / 2)
    hand.fails(UNFORESEEN)
    assert hand.talk.verdict is not None
    assert hand.talk.verdict.step is None


def test_what_comes_after_the_end_is_no_matter(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK\n- state: ESTABLISHED")
    end = hand.now + PROFILE.settle
    hand.jump(1.0)
    hand.come("ACK seq=1 ack=1", at=end + 0.01)
    hand.passes()


def test_a_segment_to_a_port_that_nothing_uses(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- silence: 1s")
    stray = hand.segment("ACK seq=1 ack=1", dport=40007)
    hand.feed(events.Arrived(hand.now, stray))
    hand.fails("a segment came to port 40007, which nothing uses")
