"""The process supervisor: starts a run's glue programs, tells how each ended, leaves none behind.

Rules:

- One small process a run; the programs are its children, each the leader of a session and group
  of its own. A fork of the harness would copy scapy's pages and cost a running case milliseconds.
- A program lives as long as the harness holds its channel. Once that is closed the program has
  ``GRACE`` to end by itself (its stdin has ended too); then its whole group is killed. If the
  harness dies, all channels close with it.
- How a program ended is told on its channel, in words, once its group is gone.
- For a TAP device or an interface of its own the program gets a fresh network namespace; see
  :mod:`.program_netns`. The supervisor then leaves the machine's network at its start.

This is that process: standard library only, one thread. :mod:`conformance.live.glue.program` is the
harness's half. They talk over one SOCK_SEQPACKET pair: an order is JSON with the program's
descriptors beside it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import time
from itertools import pairwise
from typing import Any, Final, NoReturn

from conformance.agent.agent import die_with_parent

GRACE: Final = 0.5  # seconds that a program has to end after its stdin did
WIRE_FD: Final = 3  # the wire's descriptor in the program
_PR_SET_CHILD_SUBREAPER: Final = 36
ORDER: Final = 100_000  # octets: commands and environments are small
_DESCRIPTORS: Final = 5
_MOST: Final = 1 << 20  # descriptors, where there is no limit
_OWN: Final = 8  # from here on a program-to-be has what is not the program's; 0 to 3 are


class _Programs:
    """The programs that run, each with the harness's channel to it."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.channels: dict[int, socket.socket] = {}  # by the program's process number
        self.killed_at: dict[int, float] = {}  # monotonic seconds
        self.woken, wake = os.pipe()
        for descriptor in (self.woken, wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.poll.register(self.woken, select.POLLIN)

    def serve(self) -> None:
        """Do as the harness says until it is gone."""
        while True:
            for descriptor, _ in self.poll.poll(self._patience()):
                if descriptor == self.woken:
                    os.read(self.woken, 4096)
                elif descriptor == self.control.fileno():
                    if not self._order():
                        return
                else:
                    self._heard(descriptor)
            self._kill_due()
            self._reap()

    def _patience(self) -> int | None:
        if not self.killed_at:
            return None
        return max(0, int(1000 * (min(self.killed_at.values()) - time.monotonic())) + 1)

    def _order(self) -> bool:
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, ORDER, _DESCRIPTORS)
        except ConnectionError:
            return False
        if not data:
            return False
        order = json.loads(data)
        if len(descriptors) < order["handed"]:  # too many files are open here
            for descriptor in descriptors:
                os.close(descriptor)
            return True  # the harness hears that its channel has ended
        channel = socket.socket(fileno=descriptors[3])
        pid = os.fork()
        if pid == 0:
            _become(order, descriptors)
        for descriptor in (*descriptors[:3], *descriptors[4:]):
            os.close(descriptor)
        self.channels[pid] = channel
        self.poll.register(channel, select.POLLIN)
        return True

    def _heard(self, descriptor: int) -> None:
        """The harness has closed the channel, or says that the program must end at once."""
        for pid, channel in self.channels.items():
            if channel.fileno() == descriptor:
                try:
                    data = channel.recv(64)
                except ConnectionError:
                    data = b""
                self.killed_at.setdefault(pid, time.monotonic() + GRACE)
                if data:
                    self.killed_at[pid] = 0.0
                else:
                    self.poll.unregister(channel)
                return

    def _kill_due(self) -> None:
        for pid, due in self.killed_at.items():
            if due <= time.monotonic():
                _kill_group(pid)

    def _reap(self) -> None:
        """Collect who has ended: its group is killed while its number is still held."""
        while (pid := _ended()) is not None:
            if pid in self.channels:
                _kill_group(pid)
            _, status = os.waitpid(pid, 0)
            channel = self.channels.pop(pid, None)
            self.killed_at.pop(pid, None)
            if channel is None:  # what a program had started, and left behind
                continue
            with contextlib.suppress(KeyError):
                self.poll.unregister(channel)
            with contextlib.suppress(OSError):  # nobody asks any more
                channel.send(json.dumps({"ended": _words(status)}).encode())
            channel.close()

    def end_all(self) -> None:
        """Nobody is left to serve: whoever still runs has its grace, then is killed."""
        self.poll.unregister(self.control)
        for pid in self.channels:
            self.killed_at.setdefault(pid, time.monotonic() + GRACE)
        while self.channels:
            for descriptor, _ in self.poll.poll(self._patience()):
                if descriptor == self.woken:
                    os.read(self.woken, 4096)
                else:
                    self.poll.unregister(descriptor)
            self._kill_due()
            self._reap()
        while children := _children():  # in sessions of their own
            for child in children:
                _kill_group(child)
            for child in children:
                os.waitpid(child, 0)


