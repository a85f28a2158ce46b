"""What is doubted is played again: alone, together, with few beside."""

from __future__ import annotations

import pytest
from test_plan import Ends, Script, case, profile

from conformance.play.record import Record
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.targets.base import Job, outcome_of
from conformance.targets.runs.rerun import RERUNS, play_alone
from conformance.targets.runs.schedule import play

LATE = Verdict(
    Outcome.INCONCLUSIVE, "late (it came too late)", None, Failure("it came too late"),
    doubted=Outcome.FAIL,
)  # fmt: skip


def ends(target: Script, *played: Job, at_once: int | None = None) -> dict[str, Record]:
    found: dict[str, Record] = {}
    play(target, played, lambda job, record: found.update({job.case.id: record}), at_once)
    return found


@pytest.mark.parametrize(
    ("outcomes", "outcome", "reruns"),
    [
        ([LATE, LATE], Outcome.FAIL, 1),
        ([LATE, Outcome.PASS], Outcome.PASS, 1),
        ([LATE, Outcome.FAIL], Outcome.FAIL, 1),
        ([LATE, Outcome.INCONCLUSIVE, LATE], Outcome.FAIL, 2),
        ([Outcome.INCONCLUSIVE, LATE, LATE], Outcome.FAIL, 2),
        ([Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, LATE], Outcome.INCONCLUSIVE, 2),
    ],
)
def test_a_doubted_failure_is_believed_when_it_is_seen_twice(
    outcomes: list[Outcome | Verdict], outcome: Outcome, reruns: int
) -> None:
    record = ends(Script(profile(), a=[*outcomes]), Job(case("a")))["a"]
    alone = play_alone(Script(profile(), a=[*outcomes]), Job(case("a")))
    for one in (record, alone):
        assert one.verdict is not None
        assert (one.verdict.outcome, one.reruns) == (outcome, reruns)
    if outcome is Outcome.FAIL and record.verdict is not None:
        assert record.verdict.reason in ("it came too late", "")


def test_many_that_fail_again_alone_speak_for_the_machine() -> None:
    """Then the rest are played again together, and each has to fail twice all the same."""
    names = [f"c{number}" for number in range(30)]
    script: Ends = {name: [LATE, LATE] for name in names}
    script["c27"] = [LATE, Outcome.PASS]
    script["c28"] = [LATE, Outcome.INCONCLUSIVE, Outcome.PASS]
    target = Script(profile(), **script)
    found = ends(target, *(Job(case(name)) for name in names), at_once=7)
    assert [len(run) for run, _ in target.runs] == [30, *[1] * 20, 10, 1]
    assert [limit for _, limit in target.runs] == [7, *[1] * 20, 7, 1]
    passed = {name for name, record in found.items() if outcome_of(record) is Outcome.PASS}
    assert passed == {"c27", "c28"}
    assert len(found) == 30
    assert found["c28"].reruns == 2


def test_many_that_are_late_alone_too_are_played_again_together_and_stay_inconclusive() -> None:
    """Or a run on a machine that stops its processes would last ten times as long."""
    names = [f"c{number}" for number in range(30)]
    target = Script(profile(), **{name: [Outcome.INCONCLUSIVE] for name in names})
    found = ends(target, *(Job(case(name)) for name in names), at_once=7)
    assert [len(run) for run, _ in target.runs] == [30, 30, *[1] * 20, 10]
    assert [limit for _, limit in target.runs] == [7, 4, *[1] * 20, 7]
    assert {(outcome_of(record), record.reruns) for record in found.values()} == {
        (Outcome.INCONCLUSIVE, RERUNS)
    }


def test_many_that_were_late_are_played_again_with_few_beside_them_then_alone() -> None:
    script: Ends = {f"c{number}": [Outcome.INCONCLUSIVE, Outcome.PASS] for number in range(9)}
    script["c7"] = [Outcome.INCONCLUSIVE, LATE, LATE]
    script["c8"] = [LATE, LATE]
    target = Script(profile(), **script)
    found = ends(target, *(Job(case(name)) for name in script), at_once=7)
    assert [(len(run), limit) for run, limit in target.runs] == [(9, 7), (8, 4), (1, 1), (1, 1)]
    failed = {name for name, record in found.items() if outcome_of(record) is Outcome.FAIL}
    assert failed == {"c7", "c8"}


def test_one_that_does_not_fail_again_leaves_the_machine_in_doubt() -> None:
    names = [f"c{number}" for number in range(30)]
    script: Ends = {name: [LATE, LATE] for name in names}
    script["c15"] = [LATE, Outcome.PASS]
    target = Script(profile(), **script)
    ends(target, *(Job(case(name)) for name in names))
    assert [len(run) for run, _ in target.runs] == [30, *[1] * 30]
