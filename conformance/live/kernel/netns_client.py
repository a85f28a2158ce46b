"""Private network namespaces, two a case: one the target's, one the tester's; the harness's half.

The harness never changes a namespace and needs no privilege: the netns server, a process of its
own, makes them and hands over what a case needs (live/workers/netns_server.py says how). They are
ordered in advance and taken in any order, for all are alike.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from dataclasses import dataclass
from typing import Any, Final

from conformance import processes
from conformance.errors import EnvironmentProblem, TargetError
from conformance.live.workers import veth_plan

_ANSWER: Final = 1 << 16
ANSWER: Final = 10.0  # seconds for an answer; one takes a millisecond, a busy machine a hundred
END: Final = 10.0  # seconds for the netns server to end its children and its trace
_GONE: Final = "The process that makes the network namespaces has ended."
DEAF: Final = f"The process that makes the network namespaces gives none within {ANSWER:g} s."


@dataclass(frozen=True, slots=True)
class NewNamespace:
    """What a case got: the agent's stream, the tester's end, the target's sock_diag."""

    agent: socket.socket
    packet: socket.socket
    diag: socket.socket
    facts: dict[str, str]


class Namespaces:
    """The netns server as the harness sees it."""

    def __init__(self, slot: int, *, trace: bool) -> None:
        if sys.platform != "linux":
            raise unavailable(f"{sys.platform} has no network namespaces")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            server = "conformance.live.workers.netns_server"
            self._process = processes.isolated(server, theirs)
        self._kept: list[int] = []  # the line of who keeps the trace's instance
        self._keeper: list[int] = []
        self._control.settimeout(ANSWER)
        self._ordered = 0
        try:
            order = {"plan": veth_plan.plan(slot), "trace": trace}
            self._control.send(json.dumps(order).encode())
            answer, found = self._answer(3)
        except (OSError, TargetError) as error:
            self.close()
            raise unavailable(str(error)) from error
        except EnvironmentProblem:
            self.close()
            raise
        self.facts: dict[str, str] = answer["facts"]
        self.descriptors, self._kept = found[:1] + found[2:], found[1:2]
        self._keeper = [answer["keeper"]] if "keeper" in answer else []

    def order(self, count: int) -> None:
        """Have namespaces made in advance, off the path of the cases that will take them."""
        self._ordered += count
        try:
            for _ in range(count):
                self._control.send(b"+")
        except OSError as error:
            raise TargetError(DEAF if isinstance(error, TimeoutError) else _GONE) from error

    def fileno(self) -> int:
        """Readable when a pair of namespaces that was ordered is there to be taken."""
        return self._control.fileno()

    def take(self) -> NewNamespace:
        """The next pair of namespaces; waits for it when it is not there yet."""
        if not self._ordered:
            self.order(1)
        self._ordered -= 1
        answer, descriptors = self._answer(3)
        if len(descriptors) < 3:  # the kernel drops what there is no room for
            for descriptor in descriptors:
                os.close(descriptor)
            raise unavailable(os.strerror(errno.EMFILE))
        kinds = (  # said, because asking the kernel costs three system calls a socket
            (socket.AF_UNIX, socket.SOCK_STREAM, 0),
            (socket.AF_PACKET, socket.SOCK_RAW, 0),
            (socket.AF_NETLINK, socket.SOCK_RAW, 4),
        )
        stream, packet, diag = (
            socket.socket(*kind, fileno=descriptor)
            for kind, descriptor in zip(kinds, descriptors, strict=True)
        )
        return NewNamespace(stream, packet, diag, answer["facts"])

    def _answer(self, most: int) -> tuple[dict[str, Any], list[int]]:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, _ANSWER, most)
        except TimeoutError:
            raise TargetError(DEAF) from None
        except ConnectionError:  # it died with orders of ours unread
            data = b""
        if not data:
            raise TargetError(_GONE)
        answer = json.loads(data)
        if "error" in answer:
            raise unavailable(answer["error"])
        return answer, list(descriptors)

    def close(self) -> None:
        """End the netns server; it clears up after itself."""
        self._control.close()
        while self._kept:
            os.close(self._kept.pop())
        processes.end(self._process, END, self._keeper)


def unavailable(reason: str) -> EnvironmentProblem:
    """The one sentence for every machine that has no namespaces for us."""
    return EnvironmentProblem(
        f"Private network namespaces cannot be had here ({reason.rstrip('.')}); "
        "--target reference needs none."
    )
