"""What the reference TCP does, out: four things, drained in the order in which they happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.segment import Segment
from conformance.tcp.states import State

HOST: Final = 1 << 16  # ports of a host


@dataclass(frozen=True, slots=True)
class Emitted:
    """A segment for the network."""

    segment: Segment


@dataclass(frozen=True, slots=True)
class Returned:
    """Call ``number`` returned; ``errno`` is the error's name, or empty."""

    number: int
    value: int = 0
    errno: str = ""
    data: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """Call ``number`` blocks."""

    number: int


@dataclass(frozen=True, slots=True)
class StateEntered:
    """A connection entered ``state``; ``remote_port`` is 0 for a listener."""

    local_port: int
    remote_port: int
    state: State


Output = Emitted | Returned | Pending | StateEntered
