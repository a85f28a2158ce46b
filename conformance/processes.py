"""Processes that the harness starts: each wait for one has a bound of wall time.

Rules:

- Who has not ended by its bound is killed, with all that it started.
- Whoever watches the programs of a hostile target can be stopped by them: it is had to go on before
  it is waited for.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import socket
    import subprocess

_ROUNDS: Final = 100  # of killing what is being born meanwhile
_ROOT: Final = str(Path(__file__).parents[1])  # where the package is imported from
_LOOK: Final = 0.01  # seconds between two looks at a process that is stopped


def run(
    words: Sequence[Any], seconds: float, *, octets: bytes | None = None, **how: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run a command, ``octets`` its input, as ``subprocess.run`` does.

    Raises TimeoutExpired after so many seconds, OSError when it cannot be started. It has no
    terminal, so it cannot ask anybody; nothing of its group outlives an exception.
    """
    import subprocess

    if octets is not None:
        how["stdin"] = subprocess.PIPE
    with subprocess.Popen(words, start_new_session=True, **how) as process:
        try:
            out, err = process.communicate(octets, timeout=seconds)
        except BaseException:
            kill_group(process.pid)
            raise
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def isolated(module: str, control: socket.socket) -> subprocess.Popen[bytes]:
    """A Python of its own that runs ``module.main(descriptor)`` with this socket, and no more.

    Nothing of the user's environment or site is imported there, and Ctrl-C is the harness's.
    """
    import subprocess

    boot = f"import sys; sys.path.insert(0, sys.argv[2]); from {module} import main; "
    boot += "main(int(sys.argv[1]))"
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", boot, str(control.fileno()), _ROOT],
        pass_fds=[control.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[Any], seconds: float) -> bool:
    """Whether it ends within so many seconds; it is collected then."""
    if process.poll() is not None:
        return True
    descriptor = os.pidfd_open(process.pid)
    try:
        select.select([descriptor], [], [], max(0.0, seconds))
    finally:
        os.close(descriptor)
    return process.poll() is not None


def end(process: subprocess.Popen[Any], seconds: float, spared: Collection[int] = ()) -> bool:
    """Have it end that was told to: it has so long, then it is killed with all below it.

    But for those that are ``spared``: they end by themselves, so they too have to go on.
    False when it had to be killed.
    """
    go_on(process)
    for one in spared:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGCONT)
    in_time = ended(process, seconds)
    if not in_time:
        _kill_below(process.pid, spared)
        process.kill()
    process.wait()
    return in_time


def stopped(process: subprocess.Popen[Any]) -> bool:
    """Whether a child of ours is stopped at present."""
    if process.returncode is not None:
        return False
    with suppress(ChildProcessError):
        how = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, how) is not None
    return False


def held(process: subprocess.Popen[Any], seconds: float) -> bool:
    """Whether somebody has stopped it and leaves it so; then it goes on.

    A machine that has no time for a process, and who tries that out, give it back soon.
    """
    deadline = time.monotonic() + seconds
    while stopped(process):
        if time.monotonic() > deadline:
            go_on(process)
            return True
        time.sleep(_LOOK)
    return False


def go_on(process: subprocess.Popen[Any]) -> None:
    """Have it go on if it was stopped."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signal.SIGCONT)


def kill_group(pid: int) -> None:
    """Kill the group that this process leads."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """The processes that this one has started and that have not ended."""
    found: list[int] = []
    with suppress(OSError):  # it has ended
        for thread in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii")
            found += map(int, text.split())
    return found


def _kill_below(pid: int, spared: Collection[int]) -> None:
    """Kill all that this process and its children have started; it takes in their orphans."""
    for _ in range(_ROUNDS):
        below = [one for child in children(pid) for one in _tree(child) if runs(one)]
        below = [one for one in below if one not in spared]
        if not below:
            return
        for one in below:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        time.sleep(_LOOK)


def _tree(pid: int) -> list[int]:
    return [pid, *(one for child in children(pid) for one in _tree(child))]


def runs(pid: int) -> bool:
    """Whether a process runs, or is stopped; one that nobody has collected yet does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    return False
