"""The steps of what no program may take amiss: requests that are none, frames that are none.

They come last: who does not hold here may be killed by it, and all else is proved by then.
"""

from __future__ import annotations

from typing import Final

from conformance.live.glue.channel import BABBLE, LARGEST_FRAME, Reply
from conformance.targets.check.stack import CLOSED, CheckedStack
from conformance.targets.check.wire_tester import Failed
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

_LISTENS: Final = 4002  # a port of its own, whatever the steps before have left
_NO_HANDLE: Final = 1_000_000
_HEADERS: Final = 14 + 20  # octets of Ethernet and of the smaller IP header


def requests(stack: CheckedStack) -> str:
    """What is no request has an errno of its own."""
    tester = stack.tester
    _hold("an unknown call", tester.ask_all("frobnicate"), "ENOSYS")
    _hold("recv of a handle that is none", tester.ask_all("recv", socket=_NO_HANDLE), "EBADF")
    glue = tester.started.speaker
    _hold(BABBLE, glue.answer(glue.babble(), []), "EBADMSG")
    return "ENOSYS EBADF EBADMSG"


def _hold(what: str, reply: Reply, errno: str) -> None:
    if reply.errno != errno:
        raise Failed(f"{what} gives {reply.errno or reply.value}, not {errno}")


def frames(stack: CheckedStack) -> str:
    """After frames of no octets and of the most a handshake goes as ever."""
    tester, peer = stack.tester, stack.peer(_LISTENS)
    frame = tester.end.codec.encode(Segment(peer.port, CLOSED, Flags.SYN, 0))[:_HEADERS]
    tester.put(b"")
    tester.put(frame + b"\xff" * (LARGEST_FRAME - len(frame)))
    listener = tester.ask("listen", port=_LISTENS).value
    accept = tester.begin("accept", socket=listener)
    peer.open()
    tester.final(accept, "accept")
    return "a handshake goes as ever"
