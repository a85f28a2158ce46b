"""Any stack as a target: the reference behind a glue program gives the reference's verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from runtime import ABLE, CALL, PROCESS, REAL, VIRTUAL, cases, left, liar, outcome, play

from conformance.case.lint import every_step
from conformance.case.load import load
from conformance.case.model import Case
from conformance.case.verbs.net import Net
from conformance.case.verbs.state import InState
from conformance.play.asides import Noticed
from conformance.play.events import Arrived, CallReturned, Sent, StateRead
from conformance.play.profile import Ability
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.jsonlines import dump
from conformance.report.jsonlines import load as load_records
from conformance.report.ladder import ladder
from conformance.targets.base import Job
from conformance.targets.files.model import ClockKind, ResetKind
from conformance.targets.kinds.glue import open_file
from conformance.targets.kinds.reference import Reference
from conformance.targets.runs.selection import is_slow


def _outcome(record: Record) -> Outcome:
    assert record.verdict is not None
    return record.verdict.outcome


_REFUSED: Final = (
    "lacks", "has no ICMP error", "has not what this case asks of the IP layer",
    "has no flag", "has no call", "has no socket option",
)  # fmt: skip
_QUICK: Final = """\
title: no step waits between a segment and its answer
steps:
  - call:   listen() = l
  - send:   SYN seq=0
  - expect: SYN,ACK seq=0 ack=1
  - send:   ACK seq=1 ack=1
  - state:  ESTABLISHED
    via:    [SYN-RECEIVED]
