"""A stack that crashes or hangs in the middle of a case is a finding; before it, wiring."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from runtime import ABLE, CALL, REAL, VIRTUAL, cases, left, liar, none_left

from conformance.case.model import Case
from conformance.errors import Death, Owner
from conformance.play.profile import Ability
from conformance.play.record import Record, What
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.report import jsonlines
from conformance.report.failure import explain
from conformance.targets.base import Job
from conformance.targets.deviations import Deviations, load
from conformance.targets.files.model import ClockKind, Control, TargetFile
from conformance.targets.kinds.glue import open_file
from conformance.targets.known import KnownDeviation
from conformance.targets.observed import Draft
from conformance.targets.runs.rejudge import judge
from conformance.targets.runs.rerun import play_alone
from conformance.targets.runs.schedule import play as run

CLOCKS = [VIRTUAL, REAL]
ROBUST = "rfc1122/1.2.2-a"
SHORT = 0.5  # seconds of patience with who hangs, in place of two


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.live.glue.lab.PATIENCE", SHORT)
    monkeypatch.setattr("conformance.live.glue.channel.GlueChannel.answer.__defaults__", (SHORT,))


def case(id: str = "smoke/handshake-and-close") -> Case:
    (found,) = (one for one in cases(id.partition("/")[0]) if one.id == id)
    return found


def ended(file: TargetFile, id: str = "smoke/handshake-and-close") -> Record:
    """How it ends; on a machine that is late it is played again, as in a run."""
    with open_file(file) as target:
        record = play_alone(target, Job(case(id)))
    assert left(file) == []
    return record


def verdict(record: Record) -> tuple[Verdict, Failure]:
    assert record.verdict is not None
    assert record.verdict.failure is not None, record.verdict
    return record.verdict, record.verdict.failure


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(
    ("how", "seen", "message", "words"),
    [
        ("SIGSEGV", "crashed: SIGSEGV", "killed by SIGSEGV", "it was told to"),
        ("SIGABRT", "crashed: SIGABRT", "killed by SIGABRT", "it was told to"),
        ("panic", "crashed: exit status 2", "exit status 2", "panic: nil pointer"),
    ],
)
def test_a_crash_fails_the_case(
    clock: ClockKind, how: str, seen: str, message: str, words: str
) -> None:
    record = ended(liar("--dies", how, clock=clock))
    found, failure = verdict(record)
    assert (found.outcome, failure.message) == (Outcome.FAIL, f"the target crashed: {message}")
    assert (failure.actual, failure.requirement, failure.words) == (seen, ROBUST, words)
    assert failure.death is Death.CRASHED
    assert found.step is not None
    assert found.step.text == "call: recv(c) = 0"


@pytest.mark.parametrize("clock", CLOCKS)
def test_what_led_there_is_told(clock: ClockKind) -> None:
    """The last frame of the tester, and what the stack still answered."""
    record = ended(liar("--dies", "SIGSEGV", clock=clock))
    frames = [entry.text for entry in record.entries if entry.what in (What.SENT, What.RECEIVED)]
    assert frames[-2:] == ["FIN,ACK seq=11 ack=11", "ACK seq=11 ack=12"]
    told = explain(record)
    assert "the target crashed: killed by SIGSEGV" in told
    assert "last words   it was told to" in told
    assert f"requirement  {ROBUST}" in told


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_crash_in_given_steps_is_one_too(clock: ClockKind) -> None:
    found, failure = verdict(ended(liar("--dies", "SIGSEGV", "--on", "SYN", clock=clock)))
    assert (found.outcome, failure.actual) == (Outcome.FAIL, "crashed: SIGSEGV")


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_who_is_killed_by_another_did_not_crash(clock: ClockKind, how: str) -> None:
    """The kernel ends so who needs too much memory on a machine that has little."""
    found = ended(liar("--dies", how, clock=clock)).verdict
    assert found is not None
    told = f"The glue program of liar: it has ended (killed by {how}); its last words: it was "
    assert (found.outcome, found.owner) == (Outcome.ERROR, Owner.TARGET)
    assert found.reason.startswith(told)


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.usefixtures("short")
def test_before_the_first_frame_it_is_the_wiring(clock: ClockKind) -> None:
    for attack in ({"at": "listen", "deed": "crash"}, {"at": "listen", "deed": "sleep"}):
        file = liar(json.dumps(attack), clock=clock, program="attacker.py")
        file = replace(file, abilities=ABLE - {Ability.INFO})
        found = ended(file, "smoke/handshake").verdict
        assert found is not None
        assert (found.outcome, found.owner) == (Outcome.ERROR, Owner.TARGET), found


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_next_case_has_another_process(clock: ClockKind) -> None:
    file = liar("--dies", "SIGSEGV", clock=clock, reset=CALL)
    jobs = [Job(case("smoke/handshake-and-close")), Job(case("smoke/handshake"))] * 2
    ends = []
    with open_file(file) as target:
        target.run(jobs, lambda _, record: ends.append(record.verdict))
    outcomes = [end.outcome for end in ends if end is not None]
    assert outcomes == [Outcome.FAIL, Outcome.PASS] * 2
    assert left(file) == []


def test_a_server_that_ends_in_a_case_has_crashed() -> None:
    able = ABLE & {Ability.IPV6}
    file = liar("--die-at-text", clock=REAL, program="servers.py", control=Control.NONE)
    record = ended(replace(file, abilities=able), "fragments/ten-segments")
    found, failure = verdict(record)
    assert (found.outcome, failure.actual) == (Outcome.FAIL, "crashed: exit status 1")


# ---- hangs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.usefixtures("short")
def test_a_hang_is_believed_when_it_is_seen_twice(clock: ClockKind) -> None:
    file = liar("--dies", "loop", clock=clock)
    again: list[Record] = []
    ends: list[Record] = []
    with open_file(file) as target:
        run(
            target,
            [Job(case())],
            lambda _, record: ends.append(record),
            again=lambda _, record: again.append(record),
        )
    (first,), (last,) = again, ends
    assert first.verdict is not None
    assert (first.verdict.outcome, first.verdict.doubted) == (Outcome.INCONCLUSIVE, Outcome.FAIL)
    found, failure = verdict(last)
    assert found.outcome is Outcome.FAIL
    assert last.reruns >= 1
    assert failure.message.startswith("the target hangs: it has not answered ")
    assert (failure.actual, failure.requirement) == ("hangs", ROBUST)
    assert none_left(file)


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.usefixtures("short")
def test_a_hang_that_does_not_repeat_is_no_failure(clock: ClockKind, tmp_path: Path) -> None:
    """As of a program that a busy machine did not let run."""
    file = liar("--dies", "loop", "--once", str(tmp_path / "once"), clock=clock)
    ends: list[Record] = []
    with open_file(file) as target:
        run(target, [Job(case())], lambda _, record: ends.append(record))
    (last,) = ends
    assert last.verdict is not None
    assert last.verdict.outcome is Outcome.PASS, last.verdict
    assert last.reruns >= 1
    assert none_left(file)


def test_a_server_that_hangs_fails_the_case_and_the_next_has_another() -> None:
    """It is asked nothing, so that it hangs shows by what does not come."""
    file = liar("--hang-at-text", clock=REAL, program="servers.py", control=Control.NONE)
    with open_file(replace(file, abilities=ABLE & {Ability.IPV6})) as target:
        hung = play_alone(target, Job(case("fragments/ten-segments")))
        after = play_alone(target, Job(case("smoke/handshake")))
    found, failure = verdict(hung)
    assert found.outcome is Outcome.FAIL
    assert failure.message.startswith("nothing came")
    assert after.verdict is not None
    assert after.verdict.outcome is Outcome.PASS, after.verdict
    assert none_left(file)


# ---- what is known -------------------------------------------------------------------------------


def test_it_can_be_drafted_and_is_strict_then(tmp_path: Path) -> None:
    draft, record = Draft(), ended(liar("--dies", "SIGSEGV"))
    draft.add(record)
    file = tmp_path / "known.yaml"
    file.write_text(draft.text().replace("because:", "because: it is old"))
    known = load(file)
    assert known.entries[record.case.id] == [
        KnownDeviation("call: recv(c) = 0", "crashed: SIGSEGV", "it is old")
    ]
    assert settled(known, record) == (Outcome.DEVIATES, "it is old")
    other = settled(known, ended(liar("--dies", "SIGABRT")))
    assert other == (Outcome.FAIL, "the target crashed: killed by SIGABRT")
    mended = settled(known, ended(liar()))
    told = "liar is known to end at call: recv(c) = 0 (it is old), and did not"
    assert mended == (Outcome.FAIL, told)


def settled(known: Deviations, record: Record) -> tuple[Outcome, str]:
    known.settle(record)
    assert record.verdict is not None
    return record.verdict.outcome, record.verdict.reason


def test_a_record_of_it_is_judged_alike() -> None:
    record = ended(liar("--dies", "SIGSEGV"))
    (loaded,) = jsonlines.load(jsonlines.dump(record))
    assert judge(record.case, loaded).verdict == record.verdict
