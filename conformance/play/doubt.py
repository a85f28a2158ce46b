"""When a failure is not believed yet: the harness, or its machine, may be what was late.

Rules:

- A failure that so much lateness of ours would explain is ours to answer for: inconclusive. So is
  one shortly after a delay in which the shortest timer of the target may have run out.
  What no TCP may ever send has no such excuse.
- Where a bound was overrun, the target or the machine that it runs on may have been late, and
  nobody measures the second. Such a failure is *doubted*: the case is played again alone, and what
  is seen twice is believed.
- Virtual time is nobody's to lose: there is no doubt. What looks like a delay of ours there is the
  time between two looks at a state, or that in which a call waited for a timer.
- A target that crashed has, however late anybody was. One that hangs is doubted, in virtual time
  too: what ran out is wall time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from conformance.errors import Death
from conformance.play.lateness import Lateness
from conformance.play.profile import Profile
from conformance.play.verdict import Failure, Outcome, Verdict

_BEFORE: Final = 1.0  # seconds before its end in which lateness can bear on a failure
_JUDGED: Final = (Outcome.PASS, Outcome.DEVIATES, Outcome.FAIL, Outcome.BLOCKED)


def weigh(found: Verdict, late: Lateness, profile: Profile, now: float) -> Verdict:
    """What is left of a verdict when it is known how late the harness was; at ``now`` it ended."""
    why, doubted, failure = "", None, found.failure
    if failure is not None and failure.death is Death.CRASHED:
        return found
    if found.outcome in _JUDGED and found.lateness > found.allowed:
        allowed = f"{found.allowed * 1000:.0f} ms allowed"
        why = f"the harness was {found.lateness * 1000:.0f} ms late, {allowed}"
    elif found.outcome in (Outcome.FAIL, Outcome.BLOCKED) and failure is not None:
        hangs = failure.death is Death.HANGS  # for so long that no delay of ours explains it
        lossy = not hangs and not profile.virtual
        why = _explained(failure, late, profile, now) if lossy else ""
        if not why and (hangs or (failure.timed and not profile.virtual)):
            why, doubted = "the machine may have been late", found.outcome
    if not why:
        return found
    reason = f"{why} ({found.reason or found.outcome})"
    return replace(found, outcome=Outcome.INCONCLUSIVE, reason=reason, doubted=doubted)


def _explained(failure: Failure, late: Lateness, profile: Profile, now: float) -> str:
    """How a lateness of ours explains the failure; empty where it does not."""
    if failure.slack is not None:
        ours = late.between(failure.since, now)
        if ours and ours >= failure.slack:
            explains = f"{failure.slack * 1000:.1f} ms explain it"
            return f"the harness was {ours * 1000:.1f} ms late, {explains}"
    once = late.longest(now - _BEFORE)
    if once > profile.shortest / 2 and not failure.never:
        return f"the harness was {once * 1000:.1f} ms late"
    return ""
