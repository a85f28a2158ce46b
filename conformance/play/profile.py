"""What a target says of itself: its clocks' constants, its abilities, its surroundings.

All durations in seconds. A case never names a target's number; it says ``2MSL`` or ``1RTO`` and
the profile of the target it is played on gives the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from conformance.notation.time import NAMED, ONCE, Duration

PATIENCE: Final = 1.0  # seconds


class Ability(StrEnum):
    """What a case may need; a target without it is skipped, with this name as the reason."""

    CALLS = "CALLS"  # socket calls can be made on the target
    STATE = "STATE"  # the state of a 4-tuple can be read, with or without a descriptor
    PATH = "PATH"  # every transition is reported in order, not only samples
    ACTIVE_OPEN = "ACTIVE-OPEN"
    IPV6 = "IPV6"
    OPTIONS = "OPTIONS"  # settings can be changed
    ICMP = "ICMP"
    INFO = "INFO"  # what TCP knows of a connection can be read, by tcp_info's names
    COUNTERS = "COUNTERS"  # the kernel's counters can be read, and nobody else moves them
    OWN_LINK = "OWN-LINK"  # nobody else is on the link, so packets may name anybody
    THIRD_HOST = "THIRD-HOST"  # it answers a third host on its link, which the tester plays
    ADDRESSES = "ADDRESSES"  # it has a second address, and calls may name one
    LINUX = "LINUX"  # its socket calls have Linux's bounds and habits, which no RFC has
    MD5 = "MD5"  # a socket can be given a key of RFC 2385
    AO = "AO"  # a socket can be given keys of RFC 5925
    VIRTUAL_TIME = "VIRTUAL-TIME"


class Part(StrEnum):
    """What a small stack that makes calls may be without; its target file says so."""

    ABORT = "ABORT"  # a connection can be reset by the application
    URGENT = "URGENT"  # urgent text can be sent, and asked for
    HALF_CLOSE = "HALF-CLOSE"  # one end can be shut and the other used


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is to be let by, and why: a quirk by its name (``play.tolerances``), or one's own.

    One's own is an extra ``segment``, in the notation, that may come ``after`` something.
    """

    name: str
    because: str
    segment: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One target's constants.

    ``kind``: what a case calls it, where that is not its name: ``linux`` is ``linux-6.12.117`` too;
    ``version`` its version, numbers and dots at the beginning.
    ``response``: the longest that anything may take that needs no timer of the target.
    ``shortest``: the shortest timer that it may run; Linux sends a tail loss probe after 8 ms.
    ``settle``: how long the wire must stay silent after the last step.
    ``grace``: how long after its bound an agent's word may still be on its way to the harness; it
    is judged by its stamps all the same.
    ``tick``: the step of the clock that its timers count; one that is armed between two ticks ends
    up to a tick early.
    ``facts``: what was read of the surroundings, for the record.
    """

    name: str
    msl: float
    rto: float = 1.0
    min_rto: float = 1.0
    delack: float = 0.5
    grace: float = 0.0
    response: float = 1.0
    settle: float = 0.05
    abilities: frozenset[Ability] = frozenset(Ability)
    options: frozenset[str] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    version: str = ""
    shortest: float = 0.01
    tick: float = 0.0
    lacks: frozenset[Part] = frozenset()
    tolerances: tuple[Tolerance, ...] = ()

    @property
    def virtual(self) -> bool:
        """Whether waiting costs nothing."""
        return Ability.VIRTUAL_TIME in self.abilities

    @property
    def patience(self) -> float:
        """The default upper bound of what may wait for a timer of the target, or a program."""
        return max(PATIENCE, self.response)

    @property
    def once(self) -> float:
        """At once: nothing that a timer of the target sends again can come so soon."""
        return min(self.response, self.min_rto / 2)

    def is_called(self, name: str, versions: str = "") -> bool:
        """Whether a case that names this target, in this range of versions, means it."""
        return name in (self.name, self.kind) and within(self.version, versions)

    def unit(self, name: str) -> float:
        """Seconds of one named unit (RFC 9293 3.4.2 MSL, RFC 6298 RTO, RFC 9293 3.8.6.3)."""
        return {
            "MSL": self.msl,
            "RTO": self.rto,
            "MINRTO": self.min_rto,
            "DELACK": self.delack,
            ONCE: self.once,
        }[name]

    def least(self, duration: Duration) -> float:
        """Seconds before which nothing of this length may end: a timer's may a tick earlier."""
        of_timer = any(unit in NAMED for _, unit in duration.terms)
        return max(0.0, duration.seconds(self.unit) - (self.tick if of_timer else 0.0))


def within(version: str, versions: str) -> bool:
    """Whether a version is in a range with both its ends: 6.12.117 is in ``..6.12``.

    A range that has an end holds nothing of which the version is not known.
    """
    low, _, high = versions.partition("..")
    own = _numbers(version)
    below = own[: len(_numbers(high))]
    return not versions or bool(own and _numbers(low) <= own and below <= (_numbers(high) or below))


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
