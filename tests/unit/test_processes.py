"""Processes of the harness's own: nothing of the user's environment is imported there."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import processes


def test_an_isolated_process_imports_nothing_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has root's rights where the user's PYTHONPATH names a directory that anybody writes."""
    mark = tmp_path / "imported"
    (tmp_path / "json.py").write_text(f"open({str(mark)!r}, 'w')\nraise SystemExit\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    subprocess.run([sys.executable, "-c", "import json"], check=True)
    assert mark.exists()
    mark.unlink()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = processes.isolated("json.tool", theirs)
        theirs.close()
        assert processes.ended(process, 60)
    assert not mark.exists()
