"""All that happened in one conversation, in the order it happened.

A record is enough to judge the case again: it holds the text of the case's files, the profile,
the addressing, every event with the time it was fed at, and the verdict. The entries are the same
story in the case's own words; every report is drawn from them and, where the target's kernel said
something of itself, from the asides.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from conformance.case.model import Case
from conformance.case.step import Step
from conformance.play.asides import Aside
from conformance.play.events import Event
from conformance.play.played import played_id
from conformance.play.profile import Profile
from conformance.play.timing import Timing
from conformance.play.verdict import Verdict
from conformance.tcp.addresses import ENDS
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

# So many connections of a case have ports of its own in the run; those beyond share theirs with
# other cases' on other links.
ALONE: Final = 60
MANY: Final = 57344


class What(StrEnum):
    """What an entry is about."""

    SENT = "sent"  # a segment of the tester
    RECEIVED = "received"  # a segment of the target
    ICMP = "icmp"
    CALL = "call"  # a socket call on the target, or its return
    STATE = "state"  # the target's state, when it changed
    NOTE = "note"  # silence kept, an allowance used, time that passed


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story, at ``at`` seconds after the start.

    ``text`` is in the notation. ``lost``: the network lost the segment, by the case's will.
    ``unforeseen``: no step asked for it; ``tolerated`` names what let it by. ``step`` is the step
    that was being played, ``taken`` the one that a segment of the target matched. ``network``: what
    befell it under ``net:``.
    """

    at: float
    what: What
    text: str
    conn: str
    step: Step | None = None
    taken: Step | None = None
    lost: bool = False
    unforeseen: bool = False
    segment: Segment | None = None
    frame: bytes = b""
    state: State | None = None
    tolerated: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class Addressing:
    """IP version, ports and the tester's first ISN (absolute) of one conversation.

    ``isn`` is the one that the run chose, and is part of the id; None: it did not. ``tester`` and
    ``target`` are the addresses on the wire, where a digest covers others than those of ``ENDS``.
    """

    ip: int = 4
    target_port: int = 4000
    tester_port: int = 40000
    irs: int = 0x10000000
    isn: int | None = None
    tester: str = ""
    target: str = ""

    def port(self, number: int) -> int:
        """The tester's port of a connection, counted from 0."""
        return self.tester_port + number if number < ALONE else MANY + number


@dataclass(slots=True)
class Record:
    """The story of one conversation, growing while it goes on."""

    case: Case
    profile: Profile
    addressing: Addressing
    started: float = 0.0
    events: list[tuple[float, Event]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    verdict: Verdict | None = None
    reruns: int = 0
    asides: tuple[Aside, ...] = ()
    timings: list[Timing] = field(default_factory=list)

    @property
    def id(self) -> str:
        """``rfc9293/.../simultaneous-close::linux-ipv4[n=1]``."""
        addressing = self.addressing
        return played_id(self.case.id, self.profile.name, addressing.ip, addressing.isn)

    def between(self, tester: str, target: str) -> None:
        """The addresses on the wire, known before it begins; kept where a digest covers them."""
        if (self.case.md5 or self.case.ao) and (tester, target) != ENDS[self.addressing.ip]:
            self.addressing = replace(self.addressing, tester=tester, target=target)

    def mark(self, entry: int, **facts: Step | bool | str | bytes | None) -> None:
        """Write down what became of an entry: which step took it, whether one foresaw it."""
        self.entries[entry] = replace(self.entries[entry], **facts)  # type: ignore[arg-type]

    @property
    def length(self) -> float:
        """Seconds from the first thing that happened to the last."""
        return self.events[-1][0] - self.started if self.events else 0.0
