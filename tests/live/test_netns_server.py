"""The netns server's own loop, with lines that no child is at the other end of."""

from __future__ import annotations

import os
import socket

from conformance.live.workers.netns_server import _AGAIN, _NEARLY, _Workers


def _line(workers: _Workers) -> tuple[int, socket.socket]:
    """A line to a child: the server's descriptor of it, and the child's end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # to wait for it is to wait for a case that has just begun
    workers._children[ours.fileno()] = (os.getpid(), ours)
    workers._poll.register(ours, 1)
    return ours.fileno(), theirs


def test_a_request_beside_a_line_that_speaks_waits_for_no_case() -> None:
    """Both are readable in one turn, and the request is what reads the line."""
    harness, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    workers = _Workers(control, {})
    nearly, child = _line(workers)
    workers._unborn = nearly
    idle, other = _line(workers)
    workers._idle.append(idle)
    child.send(_NEARLY)
    harness.send(b"?")
    harness.shutdown(socket.SHUT_WR)
    workers.serve()
    assert other.recv(8) == _AGAIN
    assert workers._unborn == idle
    for end in (harness, control, child, other, *(ours for _, ours in workers._children.values())):
        end.close()
    os.close(workers._home)
