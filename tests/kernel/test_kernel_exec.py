"""``kernel exec``: what is refused before the start, and what it says when a bound is met."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.errors import TargetError
from conformance.kernel import guest, store

ROOT = Path(__file__).parents[2]
SECONDS = "is no number of seconds above 0"
MEGABYTES = "is no number of megabytes from 64 on"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["kernel", "exec", *words, "--", "true"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [(option, value, SECONDS) for option in ("--wall", "--virtual") for value in ("0", "-1", "nan")]
    + [("--wall", "x", SECONDS), ("--wall", "-inf", SECONDS), ("--wall", "1e-999", SECONDS)]
    + [("--memory", value, MEGABYTES) for value in ("63", "0", "-512", "nan", "1.5", "²")],
)
def test_a_bound_that_is_none_is_refused(
    option: str, value: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "6.12", f"{option}={value}")
    assert said.startswith(f"conformance: argument {option}: {value!r} {why}")


@pytest.mark.parametrize(
    ("option", "value", "script"),
    [
        ("--wall", "1.5", "while :; do :; done"),
        ("--virtual", "10", "sleep 60"),
        ("--memory", "64", "exec tail /dev/zero"),
    ],
)
def test_who_meets_a_bound_is_told_the_option_that_moves_it(
    kernel: store.BuiltKernel,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    script: str,
) -> None:
    assert main(["kernel", "exec", kernel.name, option, value, "--", "sh", "-c", script]) == 3
    assert f"; {option} gives it more" in capsys.readouterr().err


def test_a_run_has_no_such_options_to_name(kernel: store.BuiltKernel) -> None:
    command = guest.GuestCommand(["sleep", "60"], bounds=guest.GuestBounds(virtual=10.0))
    with pytest.raises(TargetError, match=r"its command hangs\. "):
        guest.run(kernel, command)


def test_a_directory_that_is_none_cannot_be_written(
    kernel: store.BuiltKernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for name, why in (("file", "it is no directory"), ("x", "there is no such directory")):
        said = refused(capsys, kernel.name, "--writable", str(tmp_path / name))
        assert said.endswith(f"{name} cannot be written by a guest: {why}\n")


def test_a_place_that_a_guest_has_of_its_own_is_refused(
    kernel: store.BuiltKernel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = "it has file systems of its own in /dev, /proc, /run, /sys\n"
    said = refused(capsys, kernel.name, "--writable", "/var/run")
    assert said == f"conformance: /var/run cannot be written by a guest: {own}"
    monkeypatch.chdir("/dev/shm")
    said = refused(capsys, kernel.name)
    assert said == f"conformance: a guest cannot be started in /dev/shm: {own}"


@pytest.mark.parametrize("value", ["inf", "1e300", "1e7"])
def test_a_bound_may_be_far_away(kernel: store.BuiltKernel, value: str) -> None:
    assert main(["kernel", "exec", kernel.name, "--wall", value, "--virtual", value, "true"]) == 0


def test_a_full_disk_is_one_sentence(kernel: store.BuiltKernel) -> None:
    command = [sys.executable, "-m", "conformance.cli", "kernel", "exec", kernel.name, "uname"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
    said = "conformance: the standard output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, said)