def _ended() -> int | None:
    """A child that has ended and was not collected."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return ended.si_pid if ended is not None else None


def _children() -> list[int]:
    """Who is left; none where the kernel does not list them."""
    with contextlib.suppress(OSError):
        me = os.getpid()
        with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    return []


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # it may not lead its group yet
        os.kill(pid, signal.SIGKILL)


def _words(status: int) -> str:
    """A wait status in words."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


def _become(order: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """In the child: lay the wire, hand the harness its end, become the program."""
    supervisor = os.getppid()
    signal.set_wakeup_fd(-1)
    os.setsid()
    die_with_parent()
    if os.getppid() != supervisor:
        os._exit(1)
    descriptors = _alone_with(descriptors)
    stdin, stdout, stderr, channel = descriptors[:4]
    told = socket.socket(fileno=channel)
    held: set[int] = set()
    try:
        wire = descriptors[4] if len(descriptors) > 4 else -1
        if order["wire"] in ("tap", "veth"):
            from conformance.live.workers import program_netns

            packet, wire = program_netns.lay(order["wire"], order["plan"])
            socket.send_fds(told, [b'{"born": true}'], [packet])
            # The last to close a packet socket waits 13 ms for the kernel: not the harness, whose
            # other cases would wait with it, but the program as it ends.
            held.add(fcntl.fcntl(packet, fcntl.F_DUPFD, _OWN))
        # By way of other numbers, so that none is overwritten before its turn.
        ends = [stdin, stdout, stderr, *([wire] if wire >= 0 else [])]
        given = [fcntl.fcntl(end, fcntl.F_DUPFD, _OWN) for end in ends]
        channel = fcntl.fcntl(channel, fcntl.F_DUPFD_CLOEXEC, _OWN)
        for place, descriptor in enumerate(given):
            os.dup2(descriptor, place)
        _close_all_but({*range(len(given)), channel, *held})
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(order["directory"])
        os.execvpe(order["command"][0], order["command"], order["environment"])
    except OSError as error:
        with contextlib.suppress(OSError):
            reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            os.write(channel, json.dumps({"error": reason}).encode())
    os._exit(127)


def _alone_with(descriptors: list[int]) -> list[int]:
    """Close all that is the supervisor's; these, under the lowest numbers that are free then."""
    _close_all_but({0, 1, 2, *descriptors})
    low = [os.dup(one) for one in descriptors]
    _close_all_but({0, 1, 2, *low})
    return low


def _close_all_but(kept: set[int]) -> None:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    places = [-1, *sorted(kept), most if most != resource.RLIM_INFINITY else _MOST]
    for before, after in pairwise(places):
        if before + 1 < after:  # closerange(0, 0) would close all of them
            os.closerange(before + 1, after)


def main(fd: int) -> NoReturn:
    """Serve the harness at the other end of ``fd`` until it closes or dies."""
    control = socket.socket(fileno=fd)
    first = json.loads(control.recv(ORDER))
    facts: dict[str, str] = {}
    if first["namespaces"]:
        from conformance.live.workers import program_netns

        try:
            facts["privilege"] = program_netns.leave()
        except OSError as error:
            control.send(json.dumps({"error": str(error.strerror)}).encode())
            os._exit(1)
    # What a program leaves behind becomes ours, not init's.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    control.send(json.dumps({"facts": facts}).encode())
    programs = _Programs(control)
    programs.serve()
    programs.end_all()
    os._exit(0)
