"""Without a privilege that every case needs: one sentence, and the run is over."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOUND = 120.0  # seconds; it takes three
PR_CAPBSET_DROP = 24
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}


@pytest.mark.parametrize("name", CAPABILITIES)
@pytest.mark.parametrize("others", [[], ["reference"]])
def test_it_is_said_once_and_ends_the_run(name: str, others: list[str]) -> None:
    """The namespaces can be had here, and what has to be in them cannot."""
    if os.geteuid() != 0:
        pytest.skip("only root has capabilities to lose")
    libc = ctypes.CDLL(None, use_errno=True)

    def lose() -> None:
        assert libc.prctl(PR_CAPBSET_DROP, CAPABILITIES[name], 0, 0, 0) == 0

    targets = ",".join(["linux", *others])
    words = [sys.executable, "-m", "conformance.cli", "run", "--target", targets, "smoke"]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=BOUND, check=False, preexec_fn=lose
    )
    assert done.returncode == 3, done
    assert "ERROR" not in done.stdout
    sentences = [line for line in done.stderr.splitlines() if "cannot be had here" in line]
    assert len(sentences) == len(done.stderr.splitlines()) == 1 + len(others)
    assert ("4 passed" in done.stdout) is bool(others)
