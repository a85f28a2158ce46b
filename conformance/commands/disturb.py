"""What an unkind machine does to a run: its processes are stopped, its cores and its disk are busy.

Rules:

- Only what a run started is stopped: its harness, the process that makes namespaces (a child of
  it), the agents (children of that). A stop lasts ``STOP`` seconds, a random while in between, and
  every process goes on afterwards, however this ends.
- Stops are by SIGSTOP and SIGCONT: to the stopped it is as if the machine had no processor for it.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from conformance.processes import children

WHO: Final = ("nobody", "agents", "netns server", "harness", "all")
LONGEST: Final = 3600.0  # seconds for runs at once; they take a few minutes
STOP: Final = (0.005, 0.080)  # seconds, at random
_BETWEEN: Final = (0.02, 0.2)
_BURN: Final = "while True: pass"
_WRITE: Final = """
import os, sys
while True:
    with open(sys.argv[1], "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 18))
            file.flush()
            os.fsync(file.fileno())
"""


def of_run(harness: int, who: str) -> list[int]:
    """The processes of a run that ``who`` of :data:`WHO` names."""
    servers = children(harness)
    agents = [agent for one in servers for agent in children(one)]
    return {
        "nobody": [],
        "agents": agents,
        "netns server": servers,
        "harness": [harness],
        "all": [harness, *servers, *agents],
    }[who]


def stops(runs: Sequence[subprocess.Popen[bytes]], who: str, chance: random.Random) -> int:
    """Stop them now and again until all the runs have ended; how often it was."""
    count = 0
    deadline = time.monotonic() + LONGEST
    ends = {os.pidfd_open(run.pid): run for run in runs}
    try:
        while ends and time.monotonic() < deadline:  # who runs on then is killed by its owner
            ended, _, _ = select.select(list(ends), [], [], chance.uniform(*_BETWEEN))
            for descriptor in ended:
                os.close(descriptor)
                del ends[descriptor]
            stopped = [pid for run in ends.values() for pid in of_run(run.pid, who)]
            _signal(stopped, signal.SIGSTOP)
            try:
                select.select([], [], [], chance.uniform(*STOP) if stopped else 0)
            finally:
                _signal(stopped, signal.SIGCONT)
            count += bool(stopped)
    finally:
        for descriptor in ends:
            os.close(descriptor)
    return count


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, number)


@contextmanager
def busy() -> Iterator[None]:
    """Keep every core busy, and a disk."""
    with tempfile.TemporaryDirectory() as folder:
        loop = [sys.executable, "-I", "-S", "-c", _BURN]
        write = [sys.executable, "-I", "-S", "-c", _WRITE, str(Path(folder, "written"))]
        processes = [subprocess.Popen(loop) for _ in range(os.cpu_count() or 1)]
        processes.append(subprocess.Popen(write))
        try:
            yield
        finally:
            for process in processes:
                process.kill()
                process.wait()  # it was killed
