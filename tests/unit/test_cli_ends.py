"""How a command ends that did not come to its own end: by a signal, or without its output."""

from __future__ import annotations

import os
import signal
import sys
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
