"""``ssh:HOST``, or ``ssh:`` of a target file: a Linux host, as a target file would say it.

HOST is what ssh takes: a name, ``user@name``, an alias of ``~/.ssh/config``. The system's ssh is
run, and never asks: a key and the host's own key have to be known to it already. The agent there
has a name that is its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from typing import Any, Final

from conformance.agent import agent
from conformance.errors import CaseError
from conformance.play.profile import Ability
from conformance.targets.files.model import (
    ADDRESSES,
    FileAddresses,
    ResetKind,
    TargetFile,
    WireKind,
)

ABILITIES: Final = frozenset({Ability.CALLS, Ability.STATE, Ability.ACTIVE_OPEN, Ability.INFO})
LINUX: Final = {"msl": 30.0, "min_rto": 0.2, "delack": 0.2}  # what it takes for its times
AGENTS: Final = ".cache/tcp-conformance"
# No terminal, no questions, no forwarding; a connection that is dead is noticed.
SSH: Final = (
    "ssh", "-T", "-x", "-a",
    "-o", "BatchMode=yes",
    "-o", "ClearAllForwardings=yes",
    "-o", "ControlMaster=no",
    "-o", "ConnectTimeout=10",
    "-o", "ServerAliveInterval=5",
)  # fmt: skip


def described(
    name: str, interface: str, targets: Sequence[str], testers: Sequence[str]
) -> TargetFile:
    """``ssh:HOST`` with the options that go with it, as a target file would say it.

    ``targets`` and ``testers``: an address for each IP version, with its prefix or without. Raises
    CaseError for what is missing or cannot be.
    """
    host = name.partition(":")[2]
    if problem := host_problem(host):
        raise CaseError(problem)
    if not interface:
        raise CaseError(f"{name} needs --interface: the one that shares a link with the host")
    ends = _both_ends(name, targets, testers)
    times: dict[str, Any] = dict(LINUX)
    return whole(
        TargetFile(
            path=Path(name),
            name=name,
            command=(),
            about=f"the kernel of {host}",
            wire=WireKind.INTERFACE,
            interface=interface,
            ssh=host,
            addresses=ends,
            abilities=ABILITIES | ({Ability.IPV6} if 6 in ends else set()),
            **times,
        )
    )


def _both_ends(
    name: str, targets: Sequence[str], testers: Sequence[str]
) -> dict[int, FileAddresses]:
    """The pairs of addresses by IP version; raises CaseError."""
    ends: dict[int, FileAddresses] = {}
    for target in map(_interface, targets):
        near = [one for one in map(_interface, testers) if one.version == target.version]
        if target.version in ends or len(near) != 1:
            raise CaseError(
                f"{name} needs one --address and one --tester-address of an IP version: what the "
                "host has on the link, and what nobody has there"
            )
        ends[target.version] = _ends(target, near[0])
    if 4 not in ends or len(testers) != len(targets):
        raise CaseError(
            f"{name} needs --address and --tester-address, for IPv4 at least: what the host has "
            "on the link, and what nobody has there"
        )
    return ends


def whole(file: TargetFile) -> TargetFile:
    """The file with what follows from its ``ssh``: how the agent is started."""
    agent_there = f"exec python3 -I -S ~/{AGENTS}/{agent_name()}"
    return replace(
        file,
        command=(*SSH, "--", file.ssh, agent_there),
        reset=ResetKind.CALL,
        packages=("openssh-client",),
    )


def host_problem(host: str) -> str:
    """What is wrong with a host; empty when nothing is."""
    if host and not host.startswith("-") and host.isprintable() and not set(host) & set(" /"):
        return ""
    return f"{host!r} is no host for ssh: it is a name, user@name or an alias"


def _interface(text: str) -> IPv4Interface | IPv6Interface:
    """An address with or without its prefix."""
    try:
        found = ip_interface(text)
    except ValueError:
        raise CaseError(f"{text!r} is no IP address, as in 192.0.2.2 or 192.0.2.2/24") from None
    if found.is_multicast or found.is_unspecified or found.is_loopback:
        raise CaseError(f"{text} is no address of one host")
    if "/" in text:
        return found
    return ip_interface(f"{text}/{ADDRESSES[found.version].prefix}")


def _ends(
    target: IPv4Interface | IPv6Interface, tester: IPv4Interface | IPv6Interface
) -> FileAddresses:
    if target.ip == tester.ip:
        raise CaseError(f"target and tester are both {target.ip}")
    if tester.ip not in target.network:
        raise CaseError(
            f"{tester.ip} is not on the network of {target}: nothing routes between the ends"
        )
    usual = ADDRESSES[target.version]
    return replace(
        usual, tester=str(tester.ip), target=str(target.ip), prefix=target.network.prefixlen
    )


def agent_octets() -> bytes:
    """The agent's one file."""
    return Path(agent.__file__).read_bytes()


def agent_hash() -> str:
    """What its name on the host is made of."""
    return hashlib.sha256(agent_octets()).hexdigest()


def agent_name() -> str:
    """Its file below :data:`AGENTS`."""
    return f"agent-{agent_hash()}.py"
