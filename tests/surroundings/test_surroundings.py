"""Every row of the table ends as it says: no traceback, no hang, nothing left behind."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from surroundings import ROWS, Row, furnish

ROOT = Path(__file__).parents[2]
BOUND = 60  # seconds; the slowest needs two
# Labs can be had where nothing is unkind; where something is, their lack is no reason to skip.
LIVE = [
    sys.executable,
    "-c",
    "from conformance.live.kernel.lab import KernelLabs; KernelLabs().close()",
]


@cache
def lacks(needs: str) -> str:
    """What this machine does not allow; empty when it does."""
    if not needs:
        return ""
    words = LIVE if needs == "live" else [*needs.split(), "true"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=BOUND, check=False)
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


Ended = Callable[[Row], tuple[Path, int, str]]


@pytest.fixture(scope="module")
def ended(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ended]:
    """How a row ended, and where; the next ones are played while one is looked at."""
    here = [item for item in request.session.items if item.path == request.path]
    found = [item.callspec.params["row"] for item in here if isinstance(item, pytest.Function)]
    rows = [row for row in found if isinstance(row, Row)]

    def play(row: Row) -> tuple[Path, int, str]:
        home = tmp_path_factory.mktemp("row")
        furnish(home)
        return home, *run(row.line, home)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        playing = {row: pool.submit(play, row) for row in rows if not lacks(row.needs)}
        yield lambda row: playing[row].result()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_surroundings(row: Row, ended: Ended) -> None:
    if reason := lacks(row.needs):
        pytest.skip(f"not allowed here: {reason}")
    home, status, said = ended(row)
    assert "Traceback" not in said
    end = said[-2000:]
    assert re.search(row.said, said, re.IGNORECASE) is not None, end
    assert status == row.status, end
    left = [*(home / "tmp").iterdir(), *home.glob("**/.conformance-*")]
    assert left == []
