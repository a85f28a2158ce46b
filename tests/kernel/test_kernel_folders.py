"""Directories of one run: whose they are, and that nothing is left of a run however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from conformance.errors import EnvironmentProblem
from conformance.kernel import store
from conformance.kernel.folders import is_hidden, reserved, temporary
from conformance.processes import children

ROOT = Path(__file__).parents[2]
HOLD = (
    "import sys, pathlib; from conformance.kernel.folders import reserved\n"
    "with reserved(pathlib.Path(sys.argv[1]), 'x-') as folder:\n"
    "    (folder / 'some' / 'thing').mkdir(parents=True)\n"
    "    print(folder.name, flush=True)\n"
    "    sys.stdin.read()"
)


def hold(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def names(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir())


def test_names_that_nobody_can_tell_and_nothing_left(tmp_path: Path) -> None:
    with reserved(tmp_path, "x-") as first, reserved(tmp_path, "x-") as second:
        assert {first.name, second.name} == set(names(tmp_path))
        assert first.name not in ("x-0", "x-1")
        assert first.stat().st_mode & 0o777 == 0o700
    assert names(tmp_path) == []


def test_what_is_a_killed_run_s_goes_with_it(tmp_path: Path) -> None:
    """Not with the next run."""
    with hold(tmp_path) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        assert len(names(tmp_path)) == 1
        killed.kill()
        killed.wait()
    deadline = time.monotonic() + 10
    while names(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert names(tmp_path) == []


def test_what_a_killed_run_left_is_removed_and_what_runs_is_not(tmp_path: Path) -> None:
    """Where what keeps it was killed before."""
    with hold(tmp_path) as killed, hold(tmp_path) as runs:
        for process in (killed, runs):
            assert process.stdout is not None
            process.stdout.readline()
        for keeper in children(killed.pid):
            os.kill(keeper, signal.SIGKILL)
        killed.kill()
        killed.wait()
        assert len(names(tmp_path)) == 2
        with reserved(tmp_path, "x-") as ours:
            assert len(names(tmp_path)) == 2
            assert list(ours.iterdir()) == [ours / "lock"]
        assert len(names(tmp_path)) == 1
        runs.communicate("")
    assert names(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_what_belongs_to_another_is_neither_looked_into_nor_in_the_way() -> None:
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o1777)
        theirs = Path(home, "x-0")
        theirs.mkdir(mode=0o700)
        os.seteuid(65534)
        try:
            with reserved(Path(home), "x-") as ours:
                assert ours != theirs
        finally:
            os.seteuid(0)
        os.chown(theirs, 65534, 65534)
        (theirs / "lock").touch()
        with reserved(Path(home), "x-") as ours:
            assert ours != theirs
        assert theirs.exists()


def test_a_place_that_the_guest_has_of_its_own_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")
    with temporary("conformance-test-") as folder:
        assert not is_hidden(folder)


def test_a_place_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(EnvironmentProblem, match="nowhere cannot be written: No such file"):
        temporary("x-").__enter__()


def test_the_older_kernel_of_a_name_goes_when_the_new_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for hz in (100, 250):
        with store.workplace() as place:
            (place / "facts.json").write_text(f'{{"release": "6.12.1", "hz": {hz}}}')
            (place / "linux").touch()
            store.put(place, "mine")
        assert names(tmp_path / "tcp-conformance/kernels") == ["mine"]
    (kernel,) = store.kernels()
    assert kernel.facts["hz"] == 250


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_whoever_ends_a_run_leaves_no_directory(
    kernel: store.BuiltKernel, tmp_path: Path, number: signal.Signals
) -> None:
    words = ("run", "--kernel", kernel.name)
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "conformance.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        assert next(line for line in process.stdout if "PASS" in line)
        assert any(name.startswith("conformance-guest-") for name in names(tmp_path))
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode == 128 + number
    assert "Traceback" not in said
    assert names(tmp_path) == []
