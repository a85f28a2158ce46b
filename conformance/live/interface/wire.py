"""A wire over an interface of this machine, with the target behind it.

Rules:

- Whoever owns the network says that it may be used; nothing here asks again.
- Nothing is ever sent to another Ethernet address than the target's, and nothing is taken in that
  does not come from it and go to the tester: the kernel drops the rest before it is seen, so that
  whatever else a busy host says cannot make the harness late.
- The tester's address, and the target's, belong to nobody on this machine: its kernel would
  answer, and the verdicts would be about the wrong TCP.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from conformance.errors import CaseError, EnvironmentProblem
from conformance.live.frames import packet_socket
from conformance.live.frames.codec import WireEnds
from conformance.live.glue.channel import Wire, WireTrouble

# Classic BPF: load a word, half-word; compare; end.
_WORD, _HALF, _EQUALS, _END = 0x20, 0x28, 0x15, 0x06
_KEEP: Final[packet_socket.Line] = (_END, 0, 0, 0xFFFFFFFF)
_DROP: Final = 255


class InterfaceWire(Wire):
    """Sends to one Ethernet address, and to no other."""

    def __init__(self, sock: socket.socket, mac: str) -> None:
        super().__init__(sock)
        self._mac = bytes.fromhex(mac.replace(":", ""))

    def send(self, frame: bytes) -> float:
        """Put the frame on the wire, if it is for the target."""
        if frame[:6] != self._mac:
            raise WireTrouble("a frame was to be sent to somebody else")
        return super().send(frame)


def open_interface(
    name: str, ends: Sequence[WireEnds], kind: type[InterfaceWire] = InterfaceWire
) -> InterfaceWire:
    """The wire; CaseError for what cannot be used so, EnvironmentProblem without permission."""
    taken = own_addresses()
    for one in ends:
        for address in (one.tester, one.target):
            if str(ip_address(address)) in taken:
                raise CaseError(f"{address} is an address of this machine, not one behind {name}")
    macs = {one.target_mac for one in ends}
    if len(macs) != 1:
        raise CaseError(f"the target behind {name} has one Ethernet address, not {len(macs)}")
    try:
        sock = packet_socket.open_packet()
    except PermissionError as error:
        raise EnvironmentProblem(
            f"frames on {name} need the right to open packet sockets (CAP_NET_RAW)"
        ) from error
    try:
        # The tester's address is not ours.
        packet_socket.join(sock, name, packet_socket.PROMISCUOUS)
        packet_socket.listen(sock, name, only(ends))
    except OSError as error:
        sock.close()
        raise CaseError(
            f"the interface {name} cannot be used: {error.strerror or error}"
        ) from error
    return kind(sock, macs.pop())


def own_addresses() -> set[str]:
    """Every address that this machine has."""
    from pyroute2 import IPRoute

    with IPRoute() as route:
        attributes = [dict(message["attrs"]) for message in route.get_addr()]
    return {str(each.get("IFA_LOCAL") or each.get("IFA_ADDRESS")) for each in attributes}


def only(ends: Sequence[WireEnds]) -> list[packet_socket.Line]:
    """A filter that drops all but what goes from the target's end of the link to the tester's."""
    lines = _same(6, bytes.fromhex(ends[0].target_mac.replace(":", "")))
    for one in ends:
        family = socket.AF_INET if one.ip == 4 else socket.AF_INET6
        target, tester = (socket.inet_pton(family, end) for end in (one.target, one.tester))
        if one.ip == 4:
            lines += _if(12, 0x0806, [*_same(28, target), *_same(38, tester), _KEEP])
            lines += _if(12, 0x0800, [*_same(26, target), *_same(30, tester), _KEEP])
        else:  # neighbour discovery may come from a link-local address, and go to a group
            source = _unless(22, 0xFE80, _same(22, target))
            to = _unless(38, 0xFF02, _same(38, tester))
            lines += _if(12, 0x86DD, [*source, *to, _KEEP])
    lines.append((_END, 0, 0, 0))
    last = len(lines) - 1
    return [
        (code, yes, last - at - 1 if no == _DROP else no, value)
        for at, (code, yes, no, value) in enumerate(lines)
    ]


def _same(at: int, octets: bytes) -> list[packet_socket.Line]:
    """Drop the frame unless it has these octets there; an even number of them."""
    lines: list[packet_socket.Line] = []
    for start in range(0, len(octets), 4):
        part = octets[start : start + 4]
        load = _WORD if len(part) == 4 else _HALF
        lines += [(load, 0, 0, at + start), (_EQUALS, 0, _DROP, int.from_bytes(part, "big"))]
    return lines


def _if(at: int, value: int, block: list[packet_socket.Line]) -> list[packet_socket.Line]:
    """Go through the block if the half-word is there, else past it."""
    return [(_HALF, 0, 0, at), (_EQUALS, 0, len(block), value), *block]


def _unless(at: int, value: int, block: list[packet_socket.Line]) -> list[packet_socket.Line]:
    """Go past the block if the half-word is there, else through it."""
    return [(_HALF, 0, 0, at), (_EQUALS, len(block), 0, value), *block]
