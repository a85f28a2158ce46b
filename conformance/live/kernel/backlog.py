"""Before Linux 6.5: what was sent is taken in before anything else is done, or looked at.

From 6.5 on a frame is taken in by the call that sends it. Before, ``ksoftirqd_running()`` leaves
every frame to that thread once it is awake, and it has no turn while a process with a real-time
priority is busy: a call of the case would come before the segments that were sent first, and
return before what it sent itself.
"""

from __future__ import annotations

import os
import re
import time
from typing import Final, NamedTuple

from conformance.errors import EnvironmentProblem

_SINCE: Final = (6, 5)
_STATISTICS: Final = "/proc/net/softnet_stat"  # a line for each processor, words in hexadecimal
_PROCESSED, _HELD = 0, 11  # which of them; the second came with 5.10
_TURN: Final = 0.00005  # seconds that others have
_BOUND: Final = 2.0  # seconds; it takes as long as ksoftirqd waits for its turn
_WORD: Final = 1 << 32


class _Processor(NamedTuple):
    processed: int  # frames, modulo 2^32
    held: int


class Backlog:
    """What the processors have still to take in; nothing at all where the kernel never puts off."""

    def __init__(self, release: str) -> None:
        """``release``: of the running kernel."""
        old = tuple(map(int, re.findall(r"\d+", release)[:2])) < _SINCE
        self._file = os.open(_STATISTICS, os.O_RDONLY | os.O_CLOEXEC) if old else None

    def drain(self) -> None:
        """Return when all that was sent before has been taken in; EnvironmentProblem if never."""
        if self._file is None:
            return
        first = self._read()
        deadline = time.monotonic() + _BOUND
        now = first
        while any(map(_waits, first, now)):
            if time.monotonic() > deadline:
                raise EnvironmentProblem("this kernel takes no frames in, for two seconds now")
            time.sleep(_TURN)
            now = self._read()

    def _read(self) -> list[_Processor]:
        assert self._file is not None
        lines = os.pread(self._file, 1 << 16, 0).splitlines()
        words = [[int(word, 16) for word in line.split()] for line in lines]
        return [_Processor(one[_PROCESSED], one[_HELD]) for one in words if len(one) > _HELD]

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _waits(first: _Processor, now: _Processor) -> bool:
    """Whether some of what the processor held at first has not been taken in."""
    return now.held > 0 and (now.processed - first.processed) % _WORD < first.held
