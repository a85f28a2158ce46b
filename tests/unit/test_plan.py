"""Which jobs come of cases, and how they are played; the target is a script here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from conformance.case.model import Case
from conformance.case.spans import NOWHERE
from conformance.case.verbs.silence import Silence
from conformance.case.verbs.wait import Wait
from conformance.errors import CaseError, EnvironmentProblem, TargetError
from conformance.live.kernel.netns_client import unavailable
from conformance.notation.time import parse_duration
from conformance.play.played import Played, split_played
from conformance.play.profile import Ability, Profile
from conformance.play.record import Addressing, Record
from conformance.play.script import allowed
from conformance.play.verdict import Outcome, Verdict
from conformance.targets import targets_of
from conformance.targets.base import Done, Job, Target
from conformance.targets.names import Chosen, job_id, sentence, vocabulary
from conformance.targets.runs.rerun import RERUNS, play_alone
from conformance.targets.runs.schedule import beforehand, longest, longest_of, play
from conformance.targets.runs.selection import (
    choose,
    is_slow,
    levels_of,
    verifies,
    versions,
    versions_of,
)

Ends = dict[str, list[Outcome | Verdict]]
REAL = frozenset(Ability) - {Ability.VIRTUAL_TIME}


def profile(abilities: frozenset[Ability] = REAL, name: str = "script") -> Profile:
    return Profile(name, msl=30.0, abilities=abilities)


def case(id: str, wait: str = "", verifies: tuple[str, ...] = ()) -> Case:
    steps = (Wait(NOWHERE, f"wait: {wait}", parse_duration(wait)),) if wait else ()
    return Case(id, f"{id.partition('[')[0]}.yaml", id, steps, verifies=verifies)


class Script(Target):
    """Ends each case as the script says, its outcomes in order, the last for ever."""

    def __init__(self, profile: Profile, **outcomes: Sequence[Outcome | Verdict]) -> None:
        self.profile = profile
        self.outcomes = {name: list(ends) for name, ends in outcomes.items()}
        self.runs: list[tuple[list[str], int | None]] = []

    def run(self, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
        self.runs.append(([job.case.id for job in jobs], at_once))
        for job in jobs:
            script = self.outcomes.get(job.case.id.rpartition("/")[2], [Outcome.PASS])
            record = Record(job.case, self.profile, Addressing(ip=job.ip))
            end = script.pop(0) if len(script) > 1 else script[0]
            record.verdict = end if isinstance(end, Verdict) else Verdict(end)
            done(job, record)


def jobs(*cases: Case) -> list[Job]:
    return [Job(case) for case in cases]


# ---- choosing ------------------------------------------------------------------------------------


def test_every_case_is_a_job_for_each_ip_version_the_target_has() -> None:
    both = choose([Chosen(case("a"))], profile())
    only4 = choose([Chosen(case("a"))], profile(REAL - {Ability.IPV6}))
    assert [job.ip for job in both.jobs] == [4, 6]
    assert [job.ip for job in only4.jobs] == [4]


def test_an_ip_version_that_was_asked_for_is_a_job_even_where_it_will_be_skipped() -> None:
    assert versions(profile(REAL - {Ability.IPV6}), (6,)) == (6,)


def test_a_case_that_is_chosen_twice_is_one_job_and_keeps_its_place() -> None:
    chosen = [Chosen(case("b"), "script", 6), Chosen(case("a")), Chosen(case("b"))]
    plan = choose(chosen, profile())
    assert [(job.case.id, job.ip) for job in plan.jobs] == [
        ("b", 6),
        ("a", 4),
        ("a", 6),
        ("b", 4),
    ]


def test_a_pasted_id_means_its_target_and_its_ip_version_only() -> None:
    chosen = [Chosen(case("a"), "script", 6), Chosen(case("b"), "other", 4)]
    assert [(job.case.id, job.ip) for job in choose(chosen, profile()).jobs] == [("a", 6)]


def test_slow_cases_are_left_out_and_counted_unless_asked_for() -> None:
    chosen = [Chosen(case("short", "9s")), Chosen(case("long", "11s"))]
    plan = choose(chosen, profile(), ips=(4,))
    assert [job.case.id for job in plan.jobs] == ["short"]
    assert [job.case.id for job in plan.slow] == ["long"]
    assert len(choose(chosen, profile(), ips=(4,), slow=True).jobs) == 2


def test_nothing_is_slow_in_virtual_time() -> None:
    assert is_slow(Job(case("a", "2h"), 4), profile())
    assert not is_slow(Job(case("a", "2h"), 4), profile(frozenset(Ability)))


def test_what_cannot_be_played_is_not_slow_but_says_why() -> None:
    """Or the summary would promise that --slow plays it."""
    needy = replace(case("a", "2h"), needs=frozenset({"VIRTUAL-TIME"}))
    plan = choose([Chosen(needy)], profile(), ips=(4,))
    assert (len(plan.jobs), len(plan.slow)) == (1, 0)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", True),
        ("rfc9293", True),
        ("rfc9293/", True),
        ("rfc9293/MUST", True),
        ("rfc9293/MUST-12", True),
        ("MUST-12", True),
        ("rfc5961/3.2", True),
        ("3.2-a", True),
        ("rfc9293/MUST-1", False),
        ("MUST-1", False),
        ("rfc929", False),
        ("rfc9293/MUST-123", False),
        ("UST-12", False),
        ("rfc6298", False),
    ],
)
def test_a_requirement_is_an_id_or_its_first_words(wanted: str, found: bool) -> None:
    assert verifies(case("a", verifies=("rfc9293/MUST-12", "rfc5961/3.2-a")), wanted) is found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", ["must", "must-not", "should", "event", "none"]),
        ("MUST", ["must", "must-not"]),
        ("SHOULD", ["should", "must-not"]),
        ("event", ["event"]),
        ("MUST, event", ["must", "must-not", "event"]),
        ("MAY", []),
    ],
)
def test_a_level_is_that_of_any_requirement(wanted: str, found: list[str]) -> None:
    """MUST-9 is a MUST NOT, and 3.2-a of RFC 5961 a SHOULD."""
    verified = {
        "must": ("rfc9293/MUST-5",),
        "must-not": ("rfc5961/3.2-a", "rfc9293/MUST-9"),
        "should": ("rfc9293/SHLD-31",),
        "event": ("rfc9293/EV-LISTEN-SYN",),
        "none": (),
    }
    chosen = [Chosen(case(id, verifies=ids)) for id, ids in verified.items()]
    plan = choose(chosen, profile(), ips=[4], levels=levels_of(wanted))
    assert {job.case.id for job in plan.jobs} == set(found)


def test_a_level_that_is_none_is_told() -> None:
    with pytest.raises(CaseError, match="'must' is no level; levels are MUST, SHOULD, MAY, event"):
        levels_of("must")


def test_a_keyword_sees_the_whole_id() -> None:
    chosen = [Chosen(case("x/a[n=1]"))]
    plan = choose(chosen, profile(), keyword=lambda id: id == "x/a::script-ipv6[n=1]")
    assert [job.ip for job in plan.jobs] == [6]


def test_the_id_of_a_job_is_that_of_its_record() -> None:
    job = Job(case("x/a[n=1,role=active]"), 6)
    record = Record(job.case, profile(), Addressing(ip=6))
    assert job_id(job, "script") == record.id == "x/a::script-ipv6[n=1,role=active]"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("linux-ipv4[n=1]", Played("linux", 4, None, "[n=1]")),
        ("linux-6.1-ipv6", Played("linux-6.1", 6)),
        ("n=1", Played(params="n=1")),
        ("[n=1]", Played(params="[n=1]")),
        ("", Played()),
    ],
)
def test_what_was_played_is_split(name: str, parts: Played) -> None:
    assert split_played(name) == parts


def test_targets_and_ip_versions_are_read_with_a_suggestion() -> None:
    assert targets_of("reference, linux,reference") == ["reference", "linux"]
    assert versions_of("6,4") == (4, 6)
    assert versions_of("") == ()
    with pytest.raises(CaseError, match=r"unknown target 'linx': did you mean linux\?"):
        targets_of("linx")
    with pytest.raises(CaseError, match="'5' is no IP version"):
        versions_of("4,5")


def test_what_a_case_may_name_is_known() -> None:
    everything = vocabulary()
    assert everything.requirement is not None
    assert everything.requirement("rfc9293/MUST-12") is None
    assert everything.requirement("rfc9293/MUST-1222")
    assert everything.abilities == frozenset(str(ability) for ability in Ability)
    assert "checksum" in (everything.watch_rules or frozenset)()


# ---- playing -------------------------------------------------------------------------------------


def test_an_inconclusive_job_is_played_again_alone_and_shows_it() -> None:
    late = [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, Outcome.PASS]
    target = Script(profile(), a=late)
    ended: list[Record] = []
    told: list[str] = []
    play(
        target,
        jobs(case("a"), case("b")),
        lambda _, record: ended.append(record),
        7,
        lambda job, _: told.append(job.case.id),
    )
    assert [(record.case.id, record.reruns) for record in ended] == [("b", 0), ("a", 2)]
    assert target.runs == [(["a", "b"], 7), (["a"], 1), (["a"], 1)]
    assert told == ["a"]


def test_twice_at_most() -> None:
    target = Script(profile(), a=[Outcome.INCONCLUSIVE])
    ended: list[Record] = []
    play(target, jobs(case("a")), lambda _, record: ended.append(record))
    assert [record.reruns for record in ended] == [RERUNS]
    assert len(target.runs) == 1 + RERUNS
    record = play_alone(target, Job(case("a")))
    assert record.reruns == RERUNS


def test_what_is_conclusive_is_played_once() -> None:
    target = Script(profile(), a=[Outcome.FAIL])
    assert play_alone(target, Job(case("a"))).reruns == 0
    assert len(target.runs) == 1


def test_the_longest_begin_first_unless_time_is_virtual() -> None:
    three = jobs(case("a", "1s"), case("b", "3s"), case("c", "2s"))
    real, virtual = Script(profile()), Script(profile(frozenset(Ability)))
    play(real, three, lambda *_: None)
    play(virtual, three, lambda *_: None)
    assert real.runs[0][0] == ["b", "c", "a"]
    assert virtual.runs[0][0] == ["a", "b", "c"]


def test_those_that_allow_little_lateness_are_played_last_with_few_beside_them() -> None:
    tight = Case("tight", "tight.yaml", "", (Silence(NOWHERE, "", parse_duration("40ms")),))
    loose = Case("loose", "loose.yaml", "", (Silence(NOWHERE, "", parse_duration("50ms")),))
    target = Script(profile())
    play(target, jobs(tight, loose), lambda *_: None)
    assert target.runs == [(["loose"], None), (["tight"], 4)]
    target.runs.clear()
    play(target, jobs(tight), lambda *_: None, at_once=3)
    assert target.runs == [(["tight"], 3)]


def test_smoke_cases_begin_and_end_a_run() -> None:
    target = Script(profile())
    ended: list[str] = []
    bad = play(target, jobs(case("a"), case("smoke/s")), lambda job, _: ended.append(job.case.id))
    assert [names for names, _ in target.runs] == [["smoke/s"], ["a"], ["smoke/s"]]
    assert ended == ["smoke/s", "a"]
    assert bad == []


def test_smoke_alone_is_played_once() -> None:
    target = Script(profile())
    play(target, jobs(case("smoke/s")), lambda *_: None)
    assert [names for names, _ in target.runs] == [["smoke/s"]]


def test_a_smoke_case_that_no_longer_passes_at_the_end_is_told() -> None:
    target = Script(profile(), s=[Outcome.PASS, Outcome.FAIL], t=[Outcome.FAIL])
    bad = play(target, jobs(case("smoke/s"), case("smoke/t"), case("a")), lambda *_: None)
    assert [record.case.id for record in bad] == ["smoke/s"]


def test_an_interruption_goes_through() -> None:
    class Interrupted(Script):
        def run(self, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(Interrupted(profile()), jobs(case("a")), lambda *_: None)


def test_hanging_is_longer_than_any_bound_of_the_case() -> None:
    job = Job(case("a", "5s"))
    assert longest(job, profile()) > 5 * (1 + RERUNS)
    assert longest_of([job] * 10, profile()) > 5
    assert longest(Job(case("a", "2h")), profile(frozenset(Ability))) < 600


def test_an_error_is_a_sentence_without_its_stop() -> None:
    assert sentence(EnvironmentProblem("no raw sockets.")) == "no raw sockets"
    assert sentence(TargetError("it hung")) == "it hung"


def test_a_machine_without_namespaces_is_told_of_the_target_that_needs_none() -> None:
    assert "--target reference needs none" in sentence(unavailable("not allowed."))


def test_no_failure_may_have_an_action_later_than_half_of_a_silence() -> None:
    """What passed was silent as long, only later."""
    quiet = Silence(NOWHERE, "silence: 50ms", parse_duration("50ms"))
    found, blank = allowed(replace(case("a"), steps=(quiet,)), profile()), case("a")
    assert (found.quiet, found.once) == (0.025, 0.5)
    assert allowed(blank, profile()).quiet == 0.5


def test_pauses_as_long_as_a_timer_leave_nothing_of_it_to_hurt() -> None:
    """Ten tenths of a second subtracted from one leave a 1e-16th in floats."""
    pause = Wait(NOWHERE, "wait: 100ms", parse_duration("100ms"))
    found = allowed(replace(case("a"), steps=(pause,) * 10), profile())
    assert found.quiet == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        ("59s", ""),
        ("90s", "slow::script-ipv4 takes 1.5 minutes at least"),
        ("3h", "slow::script-ipv4 takes 3.0 hours at least"),
        ("600h", "slow::script-ipv4 takes 25.0 days at least"),
    ],
)
def test_a_long_wait_is_told_beforehand(wait: str, told: str) -> None:
    jobs = [Job(case("quick", "1s"), 4), Job(case("slow", wait), 4)]
    assert beforehand(jobs, profile()) == told
    assert beforehand(jobs, profile(frozenset(Ability))) == ""
