"""The harness's clock: CLOCK_REALTIME, in seconds, because the kernel stamps frames with it.

Rules: the clock is read, never slept on; who waits, waits in the loop's selector with a timeout.
A clock that is stepped during a case would bend its bounds; NTP slews instead, and a case lasts
seconds. Real-time priority is asked for because a busy machine otherwise runs the harness
milliseconds late, and each late answer is a verdict lost to "inconclusive".
"""

from __future__ import annotations

import contextlib
import os
import time

NANO = 1_000_000_000


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def seconds(nanoseconds: int) -> float:
    """A kernel's or an agent's stamp as seconds: exact to a quarter of a microsecond."""
    return nanoseconds / NANO


def lateness(due: float, at: float) -> float:
    """How much later than ``due`` something happened; early is not late."""
    return max(0.0, at - due)


def set_real_time_priority() -> None:
    """Run this process before ordinary ones, where that is permitted.

    The lowest real-time priority: above everything ordinary, below whatever the machine's owner
    made real-time on purpose. It is not inherited; the target's agent asks for its own, or a call
    would come as late as the harness does not.
    """
    if not hasattr(os, "sched_setscheduler"):
        return
    policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    lowest = os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO))
    with contextlib.suppress(OSError):  # an ordinary user may not
        os.sched_setscheduler(0, policy, lowest)
