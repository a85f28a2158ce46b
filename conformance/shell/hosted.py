"""A wire to a target that is a whole machine: its kernel does more than the case.

Rules:

- Only what it says to the tester is seen. Its talk with others, over the same interface, is none
  of a case's business.
- It may still speak of earlier cases: what comes to a port that is not the case's own is answered
  as a host answers that knows no such connection, by a reset (RFC 9293 3.10.7.1), and not judged.
- A segment is judged as it would stand on a cable. Where the target's interface leaves checksums
  to the next hop and there is none (a veth pair, a virtual machine), they are filled in; segments
  that were merged or never cut cannot be taken apart again, and are a trouble of the wire.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import socket
import struct
import time
from typing import Final

from conformance.errors import EnvironmentProblem
from conformance.shell.clock import NANO, seconds
from conformance.shell.glue import WireTrouble
from conformance.shell.lab import PORTS
from conformance.shell.link import SO_TIMESTAMPNS
from conformance.shell.neighbours import Tester
from conformance.shell.outside import Fenced
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

_SOL_PACKET: Final = 263
_STATISTICS, _AUXDATA = 6, 8
_CHECKSUM_NOT_READY: Final = 1 << 3  # TP_STATUS_CSUMNOTREADY
_SIOCETHTOOL, _GET_GRO, _SIOCGIFFLAGS, _SIOCGIFMTU = 0x8946, 0x2B, 0x8913, 0x8921
_UP: Final = 1  # a cable may still be plugged in, a virtual machine start
_ARPHRD_ETHER: Final = 1
_ETHER, _VLAN = 14, 4
_FRAME: Final = 65536
_ANCILLARY: Final = 256
_TCP, _ICMP6, _SOLICITATION = 6, 58, 135


class Hosted(Fenced):
    """Frames to and from one machine on an interface of ours."""

    def __init__(self, sock: socket.socket, mac: str) -> None:
        """EnvironmentProblem where the interface would not show segments as they are."""
        self._name: str = sock.getsockname()[0]
        try:
            _check(sock, self._name)
        except EnvironmentProblem:
            sock.close()
            raise
        sock.setsockopt(_SOL_PACKET, _AUXDATA, 1)
        answer = fcntl.ioctl(sock, _SIOCGIFMTU, struct.pack("16s24x", self._name.encode()))
        self._mtu = int(struct.unpack_from("i", answer, 16)[0])
        self._tester: Tester | None = None
        self._own, self._ports = b"", range(0)
        super().__init__(sock, mac)

    def begin(self, tester: Tester, port: int) -> None:
        """A case begins with this end of the wire; its ports are those from ``port`` on."""
        ends = tester.codec.addresses
        family = socket.AF_INET if ends.ip == 4 else socket.AF_INET6
        self._tester, self._ports = tester, range(port, port + PORTS)
        self._own = socket.inet_pton(family, ends.tester)

    def take(self, most: int = 256) -> list[tuple[float, bytes]]:
        """The target's frames to the tester that have come, each with its stamp."""
        frames: list[tuple[float, bytes]] = []
        self.more = False
        for _ in range(most):
            found = self._next()
            if found is None:
                self._count_drops(len(frames))
                return frames
            at, frame = found
            if self._is_ours(frame) and not self._is_stray(frame):
                frames.append((at, frame))
        self.more = True
        return frames

    def _next(self) -> tuple[float, bytes] | None:
        try:
            frame, ancillary, _, _ = self._sock.recvmsg(_FRAME, _ANCILLARY)
        except BlockingIOError:
            return None
        except OSError as error:
            raise WireTrouble(f"{self._name} is gone: {error.strerror}") from error
        stamp, finished = time.time_ns(), True
        for level, number, data in ancillary:
            if level == socket.SOL_SOCKET and number == SO_TIMESTAMPNS:
                whole, nanoseconds = struct.unpack_from("@ll", data)
                stamp = whole * NANO + nanoseconds
            elif level == _SOL_PACKET and number == _AUXDATA:
                finished = not struct.unpack_from("=I", data)[0] & _CHECKSUM_NOT_READY
        return seconds(stamp), frame if finished else with_checksum(frame)

    def _count_drops(self, taken: int) -> None:
        if taken:
            statistics = self._sock.getsockopt(_SOL_PACKET, _STATISTICS, 8)
            dropped = struct.unpack("=II", statistics)[1]
            if dropped:
                raise WireTrouble(f"the harness read too late and missed {dropped} frames")

    def _is_ours(self, frame: bytes) -> bool:
        """Whether it is to the tester, or about the link."""
        kind = frame[12:14]
        if kind == b"\x08\x06":
            return True
        if kind == b"\x08\x00":
            ours = frame[30:34] == self._own
        else:
            asks = frame[20:21] == bytes([_ICMP6]) and frame[54:55] == bytes([_SOLICITATION])
            ours = frame[38:54] == self._own or asks
        if ours and len(frame) > self._mtu + _ETHER + _VLAN:
            raise WireTrouble(
                f"a frame of {len(frame)} octets came over a link whose MTU is {self._mtu}: switch "
                "off the target's segmentation offload (ethtool -K INTERFACE tso off gso off)"
            )
        return ours

    def _is_stray(self, frame: bytes) -> bool:
        """Whether it belongs to an earlier case; it is answered then."""
        ports = _ports(frame)
        if ports is None or self._tester is None or ports[1] in self._ports:
            return False
        codec = self._tester.codec
        content = codec.decode(frame)
        if isinstance(content, Segment) and Flags.RST not in content.flags:
            self.send(codec.encode(reset_for(content)))
        return True


