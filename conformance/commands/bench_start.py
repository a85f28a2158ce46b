"""What the shortest ways in cost: one case from the shell, one file checked, the plugin idle.

Each is a process of its own, measured by the processor time of it and of all that it started, for
the wall's depends on what else runs here. The first process, which compiles, is not counted.
"""

from __future__ import annotations

import resource
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from conformance.commands.choice import shipped
from conformance.commands.measure import COMMAND, Figure, output_of

_PLUGIN: Final = "conformance.pytest_plugin"


def reading(case: str, times: int) -> Iterator[Figure]:
    """What needs no wire: a file checked, and what a project without cases pays."""
    path = str((shipped() / case).with_suffix(".yaml").absolute())
    yield _median("check of one file", [*COMMAND, "check", path], times)
    yield _idle(times)


def playing(case: str, times: int) -> Iterator[Figure]:
    """One case played, from the command to its end."""
    path = str((shipped() / case).with_suffix(".yaml").absolute())
    words = [*COMMAND, "run", path, "--ip", "4"]
    yield _median("run of one case", words, times)


def _median(name: str, words: Sequence[str], times: int) -> Figure:
    _cost(words)
    costs = [_cost(words) for _ in range(times)]
    how = f"processor with children, median of {times}; the least {min(costs) * 1000:.0f}"
    return Figure(name, statistics.median(costs) * 1000, "ms", how)


def _idle(times: int) -> Figure:
    """What the plugin adds to a session is its import; its hooks then do next to nothing."""
    code = "import time, pytest; began = time.process_time(); "
    code += f"import {_PLUGIN}; print(time.process_time() - began)"
    words = [sys.executable, "-c", code]
    took = [float(output_of(words, "a start of pytest")) for _ in range(times + 1)][1:]
    how = f"median of {times}, its import in a process that has pytest"
    return Figure("pytest plugin, idle", statistics.median(took) * 1000, "ms", how)


def _cost(words: Sequence[str]) -> float:
    """Seconds of processor time of a command and its children; it must succeed."""
    before = _children()
    output_of(words, " ".join(words))
    return _children() - before


def _children() -> float:
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime
