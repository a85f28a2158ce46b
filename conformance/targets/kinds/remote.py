"""A Linux host that ssh reaches and that shares a link with this machine: ``ssh:HOST``.

Rules:

- The agent is one file. It is put below ``~/.cache/tcp-conformance`` of the host once, under a name
  that is its hash, and started from there; nothing else is installed, no root is needed.
- Nothing is guessed on somebody's network. The user names the interface, the target's address on
  it and an address for the tester, and says with ``--own-network`` that frames may be sent.
- What the host's kernel keeps of an earlier case is ended with resets; its settings are never
  changed, so a case that asks for a setting is skipped.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from conformance import processes
from conformance.errors import EnvironmentProblem, TargetError
from conformance.play.profile import Profile
from conformance.targets.files.model import TargetFile
from conformance.targets.files.ssh import AGENTS, SSH, agent_hash, agent_name, agent_octets
from conformance.visible import on_one_line

_PATIENCE: Final = 60.0  # seconds for ssh to get through and copy some kilobytes
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


# ---- before it is played on ----------------------------------------------------------------------


def prepared(file: TargetFile) -> TargetFile:
    """The file with the agent on its host and the target found on its link.

    Raises CaseError for an address that is taken, TargetError for a host that is not reached,
    EnvironmentProblem where this machine lacks something.
    """
    from conformance.live.interface.find_host import QUESTIONS
    from conformance.targets.kinds.programs import located

    install(file)
    return located(file, QUESTIONS)


def install(file: TargetFile) -> None:
    """Have the agent on the host, once."""
    values: dict[str, Any] = {
        "PLACE": AGENTS,
        "NAME": agent_name(),
        "HASH": agent_hash(),
        "TEXT": agent_octets(),
    }
    program = "".join(f"{name} = {value!r}\n" for name, value in values.items()) + _INSTALL
    try:
        done = processes.run(
            [*SSH, "--", file.ssh, "exec python3 -I -"],
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
