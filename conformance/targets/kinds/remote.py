"""A Linux host that ssh reaches and that shares a link with this machine: ``ssh:HOST``.

Rules:

- HOST is what ssh takes: a name, ``user@name``, an alias of ``~/.ssh/config``. The system's ssh is
  run, and never asks: a key and the host's own key have to be known to it already.
- The agent is one file. It is put below ``~/.cache/tcp-conformance`` of the host once, under a name
  that is its hash, and started from there; nothing else is installed, no root is needed.
- Nothing is guessed on somebody's network. The user names the interface, the target's address on
  it and an address for the tester, and says with ``--own-network`` that frames may be sent.
- What the host's kernel keeps of an earlier case is ended with resets; its settings are never
  changed, so a case that asks for a setting is skipped.
"""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from typing import Any, Final

from conformance import processes
from conformance.agent import agent
from conformance.errors import CaseError, EnvironmentProblem, TargetError
from conformance.play.profile import Ability, Profile
from conformance.targets.files.model import ADDRESSES, FileAddresses, Reset, TargetFile, WireKind
from conformance.visible import on_one_line

ABILITIES: Final = frozenset({Ability.CALLS, Ability.STATE, Ability.ACTIVE_OPEN})
LINUX: Final = {"msl": 30.0, "min_rto": 0.2, "delack": 0.2}  # what it takes for its times
_PLACE: Final = ".cache/tcp-conformance"
_PATIENCE: Final = 60.0  # seconds for ssh to get through and copy some kilobytes
# No terminal, no questions, no forwarding; a connection that is dead is noticed.
_OPTIONS: Final = (
    "-T", "-x", "-a",
    "-o", "BatchMode=yes",
    "-o", "ClearAllForwardings=yes",
    "-o", "ControlMaster=no",
    "-o", "ConnectTimeout=10",
    "-o", "ServerAliveInterval=5",
)  # fmt: skip
# More than are used up, and few enough that they all last longer than TIME-WAIT.
_PORTS_A_SECOND: Final = 12
_NOT_FOUND, _SSH_FAILED = 127, 255
# Read by the host's python3 from its standard input: no shell ever sees it. The agent's file is
# put in place in one step, so that nobody starts half of one.
_INSTALL: Final = """\
import hashlib, os, sys, tempfile
if sys.version_info < (3, 9):
    sys.exit("its python3 is %d.%d, and the agent needs 3.9" % sys.version_info[:2])
if not sys.platform.startswith("linux"):
    sys.exit("it runs " + sys.platform + ", and the agent needs Linux")
home = os.path.join(os.path.expanduser("~"), PLACE)
path = os.path.join(home, NAME)
def is_there():
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == HASH
    except OSError:
        return False
try:
    os.makedirs(home, 0o700, exist_ok=True)
    there = os.stat(home)
    if there.st_uid != os.geteuid() or there.st_mode & 0o022:
        sys.exit(home + " is another user's, or others may write it: nothing is run from there")
    if not is_there():
        handle, new = tempfile.mkstemp(dir=home)
        with os.fdopen(handle, "wb") as file:
            file.write(TEXT)
        os.replace(new, path)
except OSError as error:
    sys.exit("the agent cannot be put into " + home + ": " + str(error.strerror))
if not is_there():
    sys.exit("what was written to " + path + " is not the agent")
"""


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


def whole(file: TargetFile) -> TargetFile:
    """The file with what follows from its ``ssh``: how the agent is started."""
    agent_there = f"exec python3 -I -S ~/{_PLACE}/{_name()}"
    return replace(
        file,
        command=("ssh", *_OPTIONS, "--", file.ssh, agent_there),
        reset=Reset.CALL,
        packages=("openssh-client",),
    )


def as_linux(profile: Profile, release: str) -> Profile:
    """What is known of any Linux is known of the host's kernel."""
    facts = {**profile.facts, "kernel": release}
    return replace(profile, kind="linux", version=release, facts=facts)


def unworn(ports: Sequence[int]) -> list[int]:
    """The ports in an order that begins where no run of the last minute has been.

    The host's kernel keeps a connection in TIME-WAIT for that long, whoever asks.
    """
    first = int(time.time() * _PORTS_A_SECOND) % len(ports)
    return [*ports[first:], *ports[:first]]


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


# ---- before it is played on ----------------------------------------------------------------------


def prepared(file: TargetFile) -> TargetFile:
    """The file with the agent on its host and the target found on its link.

    Raises CaseError for an address that is taken, TargetError for a host that is not reached,
    EnvironmentProblem where this machine lacks something.
    """
    from conformance.live.interface.resolution import QUESTIONS
    from conformance.targets.kinds.programs import located

    install(file)
    return located(file, QUESTIONS)


def install(file: TargetFile) -> None:
    """Have the agent on the host, once."""
    values: dict[str, Any] = {"PLACE": _PLACE, "NAME": _name(), "HASH": _hash(), "TEXT": _agent()}
    program = "".join(f"{name} = {value!r}\n" for name, value in values.items()) + _INSTALL
    try:
        done = processes.run(
            ["ssh", *_OPTIONS, "--", file.ssh, "exec python3 -I -"],
            _PATIENCE,
            octets=program.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise EnvironmentProblem("ssh is not there: apt-get install openssh-client") from None
    except subprocess.TimeoutExpired:
        raise TargetError(f"{file.name}: ssh did not get through in {_PATIENCE:g} s") from None
    if done.returncode:
        raise TargetError(f"{file.name}: {_why(done.returncode, done.stderr)}")


def _why(status: int, stderr: bytes) -> str:
    """What ssh, or the host, says of a failure."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    words = on_one_line((lines or ["it says nothing"])[-1])[:300].rstrip(".")
    if status == _SSH_FAILED:
        return f"ssh cannot log in there ({words})"
    if status == _NOT_FOUND:
        return f"there is no python3 on the host ({words})"
    return words


def _agent() -> bytes:
    return Path(agent.__file__).read_bytes()


def _hash() -> str:
    return hashlib.sha256(_agent()).hexdigest()


def _name() -> str:
    return f"agent-{_hash()}.py"
