"""What a target file says: the stack that a glue program wraps, as plain data.

``targets.files.reader`` reads it from YAML, ``targets.kinds.glue`` plays cases on it. Durations in
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from conformance.play.profile import Ability, Part, Tolerance
from conformance.play.servers import Server


class WireKind(StrEnum):
    """What carries the frames."""

    FD = "fd"  # a socket pair that the glue inherits, one frame a message
    TAP = "tap"  # a TAP device's descriptor, in a private network namespace
    VETH = "veth"  # an interface in a private network namespace; the glue opens it itself
    INTERFACE = "interface"  # an interface of this machine, with the target behind it


class ClockKind(StrEnum):
    """Whose time the stack's timers follow."""

    REAL = "real"
    VIRTUAL = "virtual"


class Control(StrEnum):
    """Who makes the target's socket calls."""

    AGENT = "agent"  # the glue program, by the protocol
    NONE = "none"  # nobody: what a server makes by itself is all there is


class ResetKind(StrEnum):
    """How a case begins with a fresh stack."""

    PROCESS = "process"  # a new process for each case
    CALL = "call"  # the same process, after the call ``reset``


@dataclass(frozen=True, slots=True)
class FileAddresses:
    """Both ends of the wire in one IP version."""

    tester: str
    target: str
    prefix: int
    tester_mac: str
    target_mac: str


SERVES: Final[Mapping[Server, int]] = MappingProxyType({Server.DISCARD: 9})
_MACS: Final = ("02:00:00:00:00:01", "02:00:00:00:00:02")
# The same as conformance.live.workers.veth_plan lays between namespaces.
ADDRESSES: Final[Mapping[int, FileAddresses]] = MappingProxyType(
    {
        4: FileAddresses("192.0.2.1", "192.0.2.2", 24, *_MACS),
        6: FileAddresses("2001:db8::1", "2001:db8::2", 64, *_MACS),
    }
)


@dataclass(frozen=True, slots=True)
class TargetFile:
    """One target file. ``own_network``: the user allowed frames on an interface of the machine.

    ``options`` maps an abstract option's name to the glue's own name of the setting; ``serves``
    says on which port a server runs, where nobody makes calls.
    """

    path: Path
    name: str
    command: tuple[str, ...]
    about: str = ""
    wire: WireKind = WireKind.FD
    clock: ClockKind = ClockKind.REAL
    control: Control = Control.AGENT
    reset: ResetKind = ResetKind.PROCESS
    interface: str = ""
    ssh: str = ""  # the host on which the agent makes the calls, as ssh takes it
    own_network: bool = False
    at_once: int | None = None
    addresses: Mapping[int, FileAddresses] = field(default_factory=lambda: ADDRESSES)
    abilities: frozenset[Ability] = frozenset()
    lacks: frozenset[Part] = frozenset()
    tolerances: tuple[Tolerance, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    msl: float = 120.0  # RFC 9293 3.4.2
    rto: float = 1.0
    min_rto: float = 1.0
    delack: float = 0.5
    response: float = 1.0
    settle: float = 0.05
    tick: float = 0.0
    longest: float = 0.0  # what a case may take of its time; 0: as long as it likes
    packages: tuple[str, ...] = ()  # Debian's
    build: tuple[str, ...] = ()
    deviations: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    pip: tuple[str, ...] = ()
    serves: Mapping[Server, int] = field(default_factory=lambda: SERVES)
