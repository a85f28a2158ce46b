"""The tracefs instance of a run: made by the netns server, removed by a process of its own.

It goes with the run, however that ends; one whose keeper was killed too is removed by the next run.
Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
import time
from typing import Final, NoReturn

_ROOT: Final = "/sys/kernel/tracing"
_NAME: Final = "conformance-"
_NEWNS, _MS_REC, _MS_PRIVATE = 0x00020000, 0x4000, 0x40000
_DROPS: Final = "skb/kfree_skb"
_EVENTS: Final = (
    _DROPS, "tcp/tcp_send_reset", "tcp/tcp_retransmit_skb", "tcp/tcp_retransmit_synack",
)  # fmt: skip
# NOT_SPECIFIED says nothing; a queue that is purged when a socket ends is no drop of a segment.
_NOISE: Final = ("NOT_SPECIFIED", "IP_INADDRERRORS", "IPV6DISABLED", "QUEUE_PURGE")
_TRIES: Final = 500  # a hundredth of a second apart
_YOUNG: Final = 60.0  # seconds
_MOST: Final = 1 << 20  # descriptors, where there is no limit


def open_instance(libc: ctypes.CDLL) -> tuple[str, Keeper | None, list[int]]:
    """Make a tracing instance: what to say of it, who keeps it, and what to hand over.

    That is its pipe, an end of the keeper's line and, where reasons are traced, its marker.
    """
    try:
        if not os.path.isdir(f"{_ROOT}/instances"):
            # Not mounted: mount it where nobody else sees it. Needs root, so refusal is normal.
            if libc.unshare(_NEWNS) or libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
                return f"no tracefs: {os.strerror(ctypes.get_errno())}", None, []
            if libc.mount(b"nodev", _ROOT.encode(), b"tracefs", 0, None):
                return f"no tracefs: {os.strerror(ctypes.get_errno())}", None, []
        _sweep()
        path = f"{_ROOT}/instances/{_NAME}{os.urandom(8).hex()}"
        os.mkdir(path)
    except OSError as error:
        return f"no tracefs: {error.strerror}", None, []
    keeper = Keeper(path)
    event = f"{path}/events/sock/inet_sock_set_state"
    try:
        _write(f"{path}/trace_clock", "tai")
        _write(f"{path}/buffer_percent", "0")  # wake a reader at the first event
        _write(f"{event}/filter", "protocol == 6 && dport != 0")
        pipe = os.open(f"{path}/trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        _write(f"{event}/enable", "1")
    except OSError as error:
        keeper.end()
        return f"no trace of states: {error.strerror}", None, []
    told, marker = _reasons(path)
    return " ".join(["sock:inet_sock_set_state", *told]), keeper, [pipe, keeper.line, *marker]


def _reasons(path: str) -> tuple[list[str], list[int]]:
    """Have the kernel's reasons traced as well, as far as it knows them: which, and the marker."""
    told: list[str] = []
    for name in _EVENTS:
        event = f"{path}/events/{name}"
        with contextlib.suppress(OSError):  # an older kernel has fewer of them
            if name == _DROPS:
                _write(f"{event}/filter", _filter(f"{event}/format"))
            _write(f"{event}/enable", "1")
            told.append(name.replace("/", ":"))
    with contextlib.suppress(OSError):  # without it no drop is known for ours
        return told, [os.open(f"{path}/trace_marker", os.O_WRONLY)]
    return told, []


def _filter(format: str) -> str:
    """Of IP only, and none of what a tester's namespace, which has no address, does with all."""
    with open(format, encoding="ascii") as file:
        text = file.read()
    numbers = (re.search(rf'{{ (\d+), "{name}" }}', text) for name in _NOISE)
    known = "".join(f" && reason != {found[1]}" for found in numbers if found)
    return f"(protocol == 2048 || protocol == 34525){known}"


class Keeper:
    """A process that removes the instance once nobody holds its line: however they ended.

    Netns server and harness hold it. Who kills both leaves it, for a moment.
    """

    def __init__(self, path: str) -> None:
        ours, self.line = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _keep(path, ours)
        os.close(ours)

    def end(self) -> None:
        """Let go of the line, and wait until the instance is gone."""
        os.close(self.line)
        os.waitpid(self.pid, 0)


def _keep(path: str, line: int) -> NoReturn:
    """The keeper's life. It holds nothing else: whoever waits for the end of a pipe is told it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.closerange(0, line)
    os.closerange(line + 1, most if most != resource.RLIM_INFINITY else _MOST)
    os.read(line, 1)  # ends when nobody holds the other end
    for _ in range(_TRIES):  # a harness that dies gives its pipe back a moment after the line
        with contextlib.suppress(OSError):
            os.rmdir(path)
        if not os.path.isdir(path):
            break
        time.sleep(0.01)
    os._exit(0)


def _sweep() -> None:
    """Remove what is left where even the keeper was killed.

    What anybody has open cannot be removed; what is young may be about to be opened.
    """
    for name in os.listdir(f"{_ROOT}/instances"):
        path = f"{_ROOT}/instances/{name}"
        with contextlib.suppress(OSError):
            if name.startswith(_NAME) and time.time() - os.stat(path).st_mtime > _YOUNG:
                os.rmdir(path)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
