"""The steps of a target that nobody makes calls on: what its servers do by themselves."""

from __future__ import annotations

from typing import Final

from conformance.play.servers import Server
from conformance.targets.check.stack import CheckedStack, hold_to_stream
from conformance.targets.check.wire_tester import Failed, Peer
from conformance.tcp.flags import Flags

_TEN: Final = bytes(range(48, 58))


def serves(stack: CheckedStack, server: Server, port: int) -> str:
    """A connection to the server, and what it does with it."""
    peer = stack.peer(port)
    peer.open()
    told = _SERVERS[server](peer)
    peer.send(Flags.RST)
    return told


def over_six(stack: CheckedStack) -> str:
    """The first server, over IPv6."""
    stack.wired(6)
    stack.neighbour()
    server, port = next(iter(stack.file.serves.items()))
    return serves(stack, server, port)


def _discards(peer: Peer) -> str:
    peer.send(Flags.ACK | Flags.PSH, _TEN)
    if peer.expect("ACK", Flags.ACK).ack != peer.seq:
        raise Failed("it does not acknowledge what it was sent")
    return "it takes 10 octets"


def _echoes(peer: Peer) -> str:
    peer.send(Flags.ACK | Flags.PSH, _TEN)
    found = peer.expect("text", Flags.ACK, length=len(_TEN)).payload
    if found != _TEN:
        raise Failed(f"it sends {found!r} where {_TEN!r} was sent to it")
    return "10 octets come back"


def _generates(peer: Peer) -> str:
    found = peer.expect("text", Flags.ACK).payload
    if not found:
        raise Failed("it does not begin to write")
    hold_to_stream(found)
    return f"{len(found)} octets of the stream function"


_SERVERS: Final = {
    Server.DISCARD: _discards,
    Server.ECHO: _echoes,
    Server.CHARGEN: _generates,
}
