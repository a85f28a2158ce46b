"""Which cases reach a line of a patch: the search by halves, with a target made of a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from conformance.case.model import Case
from conformance.commands.code_by_case import BOOT, MORE, MOST, by_case
from conformance.report.patch import Line
from conformance.targets.base import Job

LINES = {name: Line("net/ipv4/tcp.c", at, name) for at, name in enumerate("abcd", 1)}
JOBS = [Job(Case(f"c{number}", "c.yaml", "T", ())) for number in range(40)]


class Plays:
    """Guests; ``reach``: for each line the numbers of the cases that reach it."""

    def __init__(self, **reach: Collection[int]) -> None:
        self._reach = reach
        self.played: list[int] = []

    def __call__(self, jobs: Sequence[Job]) -> list[Line]:
        self.played.append(len(jobs))
        here = {JOBS.index(job) for job in jobs}
        boot = [LINES[name] for name, cases in self._reach.items() if -1 in cases]
        return boot + [LINES[name] for name, cases in self._reach.items() if here & set(cases)]


def found(plays: Plays, names: str = "abcd") -> dict[str, list[str]]:
    told = by_case(JOBS, [LINES[name] for name in names], plays, lambda job: job.case.id)
    return {line.text: list(cases) for line, cases in told.items()}


def test_each_line_has_its_cases() -> None:
    plays = Plays(a=[3], b=[3, 17, 39], c=[], d=[0, 1])
    assert found(plays) == {"a": ["c3"], "b": ["c3", "c17", "c39"], "c": [], "d": ["c0", "c1"]}


def test_a_line_that_many_reach_names_some_and_is_not_looked_for_any_more() -> None:
    plays = Plays(a=range(40))
    told = found(plays, "a")["a"]
    assert told == [*(f"c{number}" for number in range(MOST)), MORE]
    assert sum(plays.played) < 4 * len(JOBS)
    assert len(plays.played) < 20


def test_exactly_as_many_as_are_named_are_all() -> None:
    assert found(Plays(a=range(MOST)), "a")["a"] == [f"c{number}" for number in range(MOST)]


def test_what_the_boot_reaches_is_no_case_s() -> None:
    assert found(Plays(a=[-1, *range(40)], b=[2]), "ab") == {"a": [BOOT], "b": ["c2"]}


def test_a_rare_line_costs_about_another_play_of_the_set() -> None:
    plays = Plays(a=[21])
    assert found(plays, "a")["a"] == ["c21"]
    assert sum(plays.played) <= 2 * len(JOBS) + 10
    assert plays.played[0] == 0


def test_where_nothing_was_played_nothing_is_named() -> None:
    assert by_case([], [LINES["a"]], Plays(), lambda job: job.case.id) == {LINES["a"]: []}
