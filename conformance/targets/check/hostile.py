"""The steps of what no program may take amiss: requests that are none, frames that are none.

They come last: who does not hold here may be killed by it, and all else is proved by then.
"""

from __future__ import annotations

from typing import Final

from conformance.live.glue.channel import BABBLE, LARGEST_FRAME, Reply
from conformance.targets.check.stack import CLOSED, Stand
from conformance.targets.check.wire_tester import Failed
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

_LISTENS: Final = 4002  # a port of its own, whatever the steps before have left
_NO_HANDLE: Final = 1_000_000
_HEADERS: Final = 14 + 20  # octets of Ethernet and of the smaller IP header


def requests(stand: Stand) -> str:
    """What is no request has an errno of its own."""
    hand = stand.hand
    _hold("an unknown call", hand.ask_all("frobnicate"), "ENOSYS")
    _hold("recv of a handle that is none", hand.ask_all("recv", socket=_NO_HANDLE), "EBADF")
    glue = hand.started.speaker
    _hold(BABBLE, glue.answer(glue.babble(), []), "EBADMSG")
    return "ENOSYS EBADF EBADMSG"


def _hold(what: str, reply: Reply, errno: str) -> None:
    if reply.errno != errno:
        raise Failed(f"{what} gives {reply.errno or reply.value}, not {errno}")


def frames(stand: Stand) -> str:
    """After frames of no octets and of the most a handshake goes as ever."""
    hand, peer = stand.hand, stand.peer(_LISTENS)
    frame = hand.tester.codec.encode(Segment(peer.port, CLOSED, Flags.SYN, 0))[:_HEADERS]
    hand.put(b"")
    hand.put(frame + b"\xff" * (LARGEST_FRAME - len(frame)))
    listener = hand.ask("listen", port=_LISTENS).value
    accept = hand.begin("accept", socket=listener)
    peer.open()
    hand.final(accept, "accept")
    return "a handshake goes as ever"
