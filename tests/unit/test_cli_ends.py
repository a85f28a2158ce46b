"""How a command ends that did not come to its own end: by a signal, or without its output."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from conformance import cli

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "conformance.cli"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_by_way_of_its_cleaning_up(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(number)
    cleaned = []

    def command(_: list[str]) -> int:
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)  # one more does not end the cleaning up
            cleaned.append(number)
        return 0

    monkeypatch.setattr(cli, "_dispatch", command)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert (ended.value.code, cleaned) == (128 + number, [number])
    assert signal.getsignal(number) is before


def test_what_nohup_has_ignored_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(_: list[str]) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    monkeypatch.setattr(cli, "_dispatch", command)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert cli.main([]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["diagram"],
        pytest.param(["list", "--target", "reference"], marks=pytest.mark.long),
        ["list", "--target", "reference", "smoke"],
        ["run", "--target", "reference", "smoke"],
        pytest.param(["run", "--target", "reference", "--json", "rfc9293"], marks=pytest.mark.long),
        ["kernel", "list", "--json"],
    ],
)
def test_a_full_disk_is_one_sentence(words: list[str]) -> None:
    done = into_full(*words)
    said = "conformance: the standard output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, said)


def test_a_mistake_is_told_first(tmp_path: Path) -> None:
    done = into_full("run", "--target", "reference", "no/such")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def into_full(*words: str) -> subprocess.CompletedProcess[str]:
    with open("/dev/full", "w") as full:
        return subprocess.run(
            [*COMMAND, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )


def test_a_bug_is_two_lines_a_file_and_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_dispatch", lambda words: len(words) // 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cli.main(["run", "\udcff"]) == 70
    first, second = capsys.readouterr().err.splitlines()
    (kept,) = tmp_path.iterdir()
    assert first == (
        "conformance: a bug of conformance, which says nothing about the TCP: "
        "ZeroDivisionError: integer division or modulo by zero"
    )
    assert second == f"its traceback is kept in {kept}: please report it with that"
    text = kept.read_text(encoding="utf-8")
    assert "\\udcff" in text
    assert "Traceback (most recent call last)" in text
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "x"), "too many open files; ulimit -n allows no more"),
        (OSError(errno.ENOSPC, "x", "/some/file"), "no space left on device (/some/file)"),
        (MemoryError(), "This machine has no more memory for it"),
    ],
)
def test_what_the_machine_has_run_out_of_is_no_bug(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(cli, "_dispatch", command)
    assert cli.main([]) == 3
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
