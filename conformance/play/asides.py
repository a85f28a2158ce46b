"""What is seen of the target beside the conversation: told to people, never judged.

They are no events: an interpreter is not fed with them, so with them or without the verdict is the
same. Times are seconds on the lab's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MOST_NOTICED: Final = 64  # frames of a case; who asks more often says nothing new


@dataclass(frozen=True, slots=True)
class Dropped:
    """The kernel dropped the segment that left the tester at ``sent``; ``why`` is its own word.

    ``where`` is the function that did, where it tells.
    """

    at: float
    sent: float
    why: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class ResetSent:
    """It sent a reset to this port of the tester; older kernels do not say why."""

    at: float
    tester_port: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Retransmitted:
    """It sent something again, by a timer or by duplicate ACKs."""

    at: float
    tester_port: int


@dataclass(frozen=True, slots=True)
class CountersMoved:
    """TCP's counters of the case's own namespace that were not zero at the end."""

    at: float
    counters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noticed:
    """It sent a frame of the link's own: ``ARP who has 192.0.2.77``."""

    at: float
    what: str


Aside = Dropped | ResetSent | Retransmitted | CountersMoved | Noticed
