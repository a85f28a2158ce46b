"""Cases in guests, from the command line and from pytest; what becomes of them when a guest dies.

They need a kernel (``conformance kernel build 6.12``); without one every test here is skipped and
says so.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.case.load import load_case
from conformance.cli import main
from conformance.commands.choice import chosen
from conformance.kernel import guest, store
from conformance.kernel.folders import LOCK
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.kinds.kernel import KernelTarget
from conformance.targets.names import vocabulary
from conformance.targets.runs.orders import Orders

ROOT = Path(__file__).parents[2]
OTHER_SOFTIRQS = store.version_key("6.5")
LOST_ACK = "rfc9293/3.6-close/lost-final-ack"

pytest_plugins = ("pytester",)


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "conformance.cli", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_no_call_overtakes_a_segment() -> None:
    old = [
        one for one in store.kernels() if store.version_key(one.facts["release"]) < OTHER_SOFTIRQS
    ]
    if not old:
        pytest.skip("NO KERNEL BEFORE 6.5 IS BUILT: conformance kernel build 6.1")
    cases = ("linux/calls/listed-passive", "rfc4987/flood-beside-a-connection")
    done = run("run", "--kernel", old[0].name, "--json", *cases)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["outcome"] for row in rows[:-1]] == 2 * len(cases) * ["pass"], rows


def test_minutes_of_time_wait_pass_in_a_moment(kernel: store.BuiltKernel, tmp_path: Path) -> None:
    record = tmp_path / "r.jsonl"
    done = run("run", "--kernel", kernel.name, "--json", "--record", str(record), LOST_ACK)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert {row["target"] for row in rows[:-1]} == {kernel.target}
    assert {row["ip"] for row in rows[:-1]} == {4, 6}
    assert all(row["seconds"] > 60 for row in rows[:-1])
    assert rows[-1]["outcomes"]["pass"] == len(rows) - 1
    assert rows[-1]["seconds"] < sum(row["seconds"] for row in rows[:-1])
    facts = json.loads(record.read_text().splitlines()[0])["profile"]["facts"]
    assert facts["kernel"] == kernel.facts["release"]
    assert facts["hz"] == str(kernel.facts["hz"])
    assert facts["config"] == kernel.facts["config"]
    assert run("replay", str(record)).returncode == 0


def test_what_stands_where_it_is_run_is_not_the_harness(
    kernel: store.BuiltKernel, tmp_path: Path
) -> None:
    (tmp_path / "conformance").mkdir()
    for name in ("conformance/__init__", "pickle", "select"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not the harness')\n")
    assert run("run", "--kernel", kernel.name, "smoke", cwd=tmp_path).returncode == 0


def test_a_case_says_which_command_makes_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("run", "--kernel", "5.99", "smoke")
    assert done.returncode == 2
    assert done.stderr.rstrip().endswith("it is made by: conformance kernel build 5.99")


def test_the_running_kernel_is_the_host(kernel: store.BuiltKernel) -> None:
    done = run("list", "--kernel", f"host,{kernel.name}", "--ip", "4", "smoke/handshake")
    ids = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert ids == ["smoke/handshake::linux-ipv4", f"smoke/handshake::{kernel.target}-ipv4"]


def test_an_interrupt_ends_it_and_leaves_nothing(kernel: store.BuiltKernel) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "conformance.cli", "run", "--kernel", kernel.name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert "interrupted" in said
    assert not _guests_of(process.pid)


def _guests_of(pid: int) -> list[str]:
    """Guests whose directory says that this process started them."""
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            place = Path(os.readlink(folder / "cwd"))
            if place.name.startswith(guest.PREFIX) and (place / LOCK).read_text() == str(pid):
                left.append(folder.name)
    return left


class Dying(KernelTarget):
    """A kernel that halts when a case of this id is among the first to be played."""

    victim = ""

    def _command(self, orders: Orders, out: Callable[[bytes], None]) -> guest.GuestCommand:
        command = super()._command(orders, out)
        if any(job.case.id == self.victim for job in orders.jobs):
            script = (
                "import ctypes, sys; sys.argv = sys.argv[1:]\n"
                "from conformance.targets.in_guest import run\n"
                "from conformance.targets.kinds import linux\n"
                "opened = linux.Linux._open\n"
                "def open(self, job, port):\n"
                "    if job.case.id == sys.argv[0]: ctypes.CDLL(None).reboot(0x4321fedc)\n"
                "    return opened(self, job, port)\n"
                "linux.Linux._open = open\n"
                "run.main(sys.argv[1])\n"
            )
            argv = [sys.executable, "-c", script, self.victim, command.argv[-1]]
            return dataclasses.replace(command, argv=argv)
        return command


def test_a_guest_that_dies_takes_one_case_with_it(kernel: store.BuiltKernel) -> None:
    cases = load_case(ROOT / "cases/smoke/handshake.yaml", None, vocabulary())
    cases += [one.case for one in chosen(["rfc9293/3.6-close/lost-final-ack"])]
    target = Dying(kernel.name)
    target.victim = cases[2].id
    records: list[Record] = []
    target.run([Job(case) for case in cases], lambda _, record: records.append(record), 1)
    ends = {record.case.id: record.verdict for record in records}
    outcomes = Counter(verdict.outcome for verdict in ends.values() if verdict)
    assert outcomes == {Outcome.PASS: len(cases) - 1, Outcome.ERROR: 1}
    verdict = ends[target.victim]
    assert verdict is not None
    assert verdict.reason.startswith("The guest was halted or restarted from within")


def test_pytest_plays_in_a_kernel_too(
    kernel: store.BuiltKernel, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_CACHE_HOME", str(kernel.binary.parents[3]))
    installed = "conformance" in importlib.metadata.entry_points(group="pytest11").names
    pytester.makeini("[pytest]\nconformance_cases = cases")
    for name in ("smoke", "fragments"):
        shutil.copytree(ROOT / "cases" / name, pytester.path / "cases" / name)
    words = [] if installed else ["-p", "conformance.pytest_plugin"]
    result = pytester.runpytest_subprocess(*words, "--conformance-kernel", kernel.name, "-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines([f"*handshake.yaml::{kernel.target}-ipv6*PASSED*"])


def test_a_bug_in_a_guest_is_one_of_the_harness(
    kernel: store.BuiltKernel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def orders(name: str, facts: object, jobs: object, _: int) -> Orders:
        return Orders(name, facts, jobs, "four")  # type: ignore[arg-type]

    monkeypatch.setattr("conformance.targets.kinds.kernel.Orders", orders)
    assert main(["run", "--kernel", kernel.name, "smoke"]) == 70
    says = capsys.readouterr().err
    assert "a bug of conformance" in says
    assert "(in a guest)" in says
    kept = Path(says.partition("kept in ")[2].partition(":")[0])
    assert "in_guest/run.py" in kept.read_text()
    kept.unlink()
