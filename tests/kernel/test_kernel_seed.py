"""The same command with the same seed gives the same record, octet by octet, whatever goes on.

Nothing of the moment reaches a guest: not what runs beside it, not where it was started from, not
who its user is, nor the user's environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.kernel import guest, store

ROOT = Path(__file__).parents[2]
CASES = ("smoke", "rfc9293/3.6.1-time-wait")
NOBODY = 65534
DRAW = "head -c 64 /dev/urandom | od -An -tx1; cat /proc/uptime /proc/sys/kernel/random/uuid"


def started(
    kernel: store.BuiltKernel,
    record: Path,
    *words: str,
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    user: int | None = None,
) -> subprocess.Popen[str]:
    environment = {"PYTHONPATH": str(ROOT), **(environment or {})}
    line = ["--kernel", str(kernel.binary), "--seed", "1", "--record", str(record), *words]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "conformance.cli", "run", *line, *CASES],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=cwd, user=user,
        env={**os.environ, **environment},
    )  # fmt: skip


def ended(process: subprocess.Popen[str], record: Path) -> bytes:
    with process:
        _, said = process.communicate()
    assert (process.returncode, said) == (0, "")
    return record.read_bytes()


@pytest.fixture(scope="module")
def first(kernel: store.BuiltKernel, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    record = tmp_path_factory.mktemp("seed") / "first"
    return ended(started(kernel, record), record)


def test_again_and_again(kernel: store.BuiltKernel, first: bytes, tmp_path: Path) -> None:
    for _ in range(2):
        record = tmp_path / "record"
        assert ended(started(kernel, record), record) == first


def test_beside_others(kernel: store.BuiltKernel, first: bytes, tmp_path: Path) -> None:
    records = [tmp_path / name for name in "abc"]
    processes = [started(kernel, record) for record in records]
    ends = [ended(*one) for one in zip(processes, records, strict=True)]
    assert [end == first for end in ends] == [True] * 3


def test_while_the_machine_is_busy(kernel: store.BuiltKernel, first: bytes, tmp_path: Path) -> None:
    with burning(2 * len(os.sched_getaffinity(0))):
        assert ended(started(kernel, tmp_path / "record"), tmp_path / "record") == first


@contextmanager
def burning(count: int) -> Iterator[None]:
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def test_from_elsewhere_in_other_surroundings(
    kernel: store.BuiltKernel, first: bytes, tmp_path: Path
) -> None:
    here = tmp_path / "with blanks" / ("deep" * 40)
    here.mkdir(parents=True)
    for number in range(300):
        (here / f"something-{number}").touch()
    (tmp_path / "t m p").mkdir()
    environment = {
        "TMPDIR": str(tmp_path / "t m p"), "LANG": "de_DE.UTF-8", "COLUMNS": "40", "X": "x" * 9999,
    }  # fmt: skip
    record = tmp_path / "record"
    end = ended(started(kernel, record, cwd=here, environment=environment), record)
    # What is shipped is named as seen from where one is: that is the user's own spelling.
    place = str(ROOT / "cases").encode()
    assert end.replace(place, b"cases") == first.replace(place, b"cases")


def test_whether_python_has_kept_it_compiled(
    kernel: store.BuiltKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("conformance", "cases"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    ends = []
    for keep in (True, False):
        for kept in () if keep else [*(tmp_path / "conformance").rglob("__pycache__")]:
            shutil.rmtree(kept)
        environment = {"PYTHONPATH": str(tmp_path)}
        record = tmp_path / "record"
        ends.append(ended(started(kernel, record, environment=environment), record))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("at_once", ["1", "3"])
def test_with_each_number_at_once(kernel: store.BuiltKernel, tmp_path: Path, at_once: str) -> None:
    records = [tmp_path / name for name in "ab"]
    one, other = (ended(started(kernel, path, "-j", at_once), path) for path in records)
    assert one == other


def test_another_seed_is_another_run(
    kernel: store.BuiltKernel, first: bytes, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    assert ended(started(kernel, record, "--seed", "2"), record) != first


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_whoever_runs_it(kernel: store.BuiltKernel, first: bytes, tmp_path: Path) -> None:
    if not _may(NOBODY, Path(sys.executable), ROOT / "conformance"):
        pytest.skip("nobody may not read this Python or this checkout")
    shelf = Path("/tmp") / tmp_path.name
    shelf.mkdir()
    try:
        shelf.chmod(0o777)
        shutil.copy(kernel.binary, shelf / "linux")
        copy = store.BuiltKernel(kernel.name, shelf / "linux", kernel.facts)
        ours, theirs = shelf / "ours", shelf / "theirs"
        one = ended(started(copy, ours), ours)
        other = ended(started(copy, theirs, user=NOBODY, environment={"HOME": str(shelf)}), theirs)
        assert one == other
    finally:
        shutil.rmtree(shelf)


def _may(user: int, *places: Path) -> bool:
    tried = ["/bin/sh", "-c", 'for one; do test -r "$one" || exit 1; done', "sh", *map(str, places)]
    return subprocess.run(tried, user=user, check=False).returncode == 0


def test_what_a_command_draws_does_not_depend_on_where_its_run_is(
    kernel: store.BuiltKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    for name in ("a", "a longer name with blanks" * 3):
        (tmp_path / name).mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / name))
        out = bytearray()
        command = guest.GuestCommand(
            ["/bin/sh", "-c", DRAW], {"PATH": os.defpath}, Path("/"), seed=5, out=out.extend
        )
        assert guest.run(kernel, command) == 0
        drawn.append(bytes(out))
    assert drawn[0] == drawn[1]
