"""A glue program that errs ends its case with one sentence; nothing hangs, nothing is left."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from runtime import (
    CALL,
    HERE,
    REAL,
    VIRTUAL,
    cases,
    left,
    liar,
    none_left,
    outcome,
)

from conformance.errors import TargetError
from conformance.live.glue.program import Order, Supervisor
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.files.model import ClockKind
from conformance.targets.kinds.glue import open_file

CLOCKS = [VIRTUAL, REAL]
SAYS = "The glue program of liar: "


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        (["--no-start"], "it has ended (exit status 1); its last words: the stack cannot be "),
        (["--protocol", "7"], "it speaks version 7 of the protocol, not 1."),
    ],
)
def test_a_program_that_is_none_is_not_opened(
    clock: ClockKind, faults: list[str], sentence: str
) -> None:
    file = liar(*faults, clock=clock)
    with pytest.raises(TargetError) as caught:
        open_file(file)
    assert str(caught.value).startswith(SAYS + sentence)
    assert left(file) == []


def test_a_program_that_is_not_there_is_not_opened() -> None:
    file = liar(prefix=["/nowhere/at/all"])
    with pytest.raises(TargetError, match="cannot be started: /nowhere/at/all: No such file"):
        open_file(file)


def test_a_program_that_cannot_be_reset_is_not_opened() -> None:
    file = liar(reset=CALL, program="hermit.py")
    with pytest.raises(TargetError, match=r"it refuses reset \(ENOSYS\): reset: process does"):
        open_file(file)
    assert left(file) == []


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        (["--garbage"], r"it answers what is no protocol: b'\x00\xff this is no reply'."),
        (["--frames", "0"], "it sent a frame of no octets."),
        (["--frames", "70000"], "it sent a frame of more than 65535 octets."),
        (["--claim", "STATE"], "it was to tell a state and answers ENOSYS."),
        (["--claim", "CALLS"], "it claims CALLS and has no call listen."),
        (["--die-after", "4"], "it has ended (killed by SIGKILL)."),
    ],
)
def test_what_breaks_the_protocol_is_an_error(
    clock: ClockKind, faults: list[str], sentence: str
) -> None:
    assert outcome(liar(*faults, clock=clock)) == (Outcome.ERROR, SAYS + sentence)


def test_who_claims_an_address_family_and_refuses_it_is_in_error() -> None:
    told = SAYS + "it refuses use: EAFNOSUPPORT."
    assert outcome(liar("--claim", "IPV6"), ip=6) == (Outcome.ERROR, told)


@pytest.mark.parametrize(
    ("clock", "call"), [(VIRTUAL, "advance"), (REAL, "listen")], ids=["virtual", "real"]
)
def test_a_late_answer_is_an_error(
    clock: ClockKind, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.live.glue.channel.PATIENCE", 0.3)
    monkeypatch.setattr("conformance.live.glue.lab.PATIENCE", 0.3)
    monkeypatch.setattr(
        "conformance.live.glue.channel.GlueChannel.answer.__defaults__", (0.3,), raising=True
    )
    told = f"{SAYS}it has not answered {call} within 0.3 s."
    assert outcome(liar("--late", "1.5", clock=clock)) == (Outcome.ERROR, told)


def test_a_flood_ends_in_virtual_time() -> None:
    result, why = outcome(liar("--flood"))
    assert result is Outcome.ERROR
    assert why.startswith(SAYS + "it floods its wire: ")


def test_a_flood_ends_in_real_time() -> None:
    result, why = outcome(liar("--flood", clock=REAL))
    assert result is Outcome.FAIL
    assert why.startswith("a frame came that is no segment of the case")


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_short_frame_is_the_target_s_failure(clock: ClockKind) -> None:
    result, why = outcome(liar("--frames", "5", clock=clock))
    assert (result, why) == (
        Outcome.FAIL,
        "a frame came that is no segment of the case: a frame of 5 octets, less than an Ethernet "
        "header",
    )


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(
    ("lie", "id"),
    [
        ("state", "smoke/handshake"),
        ("drop-fin", "smoke/handshake-and-close"),
        ("ack-too-much", "smoke/handshake-and-close"),
    ],
)
def test_a_lie_about_tcp_fails_the_case(clock: ClockKind, lie: str, id: str) -> None:
    """With the real clock a machine that is late leaves it open; a pass it never is."""
    result, why = outcome(liar("--lie", lie, clock=clock), id)
    late = clock is REAL and result is Outcome.INCONCLUSIVE and " late (" in why
    assert late or result in (Outcome.FAIL, Outcome.BLOCKED)


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_next_case_begins_with_another_process(clock: ClockKind) -> None:
    file = liar("--die-after", "25", clock=clock, reset=CALL)
    (case,) = (one for one in cases("smoke") if one.id == "smoke/handshake")
    ends = []
    with open_file(file) as target:
        target.run([Job(case)] * 8, lambda _, record: ends.append(record.verdict))
    outcomes = [verdict.outcome for verdict in ends if verdict is not None]
    assert Outcome.ERROR in outcomes
    assert outcomes[0] is Outcome.PASS
    assert Outcome.PASS in outcomes[outcomes.index(Outcome.ERROR) :]
    assert left(file) == []


# ---- nothing is left -----------------------------------------------------------------------------


@pytest.mark.parametrize("clock", CLOCKS)
def test_an_interrupted_run_leaves_nothing(clock: ClockKind) -> None:
    file = liar(clock=clock)

    def done(*_: object) -> None:
        raise KeyboardInterrupt

    jobs = [Job(case, ip) for case in cases("smoke") for ip in (4, 6)]
    with pytest.raises(KeyboardInterrupt), open_file(file) as target:
        target.run(jobs, done)
    assert left(file) == []


_PLAYS = """
import sys
sys.path[:0] = sys.argv[1:3]
from runtime import ClockKind, Job, cases, liar
from conformance.targets.kinds.glue import open_file
from dataclasses import replace
mark = {"CONFORMANCE_TEST_MARK": sys.argv[4]}
file = replace(liar(clock=ClockKind(sys.argv[3])), environment=mark)
with open_file(file) as target:
    def done(job, record):
        print("one", flush=True)
    target.run([Job(case) for case in cases("smoke")] * 500, done)
