"""Packet sockets: the numbers that Python does not name, filters, stamps, drops, ethtool.

Rules:

- Standard library only: processes that import nothing else use it too (see ``live.workers``).
- A socket is opened for no protocol, so that nothing comes before it is bound, and its filter is
  there by then.
- Stamps are the kernel's, CLOCK_REALTIME: when a frame was queued at our end, when the driver took
  one. What Python reads itself could put an answer before its cause.
"""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Iterable, Sequence
from typing import Final

# linux/if_packet.h
_SOL_PACKET: Final = 263
_ADD_MEMBERSHIP, _STATISTICS, _AUXDATA, _IGNORE_OUTGOING = 1, 6, 8, 23
MULTICAST, PROMISCUOUS, UNICAST = 0, 1, 3  # kinds of membership
_CSUM_NOT_READY: Final = 1 << 3  # TP_STATUS_CSUMNOTREADY
_EVERYTHING: Final = 3  # ETH_P_ALL
# asm-generic/socket.h and linux/net_tstamp.h
_SO_TIMESTAMPNS, _SO_TIMESTAMPING = 35, 37
_SO_ATTACH_FILTER, _SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 26, 32, 33
_MSG_ERRQUEUE: Final = 0x2000
# TX_SOFTWARE | SOFTWARE | OPT_TSONLY: a stamp for what leaves, without the frame's copy.
_TX_STAMPS: Final = 1 << 1 | 1 << 4 | 1 << 11
_NANO: Final = 1_000_000_000
_ANCILLARY: Final = 256
_BUFFER: Final = 4 << 20  # octets: a flood of a case is some thousand frames, either way
_SIOCETHTOOL: Final = 0x8946

Line = tuple[int, int, int, int]  # of classic BPF: code, lines to skip if so, if not, value
Ancillary = Iterable[tuple[int, int, bytes]]


def open_packet() -> socket.socket:
    """A socket for Ethernet frames; PermissionError without CAP_NET_RAW."""
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


def listen(packet: socket.socket, interface: str, lines: Sequence[Line] = ()) -> None:
    """See all that comes over the interface and passes the filter, nothing that goes."""
    if lines:
        attach(packet, lines)
    packet.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    try:
        packet.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        packet.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _BUFFER)
    except PermissionError:  # without root: what the host allows everybody
        packet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        packet.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    packet.bind((interface, _EVERYTHING))


def attach(sock: socket.socket, lines: Sequence[Line]) -> None:
    """Have the kernel run this classic BPF over each frame, before anybody sees it."""
    code = array.array("Q")
    for line in lines:
        code.frombytes(struct.pack("=HBBI", *line))
    program = struct.pack("HP", len(lines), code.buffer_info()[0])
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def join(packet: socket.socket, interface: str, kind: int, mac: bytes = b"") -> None:
    """Have the interface listen to one more address, for as long as the socket is open."""
    request = struct.pack("iHH8s", socket.if_nametoindex(interface), kind, len(mac), mac)
    packet.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, request)


def stamped(sock: socket.socket, *, departures: bool = False) -> None:
    """Have the kernel stamp what comes, and what leaves too."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    if departures:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _TX_STAMPS)


def received(sock: socket.socket, most: int) -> tuple[bytes, Ancillary, int]:
    """The next frame, what the kernel says of it, and the flags; BlockingIOError for none."""
    frame, ancillary, flags, _ = sock.recvmsg(most, _ANCILLARY)
    return frame, ancillary, flags


def departure(packet: socket.socket) -> int | None:
    """The next stamp of a frame that left."""
    try:
        _, ancillary, _, _ = packet.recvmsg(0, _ANCILLARY, _MSG_ERRQUEUE)
    except BlockingIOError:
        return None
    return stamp(ancillary, _SO_TIMESTAMPING)


def stamp(ancillary: Ancillary, kind: int = _SO_TIMESTAMPNS) -> int | None:
    """When it was, in nanoseconds since the epoch; None where the kernel does not say."""
    for level, number, data in ancillary:
        if level == socket.SOL_SOCKET and number == kind:
            whole, nanoseconds = struct.unpack_from("@ll", data)
            return int(whole * _NANO + nanoseconds) or None
    return None


def tell_checksums(packet: socket.socket) -> None:
    """Have the kernel say of each frame what :func:`unfinished` looks at."""
    packet.setsockopt(_SOL_PACKET, _AUXDATA, 1)


def unfinished(ancillary: Ancillary) -> bool:
    """Whether the frame's checksum was left to hardware."""
    for level, number, data in ancillary:
        if (level, number) == (_SOL_PACKET, _AUXDATA):
            return bool(struct.unpack_from("=I", data)[0] & _CSUM_NOT_READY)
    return False


def drops(packet: socket.socket) -> int:
    """How many frames the receive buffer could not hold since the last asking."""
    return int(struct.unpack("=II", packet.getsockopt(_SOL_PACKET, _STATISTICS, 8))[1])


def ethtool(sock: socket.socket, interface: str, command: int, value: int = 0) -> int:
    """One of ethtool's commands that set or get a number; the number then. OSError if refused."""
    argument = array.array("I", (command, value))
    request = struct.pack("16sP16x", interface.encode(), argument.buffer_info()[0])
    fcntl.ioctl(sock, _SIOCETHTOOL, request)
    return argument[1]
