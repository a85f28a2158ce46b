"""What ran of a kernel's TCP, as gcov tells it of the counters that guests have left.

gcov wants its notes and the counters side by side: they lie so for a moment, as links.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from conformance import processes
from conformance.errors import CaseError, EnvironmentProblem
from conformance.kernel.counting import NOTES
from conformance.kernel.store import BuiltKernel

_READING: Final = 120.0  # seconds for gcov; it takes two


def require(kernel: BuiltKernel) -> None:
    """Raise CaseError for a kernel that does not count."""
    if not isinstance(kernel.facts.get("coverage"), int) or not source(kernel).is_dir():
        raise CaseError(
            f"{kernel.name} does not count what runs; a kernel that does is made by: "
            "conformance kernel build VERSION --coverage"
        )


def source(kernel: BuiltKernel) -> Path:
    """Where the source of its TCP is."""
    return kernel.binary.parent / NOTES


def environment(kernel: BuiltKernel, counters: Path) -> dict[str, str]:
    """Has the kernel's process add its counters there."""
    return {"GCOV_PREFIX": str(counters), "GCOV_PREFIX_STRIP": str(kernel.facts["coverage"])}


def any_left(counters: Path) -> bool:
    """Whether a guest has left counters: none has that was killed or has panicked."""
    return any(counters.rglob("*.gcda"))


def read(
    kernel: BuiltKernel, counters: Path, only: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """gcov's account of each file that was compiled, as its JSON has it; ``only`` of these if any.

    Raises EnvironmentProblem where gcov cannot read them.
    """
    if shutil.which("gcov") is None:
        raise EnvironmentProblem("Reading the counters needs gcov: apt-get install gcc.")
    notes = source(kernel)
    for folder in sorted({path.parent for path in notes.rglob("*.gcno")}):
        names = sorted(
            path.name
            for path in folder.glob("*.gcno")
            if not only or str(path.relative_to(notes).with_suffix(".c")) in only
        )
        if not names:
            continue
        with tempfile.TemporaryDirectory(prefix="conformance-gcov-") as place:
            for name in names:
                Path(place, name).symlink_to(folder / name)
                there = (counters / folder.relative_to(notes) / name).with_suffix(".gcda")
                Path(place, there.name).symlink_to(there.resolve())
            yield from _gcov(Path(place), names)


def _gcov(place: Path, names: list[str]) -> Iterator[dict[str, Any]]:
    try:
        done = processes.run(
            ["gcov", "--json-format", "--stdout", "--branch-probabilities", *names],
            _READING,
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        accounts = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    except (OSError, subprocess.TimeoutExpired, ValueError):
        raise EnvironmentProblem("gcov cannot read the counters.") from None
    if len(accounts) != len(names) or done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise EnvironmentProblem(f"gcov cannot read the counters: it says {said[0]}")
    yield from accounts
