"""TAP, veth, an interface of the machine; and a stack that nobody makes calls on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from runtime import ABLE, HERE, REAL, cases, left, liar, outcome, play

from conformance.errors import CaseError, EnvironmentProblem
from conformance.live.glue.program import Supervisor
from conformance.live.workers.netns_server import enter
from conformance.play.profile import Ability
from conformance.play.servers import Server
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.files.model import ClockKind, Control, TargetFile, WireKind
from conformance.targets.kinds.glue import open_file

SMOKE = [Job(case, ip) for case in cases("smoke") for ip in (4, 6)]


@pytest.fixture(autouse=True, scope="module")
def _namespaces() -> None:
    try:
        Supervisor(namespaces=True).close()
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))


@pytest.fixture
def tun() -> None:
    """The machine's TUN device, which a user namespace does not open to everybody."""
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        pytest.skip(f"/dev/net/tun: {error.strerror}")


def _passes(file: TargetFile) -> None:
    for job, record in play(file, SMOKE):
        assert record.verdict is not None
        assert record.verdict.outcome is Outcome.PASS, (job, record.verdict)


@pytest.mark.usefixtures("tun")
def test_a_tap_device_in_a_namespace() -> None:
    _passes(liar(clock=REAL, wire=WireKind.TAP))


def test_an_interface_in_a_namespace() -> None:
    _passes(liar(clock=REAL, wire=WireKind.VETH, program="by_interface.py"))


@pytest.mark.usefixtures("tun")
def test_a_program_that_dies_with_its_tap() -> None:
    result, why = outcome(liar("--die-after", "3", clock=REAL, wire=WireKind.TAP))
    assert result is Outcome.ERROR
    assert why.startswith("The glue program of liar: it")
    assert "killed by SIGKILL" in why


def test_the_virtual_clock_needs_its_own_wire() -> None:
    file = replace(liar(), wire=WireKind.TAP)
    with pytest.raises(CaseError, match="that needs wire: fd and control: agent"):
        open_file(file)


# ---- an interface of this machine ----------------------------------------------------------------


def _outside(control: str) -> list[list[object]]:
    words = [sys.executable, str(HERE / "play_outside.py"), control]
    done = subprocess.run(words, preexec_fn=enter, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_interface_is_used_only_when_its_owner_says_so() -> None:
    told = _outside("agent")
    assert told[0] == [
        "refused",
        "liar is behind the interface outside0 of this machine: --own-network says that it may be "
        "used",
    ]
    assert told[1][0] == "refused"
    assert str(told[1][1]).startswith("the interface nowhere0 cannot be used")
    assert len(told) == 2 + 6 + 2
    assert all(one[2] == "pass" for one in told[2:8]), told
    for one in told[8:]:  # nobody but the two ends may be named where others are on the link
        assert one[2:] == ["skipped", "liar lacks OWN-LINK"]


def test_a_stack_behind_an_interface_without_anybody_to_make_calls() -> None:
    told = {(one[0], one[1]): one[2:] for one in _outside("none")[2:]}
    assert told["fragments/ten-segments", 4] == ["pass", "3 states were not read"]
    assert told["fragments/ten-segments", 6] == ["pass", "3 states were not read"]
    assert told["smoke/handshake", 4] == ["pass", "1 state was not read"]


# ---- nobody makes calls --------------------------------------------------------------------------


def server(*words: str, wire: WireKind = WireKind.FD) -> TargetFile:
    able = ABLE & {Ability.IPV6}
    return liar(
        *words,
        clock=ClockKind.REAL,
        wire=wire,
        program="servers.py",
        control=Control.NONE,
        abilities=able,
    )


@pytest.mark.parametrize("wire", [WireKind.FD, WireKind.TAP, WireKind.VETH])
def test_a_passive_case_is_played_against_the_server(
    wire: WireKind, request: pytest.FixtureRequest
) -> None:
    if wire is WireKind.TAP:
        request.getfixturevalue("tun")
    (case,) = (one for one in cases("fragments") if one.id == "fragments/ten-segments")
    for _, record in play(server(wire=wire), [Job(case, 4), Job(case, 6)]):
        assert record.verdict is not None
        assert record.verdict.outcome is Outcome.PASS, record.verdict
        assert record.addressing.target_port == 9


_SERVED = {
    (Server.DISCARD, 9): ("3.1-header/checksum", "3.1-header/reserved-bits", "3.8-data/overlap"),
    (Server.ECHO, 7): ("3.5.3-reset-processing/listen", "3.10.7.1-closed"),
    (Server.CHARGEN, 19): ("3.1-header/mss-obeyed",),
}


def test_each_server_is_asked_what_it_can_answer() -> None:
    for (only, port), names in _SERVED.items():
        file = replace(server("--only", str(only)), serves={only: port})
        jobs = [
            Job(case) for case in cases("rfc9293") if case.id.split("[")[0][8:].startswith(names)
        ]
        found = {job.case.id: str(record.verdict) for job, record in play(file, jobs)}
        passed = [id for id, told in found.items() if "'pass'" in told]
        skipped = [id for id, told in found.items() if "'skipped'" in told]
        assert len(passed) > len(names)
        assert len(passed) + len(skipped) == len(found), found


def test_a_server_that_writes_other_octets_fails() -> None:
    file = replace(server("--wrong"), serves={Server.CHARGEN: 19})
    result, why = outcome(file, "rfc9293/3.1-header/mss-obeyed[mss=536]")
    assert result is Outcome.FAIL
    assert why.startswith("no TCP may send this")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--silent"], "nobody listens on its port 9."),
        (["--deaf"], "it does not answer for its address."),
        (["--die-after", "1"], "it has ended (exit status 1); its last words: it was told to end."),
    ],
)
def test_a_server_that_is_not_there_is_an_error(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words == ["--deaf"]:  # the silent one has to come up within its time, this one need not
        monkeypatch.setattr("conformance.live.glue.server_lab.FIRST_WORD", 1.0)
    result, why = outcome(server(*words), "fragments/ten-segments")
    assert result is Outcome.ERROR
    assert why.endswith(told)


@pytest.mark.parametrize(
    ("id", "told"),
    [
        ("smoke/handshake-and-close", "liar lacks CALLS"),
        ("fragments/syn-sent", "liar lacks ACTIVE-OPEN, CALLS"),
        ("rfc9293/3.6-close/simultaneous-close[how=passive,by=close]", "liar lacks CALLS, STATE"),
    ],
)
def test_what_needs_an_application_is_skipped(id: str, told: str) -> None:
    assert outcome(server(), id) == (Outcome.SKIPPED, told)


def test_nothing_is_left_of_a_server() -> None:
    file = server()
    open_file(file).close()
    assert left(file) == []