def reset_for(segment: Segment) -> Segment:
    """What answers a segment when there is no connection (RFC 9293 3.10.7.1)."""
    ports = segment.dport, segment.sport
    if Flags.ACK in segment.flags:
        return Segment(*ports, Flags.RST, segment.ack)
    return Segment(*ports, Flags.RST | Flags.ACK, 0, segment.end)


# ---- the frame -----------------------------------------------------------------------------------


def _ports(frame: bytes) -> tuple[int, int] | None:
    """Source and destination port, if it is a TCP segment."""
    found = _segment_of(frame)
    return None if found is None else struct.unpack_from("!HH", found[1])


def _segment_of(frame: bytes) -> tuple[int, bytes, bytes] | None:
    """Where the TCP segment begins, its octets, and both its addresses."""
    if frame[12:14] == b"\x08\x00" and len(frame) >= _ETHER + 20:
        at, protocol, addresses = _ETHER + 4 * (frame[14] & 15), frame[23], frame[26:34]
        end = _ETHER + int.from_bytes(frame[16:18])
    elif frame[12:14] == b"\x86\xdd" and len(frame) >= _ETHER + 40:
        at, protocol, addresses = _ETHER + 40, frame[20], frame[22:54]
        end = at + int.from_bytes(frame[18:20])
    else:
        return None
    if protocol != _TCP or end - at < 20 or len(frame) < end:
        return None
    return at, frame[at:end], addresses


def with_checksum(frame: bytes) -> bytes:
    """The frame with the TCP checksum that its sender has left to a later hop."""
    found = _segment_of(frame)
    if found is None:
        return frame
    at, body, addresses = found
    body = body[:16] + b"\0\0" + body[18:]
    right = checksum(addresses + struct.pack("!II", len(body), _TCP) + body)
    return frame[: at + 16] + struct.pack("!H", right) + frame[at + 18 :]


def checksum(octets: bytes) -> int:
    """RFC 1071: the one's complement of the one's complement sum of 16-bit words."""
    octets += b"\0" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def _check(sock: socket.socket, name: str) -> None:
    if sock.getsockname()[3] != _ARPHRD_ETHER:
        raise EnvironmentProblem(f"{name} is no Ethernet interface.")
    flags = fcntl.ioctl(sock, _SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
    if not struct.unpack_from("H", flags, 16)[0] & _UP:
        raise EnvironmentProblem(f"{name} is down: ip link set {name} up.")
    value = array.array("I", (_GET_GRO, 0))
    with contextlib.suppress(OSError):  # a driver without ethtool merges nothing
        request = struct.pack("16sP16x", name.encode(), value.buffer_info()[0])
        fcntl.ioctl(sock, _SIOCETHTOOL, request)
    if value[1]:
        raise EnvironmentProblem(
            f"{name} merges segments that come, so none can be judged: ethtool -K {name} gro off."
        )
