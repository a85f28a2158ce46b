"""How many files a process may have open (RLIMIT_NOFILE), and how many cases that is enough for."""

from __future__ import annotations

import os
import resource
from typing import Final

from conformance.errors import EnvironmentProblem

_RESERVE: Final = 24  # for all that is opened for a moment: captures, programs, imports


def at_once(wanted: int, each: int) -> int:
    """So many cases at once, or as many as fit when each holds ``each`` descriptors here.

    Raises EnvironmentProblem where not even one does.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return wanted
    room = (limit - len(os.listdir("/proc/self/fd")) - _RESERVE) // each
    if room < 1:
        raise EnvironmentProblem(
            f"A process may have no more than {limit} files open here, too few to play a case: "
            f"ulimit -n {limit + (1 - room) * each} would do."
        )
    return min(wanted, room)
