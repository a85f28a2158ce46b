"""Every row of the table ends as it says: no traceback, no hang, nothing left behind."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from surroundings import ROWS, Row, furnish

ROOT = Path(__file__).parents[2]
BOUND = 60  # seconds; the slowest needs two
_NO_LABS = "Private network namespaces cannot be had here"


@cache
def lacks(needs: str) -> str:
    """What this machine does not allow; empty when it does."""
    done = subprocess.run(
        [*needs.split(), "true"], capture_output=True, text=True, timeout=BOUND, check=False
    )
    return done.stderr if done.returncode else ""


def run(line: str, home: Path) -> tuple[int, str]:
    """The status and all that was said; whatever it started is ended."""
    python = shlex.quote(sys.executable)
    (home / "c.sh").write_text(
        f'c() {{ {python} -m conformance.cli "$@"; }}\n'
        f'pytest() {{ {python} -m pytest -q -p no:cacheprovider "$@"; }}\n'
        f'python3() {{ {python} "$@"; }}\n',
        encoding="utf-8",
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(home / "tmp"),
        "NO_COLOR": "1",
    }
    with subprocess.Popen(
        ["sh", "-c", f". ./c.sh; {line}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=BOUND)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            else:
                assert process.returncode is not None, f"it hangs: {line}"
    return process.returncode, said.decode(errors="backslashreplace")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_surroundings(row: Row, tmp_path: Path) -> None:
    if row.needs not in ("", "live") and (reason := lacks(row.needs)):
        pytest.skip(f"not allowed here: {reason}")
    furnish(tmp_path)
    status, said = run(row.line, tmp_path)
    if row.needs == "live" and _NO_LABS in said:
        pytest.skip(said)
    assert "Traceback" not in said
    end = said[-2000:]
    assert re.search(row.said, said, re.IGNORECASE) is not None, end
    assert status == row.status, end
    left = [*(tmp_path / "tmp").iterdir(), *tmp_path.glob("**/.conformance-*")]
    assert left == []