"""


def _has_a_way(case: Case) -> bool:
    waits = any(step.verb in ("wait", "silence") for step in case.all_steps)
    return not waits and any(isinstance(step, InState) and step.via for step in case.all_steps)


def _fragmented(case: Case) -> bool:
    """The liar has no IP layer that puts fragments together, and knows one other host."""
    hosts = {need for step in every_step(case.all_steps) for need in step.needs}
    nets = (step.value for step in case.all_steps if isinstance(step, Net))
    segments = [text for step in case.all_steps for text in step.patterns]
    pieces = any(text.ip.fragments is not None for text in segments)
    return pieces or "THIRD-HOST" in hosts or any(net.mtu for net in nets)


@pytest.mark.parametrize("reset", [PROCESS, CALL])
def test_in_virtual_time_each_verdict_is_that_of_the_reference(reset: ResetKind) -> None:
    reference = Reference()
    every = [case for case in cases(".") if not _fragmented(case)]
    few = every[:: 40 if reset is PROCESS else 5]  # a process of this one takes half a second
    jobs = [Job(case, ip) for case in few for ip in (4, 6)]
    for job, record in play(liar(clock=VIRTUAL, reset=reset), jobs):
        verdict = record.verdict
        assert verdict is not None
        if verdict.outcome is Outcome.SKIPPED:
            assert any(word in verdict.reason for word in _REFUSED), verdict.reason
            continue
        assert verdict.outcome is _outcome(reference.play(job)), (job, verdict)


def test_in_real_time_each_verdict_is_that_of_the_reference() -> None:
    file = liar(clock=REAL)
    with open_file(file) as target:
        few = [case for case in cases(".")[::60] if not is_slow(Job(case, 4), target.profile)]
    ways = [case for case in cases("rfc9293/3.6-close") if _has_a_way(case)][:6]
    jobs = [Job(case, ip) for case in [*cases("smoke"), *few, *ways] for ip in (4, 6)]
    reference = Reference()
    for job, record in play(file, jobs):
        verdict = record.verdict
        assert verdict is not None
        if verdict.outcome not in (Outcome.SKIPPED, Outcome.INCONCLUSIVE):
            assert verdict.outcome is _outcome(reference.play(job)), (job, verdict)


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_one_process_that_is_reset_plays_case_after_case(clock: ClockKind) -> None:
    jobs = [Job(case, ip) for case in cases("smoke") * 3 for ip in (4, 6)]
    file = liar(clock=clock, reset=CALL)
    processes = set()
    with open_file(file) as target:

        def done(_: Job, record: Record) -> None:
            assert _outcome(record) is Outcome.PASS
            processes.add(tuple(left(file)))

        target.run(jobs, done)
    assert len(processes) == 1
    assert len(next(iter(processes))) == 1
    assert left(file) == []


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_the_story_holds_the_frames_of_both_sides(clock: ClockKind) -> None:
    (case,) = (one for one in cases("smoke") if one.id == "smoke/handshake")
    ((_, record),) = play(liar(clock=clock), [Job(case)])
    events = [event for _, event in record.events]
    sent = [event for event in events if isinstance(event, Sent)]
    came = [event for event in events if isinstance(event, Arrived)]
    assert [len(event.frame) for event in sent] == [58, 54]  # SYN with its MSS; ACK
    assert [event.frame[12:14] for event in came] == [b"\x08\x00"]
    assert sent[0].at <= came[0].at <= sent[1].at
    calls = [event for event in events if isinstance(event, CallReturned)]
    assert all(event.started <= event.at for event in calls)


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
@pytest.mark.parametrize(("ip", "asked"), [(4, "ARP who has 192.0.2.77"),
                                           (6, "ND who has 2001:db8::77")])  # fmt: skip
def test_a_failure_shows_what_came_in_place_of_the_answer(
    clock: ClockKind, ip: int, asked: str
) -> None:
    """The stack takes the tester for somebody behind a router."""
    (case,) = (one for one in cases("smoke") if one.id == "smoke/handshake")
    ((_, record),) = play(liar("--lie", "asks-around", clock=clock), [Job(case, ip)])
    assert record.verdict is not None
    assert record.verdict.failure is not None  # in real time it may be in doubt
    assert {aside.what for aside in record.asides if isinstance(aside, Noticed)} == {asked}
    rows = ladder(record).splitlines()
    asking = [at for at, row in enumerate(rows) if f"the link: {asked}" in row]
    assert "--> SYN" in rows[asking[0] - 1]  # and again after each RTO
    (again,) = load_records(dump(record))
    assert again.asides == record.asides


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_what_the_stack_tells_of_a_connection_comes_from_the_program(clock: ClockKind) -> None:
    jobs = [Job(case, 4) for case in cases("rfc6928")]
    able = liar(clock=clock)
    assert [_outcome(record) for _, record in play(able, jobs)] == [Outcome.PASS] * len(jobs)
    unable = liar(clock=clock, abilities=ABLE - {Ability.INFO})
    assert {record.verdict.reason for _, record in play(unable, jobs) if record.verdict} == {
        "liar lacks INFO"
    }


def test_the_profile_is_what_the_file_says() -> None:
    file = replace(liar(options={"timestamps": "timestamps"}), settle=0.2, tick=0.5)
    with open_file(file) as target:
        profile = target.profile
    assert (profile.name, profile.msl, profile.virtual) == ("liar", 120.0, True)
    assert (profile.settle, profile.tick) == (0.2, 0.5)
    assert profile.abilities == ABLE | {Ability.VIRTUAL_TIME, Ability.OWN_LINK, Ability.THIRD_HOST}
    assert profile.options == {"timestamps"}
    assert profile.facts["stack"] == "reference"
    assert (profile.facts["wire"], profile.facts["clock"]) == ("fd", "virtual")


def test_a_state_is_read_before_the_next_segment_leaves(tmp_path: Path) -> None:
    """A path of states is made of samples: one before each segment that follows another."""
    (tmp_path / "case.yaml").write_text(_QUICK)
    (case,), _ = load([tmp_path], tmp_path)
    ((_, record),) = play(liar(clock=REAL), [Job(case)])
    assert _outcome(record) is Outcome.PASS
    events = [event for _, event in record.events if isinstance(event, (Sent, StateRead))]
    assert [event.number for event in events] == sorted(event.number for event in events)


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_settings_go_by_the_names_of_the_glue(clock: ClockKind) -> None:
    able = ABLE | {Ability.OPTIONS}
    (case,) = (one for one in cases("rfc7323") if one.id == "rfc7323/timestamps-off")
    right = liar(clock=clock, abilities=able, options={"timestamps": "timestamps"})
    assert _outcome(play(right, [Job(case)])[0][1]) is Outcome.PASS
    wrong = liar(clock=clock, abilities=able, options={"timestamps": "stamps"})
    verdict = play(wrong, [Job(case)])[0][1].verdict
    assert verdict is not None
    assert verdict.outcome is Outcome.SKIPPED
    assert verdict.reason == "liar cannot set timestamps to off: it has no such setting"


def test_what_a_case_needs_is_told_from_its_steps() -> None:
    few = liar(abilities=frozenset({Ability.CALLS}))
    assert outcome(few) == (Outcome.PASS, "1 state was not read")
    waits = "rfc9293/3.6-close/simultaneous-close[how=passive,by=close]"
    assert outcome(few, waits) == (Outcome.SKIPPED, "liar lacks STATE")
    (case,) = (one for one in cases("fragments") if one.id == "fragments/syn-sent")
    without = liar(abilities=ABLE - {Ability.ACTIVE_OPEN})
    verdict = play(without, [Job(case)])[0][1].verdict
    assert verdict is not None
    assert verdict.reason == "liar lacks ACTIVE-OPEN"


def test_a_case_runs_in_the_directory_of_its_file(tmp_path: Path) -> None:
    assert outcome(liar(prefix=["sh", "-c", 'test -f liar.py && exec "$@"', "sh"]))[0] is (
        Outcome.PASS
    )
