"""What it means that the target's program crashed, or hangs, while a case was played.

Rules:

- From the first frame on it is a finding: no segment and no call may do that to a TCP. Before it
  nothing was asked of TCP yet, so it is the wiring, an error.
- It is one in the steps of ``given``, too.
- A crash is believed at once. A hang is measured in wall time, whatever the target's clock, which
  a slow machine takes away as well: it has to be seen twice (see :mod:`.doubt`).
"""

from __future__ import annotations

from typing import Final

from conformance.case.model import Case
from conformance.errors import Death
from conformance.play.events import Died
from conformance.play.verdict import Failure, Outcome, Stopped

ROBUST: Final = "rfc1122/1.2.2-a"  # be prepared for whatever arrives
OPTIONS: Final = "rfc9293/MUST-7"  # the same of malformed options
_SIGNAL: Final = "killed by "


def found(event: Died, case: Case, *, begun: bool) -> Stopped:
    """How the case ends by it; ``begun``: whether a frame was on the wire."""
    if not begun:
        return Stopped(Failure(event.reason), Outcome.ERROR, event.owner)
    crashed = event.death is Death.CRASHED
    seen = f"{event.death}: {event.how.removeprefix(_SIGNAL)}" if crashed else str(event.death)
    failure = Failure(
        f"the target {event.death}: {event.how}",
        actual=seen,
        requirement=OPTIONS if OPTIONS in case.all_verifies else ROBUST,
        death=event.death,
        words=event.words,
    )
    return Stopped(failure)