"""


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_harness_that_is_killed_leaves_nothing(clock: ClockKind, number: signal.Signals) -> None:
    file = liar(clock=clock)
    (mark,) = file.environment.values()
    root = str(HERE.parents[1])
    words = [sys.executable, "-c", _PLAYS, root, str(HERE), str(clock), mark]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"one\n"
        harness.send_signal(number)
        assert harness.wait() == -number
    assert none_left(file)


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    file = liar()  # for its mark
    supervisor = Supervisor()
    words = ("sh", "-c", "sleep 600 & sleep 600 & echo; read end")
    program = supervisor.start(Order(words, file.environment, tmp_path, wire="none"))
    select.select([program.stdout], [], [])
    while len(left(file)) < 3:  # one that is becoming sleep shows no environment for a moment
        select.select([], [], [], 0.01)
    program.close()
    assert none_left(file)  # while the supervisor still runs
    supervisor.close()


def test_what_has_left_its_session_ends_with_the_run() -> None:
    file = liar(prefix=["sh", "-c", 'setsid sleep 600 & exec "$@"', "sh"])
    assert outcome(file)[0] is Outcome.PASS
    assert left(file) == []


def test_a_program_that_does_not_end_with_its_stdin_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor()
    program = supervisor.start(Order(("sleep", "600"), {}, tmp_path, wire="none"))
    program.close()
    supervisor.close()  # waits for the last of them


def test_a_program_may_close_its_stderr() -> None:
    assert outcome(liar(prefix=["sh", "-c", 'exec "$@" 2>&-', "sh"]))[0] is Outcome.PASS
