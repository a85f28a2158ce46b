"""Guests of the newest kernel that is built: output, status, both watchdogs, nothing left.

They need a kernel (``conformance kernel build 6.12``, three minutes); without one every test here
is skipped and says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from conformance.errors import TargetError
from conformance.kernel import guest, store, words

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the directories of these runs are, and nobody else's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def run(kernel: store.BuiltKernel, script: str, **options: object) -> tuple[int, bytes]:
    out = bytearray()
    bounds = guest.GuestBounds(wall=60.0)
    command = guest.GuestCommand(["/bin/sh", "-c", script], bounds=bounds, out=out.extend)
    for name, value in options.items():
        command = _with(command, name, value)
    return guest.run(kernel, command), bytes(out)


def _with(command: guest.GuestCommand, name: str, value: object) -> guest.GuestCommand:
    import dataclasses

    return dataclasses.replace(command, **{name: value})  # type: ignore[arg-type]


def test_output_and_status_come_out(kernel: store.BuiltKernel) -> None:
    assert run(kernel, "uname -r; exit 42") == (42, f"{kernel.facts['release']}\n".encode())
    assert run(kernel, "kill -TERM $$")[0] == 128 + signal.SIGTERM


def test_a_million_octets_come_out_as_they_are(kernel: store.BuiltKernel) -> None:
    script = "import os; os.write(1, bytes(range(256)) * 4096)"
    argv = [sys.executable, "-I", "-c", script]
    status, out = run(kernel, "", argv=argv)
    assert (status, len(out)) == (0, 1 << 20)
    assert out == bytes(range(256)) * 4096


def test_hours_pass_at_once(kernel: store.BuiltKernel) -> None:
    """More of them than the test has: its own timeout is five minutes."""
    status, out = run(kernel, "sleep 36000; cut -d. -f1 /proc/uptime")
    assert (status, int(out)) == (0, words.START + 36000)


def test_only_what_is_writable_is_written(kernel: store.BuiltKernel, tmp_path: Path) -> None:
    script = f"echo result > {tmp_path}/result"
    assert run(kernel, script + " 2>/dev/null")[0] != 0
    assert run(kernel, script, writable=[tmp_path])[0] == 0
    assert (tmp_path / "result").read_text() == "result\n"


def test_the_standard_input_is_a_file(kernel: store.BuiltKernel, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("hello")
    assert run(kernel, "cat", stdin=tmp_path / "in") == (0, b"hello")
    assert run(kernel, "cat") == (0, b"")


def test_the_virtual_watchdog_ends_a_hang_within_a_moment(kernel: store.BuiltKernel) -> None:
    with pytest.raises(TargetError, match="of virtual time"):
        run(kernel, "sleep 100000000")


def test_the_wall_watchdog_ends_a_guest_whose_time_stands_still(
    kernel: store.BuiltKernel, home: Path
) -> None:
    with pytest.raises(TargetError, match="of wall time"):
        run(kernel, "while :; do :; done", bounds=guest.GuestBounds(wall=1.5))
    assert left(home) == []


_PANIC = f"""
echo 2 > /proc/sys/vm/panic_on_oom; echo 1 > /proc/sys/vm/overcommit_memory
{sys.executable} -c "b'x' * 10**9"
"""


def test_a_panic_is_one_sentence(kernel: store.BuiltKernel) -> None:
    with pytest.raises(TargetError, match=r"kernel panicked: .*panic_on_oom"):
        run(kernel, _PANIC)


@pytest.mark.parametrize("how", ["0x01234567", "0x4321FEDC", "0xCDEF0123"])
def test_a_command_that_restarts_or_halts_the_guest_is_told_of(
    kernel: store.BuiltKernel, how: str
) -> None:
    """A restarted guest would run its command again, and again."""
    line = f'{sys.executable} -c "import ctypes; ctypes.CDLL(None).reboot({how})"'
    with pytest.raises(TargetError, match="halted or restarted from within"):
        run(kernel, line, bounds=guest.GuestBounds(wall=10.0))


def test_a_missing_command_is_127(kernel: store.BuiltKernel) -> None:
    assert run(kernel, "", argv=["/no/such/command"])[0] == 127


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whoever_ends_us_ends_the_guest(kernel: store.BuiltKernel, home: Path, number: int) -> None:
    script = (
        "import sys; from conformance.kernel import guest, store\n"
        "kernel = store.find(sys.argv[1])\n"
        "loop = 'echo up; sleep 1; while :; do :; done'\n"
        "guest.run(kernel, guest.GuestCommand(['/bin/sh', '-c', loop]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, kernel.name],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(home)},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        try:
            process.wait(60)
        finally:
            process.kill()
        assert process.stdout.read() == b""  # nobody has the pipe open any more
    assert left(home) == []
    assert list(home.iterdir()) == []


def left(home: Path) -> list[str]:
    """Processes of guests, and of their directories' keepers, still there after a moment."""
    begin = f"{home}/{guest.PREFIX}"
    for _ in range(50):
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                place = os.readlink(folder / "cwd")
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.startswith(os.fsencode(begin)) for word in (os.fsencode(place), *words)):
                found.append(folder.name)
        if not found:
            return []
        time.sleep(0.1)
    return found
