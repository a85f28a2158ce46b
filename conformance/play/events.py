"""What happens to a conversation, in. Times are seconds on the lab's one clock.

A live lab stamps an arrival when the kernel received the frame, a call when the target's agent
invoked it; a virtual lab stamps both with virtual time. The lab promises order: before it tells a
:class:`Tick` of ``at`` it has told every arrival that is stamped earlier.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.errors import Death, Owner
from conformance.tcp.segment import Segment
from conformance.tcp.states import State


@dataclass(frozen=True, slots=True)
class Sent:
    """Action ``number`` left the tester at ``at``; ``frame`` as it stood on the wire."""

    at: float
    number: int
    frame: bytes = b""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A segment of the target reached the tester."""

    at: float
    segment: Segment
    frame: bytes = b""


@dataclass(frozen=True, slots=True)
class Garbage:
    """A frame came that holds no TCP segment of this case; ``reason`` in words."""

    at: float
    reason: str
    frame: bytes = b""


@dataclass(frozen=True, slots=True)
class CallPending:
    """Call ``number`` was invoked at ``at`` and blocks.

    What it does at once it had done at ``tried``; 0 where the target does not tell.
    """

    at: float
    number: int
    tried: float = 0.0

    @property
    def began(self) -> float:
        """When at the latest what it does at once was done."""
        return max(self.at, self.tried)


@dataclass(frozen=True, slots=True)
class CallReturned:
    """Call ``number``, invoked at ``started``, returned at ``at``.

    ``errno`` is the name of the error, or empty; ``value`` a handle or a count of octets;
    ``data`` what was received; ``text`` what was told by name.
    """

    at: float
    number: int
    started: float
    value: int = 0
    errno: str = ""
    data: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True)
class StateRead:
    """The answer to :class:`~conformance.play.actions.ReadState`: a sample taken at ``at``.

    LISTEN: no TCB of the 4-tuple, but a listener on the port. CLOSED: neither.
    """

    at: float
    number: int
    state: State


@dataclass(frozen=True, slots=True)
class StateReported:
    """The target itself reports that a 4-tuple entered ``state`` at ``at`` (ability PATH)."""

    at: float
    target_port: int
    tester_port: int
    state: State


@dataclass(frozen=True, slots=True)
class OptionSet:
    """Action ``number`` took effect, or could not: ``error`` says why."""

    at: float
    number: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """The target, its agent or the link is gone, by whose fault; nothing more will come."""

    at: float
    reason: str
    owner: Owner = Owner.TARGET


@dataclass(frozen=True, slots=True)
class Died:
    """The program that is the target crashed or hangs; nothing more will come.

    ``how`` in words (``killed by SIGSEGV``), ``words`` the last of its stderr, ``reason`` all of
    it as one sentence.
    """

    at: float
    death: Death
    how: str
    words: str
    reason: str
    owner: Owner = Owner.TARGET


@dataclass(frozen=True, slots=True)
class Tick:
    """Time reached ``at`` and nothing else did."""

    at: float


Event = (
    Sent
    | Arrived
    | Garbage
    | CallPending
    | CallReturned
    | StateRead
    | StateReported
    | OptionSet
    | Lost
    | Died
    | Tick
)
