"""Whose fault it is that a case could not be judged: a field, whatever the sentence says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand, write_case

from conformance.errors import CaseError, EnvironmentProblem, Owner, TargetError
from conformance.play.events import Lost
from conformance.play.verdict import Outcome
from conformance.report import jsonlines
from conformance.report.summary import Summary, case_object
from conformance.targets.runs.rejudge import judge


def test_each_error_has_one() -> None:
    owners = [error.owner for error in (CaseError, TargetError, EnvironmentProblem)]
    assert owners == [Owner.CASE, Owner.TARGET, Owner.MACHINE]


def test_a_number_without_a_value_is_the_case_s(tmp_path: Path) -> None:
    steps = "- expect: ACK\n  as: first\n- send: ACK seq=first.TSval"
    hand = Hand(write_case(tmp_path, steps)).open()
    hand.come("ACK seq=1 ack=1", after=0.1)
    verdict = hand.talk.verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.owner) == (Outcome.ERROR, Owner.CASE)
    assert Summary.of([hand.talk.record]).exit_status == 2
    assert case_object(hand.talk.record)["owner"] == "case"


@pytest.mark.parametrize("owner", Owner)
def test_what_is_lost_says_by_whose_fault(tmp_path: Path, owner: Owner) -> None:
    """In the record too, and when it is judged again; the sentence alone tells nothing."""
    hand = Hand(write_case(tmp_path, "- expect: ACK")).open()
    hand.talk.feed(Lost(hand.now, "the case is wrong: no", owner), hand.now)
    record = hand.talk.record
    assert record.verdict is not None
    assert record.verdict.owner is owner
    assert Summary.of([record]).exit_status == (2 if owner is Owner.CASE else 3)
    (loaded,) = jsonlines.load(jsonlines.dump(record))
    assert loaded.verdict is not None
    assert loaded.verdict.owner is owner
    again = judge(record.case, loaded).verdict
    assert again is not None
    assert again.owner is owner


def test_what_was_judged_has_none(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- expect: ACK")).open()
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.passes()
    assert hand.talk.verdict is not None
    assert hand.talk.verdict.owner is None
    assert case_object(hand.talk.record)["owner"] == ""


@pytest.mark.parametrize(("cut", "owner"), [(True, Owner.MACHINE), (False, Owner.CASE)])
def test_what_was_ended_from_outside_keeps_its_owner_when_it_is_judged_again(
    tmp_path: Path, owner: Owner, *, cut: bool
) -> None:
    """Which no event tells: by the record's verdict, or, where it is cut off, by that."""
    hand = Hand(write_case(tmp_path, "- silence: 1s")).open()
    hand.talk.abandon(Outcome.ERROR, "nobody takes this setting", Owner.CASE)
    text = jsonlines.dump(hand.talk.record)
    lines = text.splitlines(keepends=True)
    (loaded,) = jsonlines.load("".join(lines[:-1] if cut else lines))
    verdict = judge(hand.talk.record.case, loaded).verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.owner) == (Outcome.ERROR, owner)
