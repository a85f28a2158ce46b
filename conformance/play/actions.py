"""What a conversation wants done, out. The lab does each in order, as soon as ``due``.

``number`` is unique within a conversation; the event that answers an action repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.tcp.segment import Segment


@dataclass(frozen=True, slots=True)
class SendSegment:
    """Put the segment on the wire. Answered by Sent."""

    number: int
    segment: Segment
    due: float


@dataclass(frozen=True, slots=True)
class SendIcmp:
    """Send the target an ICMP (or ICMPv6) error that quotes a segment of the target.

    ``type`` and ``code`` are the numbers of the IP version in use; ``value`` is the 32-bit field
    after the checksum (the next-hop MTU, the pointer). ``router``: a router sends it.
    Answered by Sent.
    """

    number: int
    type: int
    code: int
    value: int
    quoted: Segment
    due: float
    router: bool = False


@dataclass(frozen=True, slots=True)
class MakeCall:
    """Invoke a socket call on the target. Answered by CallReturned, CallPending or both.

    ``args`` holds JSON values only: ``socket`` is a handle that an earlier call returned.
    """

    number: int
    name: str
    args: Mapping[str, int | str] = field(default_factory=dict)
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadState:
    """Sample the state of a 4-tuple. Answered by StateRead, at once.

    ``peer``: the third host, where the connection is with that one.
    """

    number: int
    target_port: int
    tester_port: int
    peer: str = ""


@dataclass(frozen=True, slots=True)
class SetOption:
    """Change a setting of the target: an abstract name, or a raw sysctl. Answered by OptionSet."""

    number: int
    name: str
    value: str
    raw: bool = False


Action = SendSegment | SendIcmp | MakeCall | ReadState | SetOption
