"""Whoever the harness waits for may never come: each wait ends at its bound, with its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "glue"))

from attacks import Attack
from runtime import cases, left, liar
from test_attacks import target

from conformance import processes
from conformance.case.load import load_case
from conformance.errors import EnvironmentProblem, TargetError
from conformance.kernel import make
from conformance.live import loop
from conformance.live.kernel import lab, netns_client
from conformance.live.kernel.lab import KernelLabs
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.check import wire_tester
from conformance.targets.check.wiring import probe
from conformance.targets.kinds import virtual_glue
from conformance.targets.kinds.glue import open_file

SOON = 0.3  # seconds, in place of a bound


def runs(mark: str) -> list[int]:
    """The processes with this in their arguments."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in words and int(place.name) != os.getpid():
            found.append(int(place.name))
    return found


def gone(mark: str) -> bool:
    deadline = time.monotonic() + 10
    while runs(mark) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not runs(mark)


@pytest.fixture
def source() -> KernelLabs:
    try:
        return KernelLabs()
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))


def test_a_command_that_hangs_is_killed_with_its_group() -> None:
    mark = f"60{os.getpid()}"
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run(["sh", "-c", f"sleep {mark} & sleep {mark}"], SOON)
    assert gone(mark)


def test_what_does_not_end_is_killed_with_all_below_but_the_spared() -> None:
    mark, kept = f"61{os.getpid()}", f"62{os.getpid()}"
    script = f"setsid sleep {mark} & sleep {mark} & sleep {kept} & echo $!; wait"
    process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    spared = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGSTOP)
    assert not processes.end(process, SOON, [spared])
    process.stdout.close()
    assert gone(mark)
    assert runs(kept) == [spared]
    os.kill(spared, signal.SIGKILL)


def test_what_was_stopped_goes_on_before_it_is_waited_for() -> None:
    process = subprocess.Popen(["sh", "-c", "kill -STOP $$"], start_new_session=True)
    while not processes.stopped(process):
        time.sleep(0.01)
    assert processes.end(process, 10)


def test_a_netns_server_that_is_stopped_is_told_and_ended(source: KernelLabs) -> None:
    maker = source._namespaces._process.pid
    source._namespaces._control.settimeout(SOON)
    os.kill(maker, signal.SIGSTOP)
    with pytest.raises(TargetError) as caught:
        source.open(ip=4, sysctls={}, tester_port_base=64 * 300)
    assert str(caught.value) == netns_client.DEAF
    source.close()
    assert maker not in processes.children(os.getpid())


def test_an_agent_that_is_stopped_is_told(
    source: KernelLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "_ANSWER_BOUND", SOON)
    one = source.open(ip=4, sysctls={}, tester_port_base=64 * 300)
    maker = source._namespaces._process.pid
    below = processes.children(maker)  # who keeps the tracing instance is one of them
    for agent in below:
        os.kill(agent, signal.SIGSTOP)
    with pytest.raises(TargetError, match="The target's agent does not answer"):
        one.set_sysctl("net.ipv4.tcp_sack", "0")
    source.close()
    deadline = time.monotonic() + 10
    while any(map(processes.runs, below)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(processes.runs, below))


class Barren:
    """Makes no labs."""

    def __init__(self) -> None:
        self.ports, self.told = deque([1024]), set[int]()
        self._read, self._write = os.pipe()
        self.prepare = lambda _count, /: None

    def openable(self) -> int:
        return self._read

    def filenos(self) -> list[int]:
        return []

    def poll(self) -> set[int]:
        return self.told

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


def test_a_run_whose_labs_never_come_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "BARREN", SOON)
    barren = Barren()
    with pytest.raises(TargetError, match=r"No case can begin: no lab comes within 0\.3 s"):
        loop.LabLoop(barren, 1).run([lambda _: pytest.fail("there is none")], lambda _: None)
    barren.close()


def test_a_case_in_virtual_time_has_a_bound_of_wall_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_glue, "CASE_BOUND", 0.0)
    file, ends = liar(), []
    (case,) = (one for one in cases("smoke") if one.id == "smoke/handshake")
    with open_file(file) as opened:
        opened.run([Job(case)], lambda _, record: ends.append(record.verdict))
    (verdict,) = ends
    assert verdict is not None
    assert verdict.outcome is Outcome.ERROR
    assert verdict.reason.endswith("its case has not ended within 0 s of wall time.")
    assert left(file) == []


def test_a_case_of_hours_has_more_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A minute for each: without a share of its own this one would end before it began."""
    monkeypatch.setattr(virtual_glue, "CASE_BOUND", 0.0)
    (tmp_path / "idle.yaml").write_text(
        "title: hours\nsteps: [{call: listen() = l}, {wait: 2h}, {state: LISTEN}]\n"
    )
    (case,) = load_case(tmp_path / "idle.yaml")
    file, ends = liar(), []
    with open_file(file) as opened:
        opened.run([Job(case)], lambda _, record: ends.append(record.verdict))
    assert [one.outcome for one in ends if one] == [Outcome.PASS], ends


def test_the_proof_of_a_clock_that_crawls_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_tester, "_MOST_ROUNDS", 500)
    attack = Attack("crawls", "virtual", {"at": "advance", "deed": "microseconds"})
    *_, (_, held, told) = probe(target(attack))
    assert not held
    assert "its clock does not get on" in told


def test_make_that_says_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "_SILENT", SOON)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mark = f"63{os.getpid()}"
    (tmp_path / "make").write_text(f"#!/bin/sh\nsleep {mark} &\nsleep {mark}\n")
    (tmp_path / "make").chmod(0o755)
    (tmp_path / "tcp-conformance").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    builder = make.Builder(tmp_path, lambda _: None)
    with pytest.raises(EnvironmentProblem, match=r"make has said nothing for 0\.3 s"):
        builder.compile()
    assert gone(mark)
