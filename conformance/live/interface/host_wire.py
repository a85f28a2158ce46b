"""A wire to a target that is a whole machine: its kernel does more than the case.

Rules:

- Only what it says to the tester is seen. Its talk with others, over the same interface, is none
  of a case's business.
- It may still speak of earlier cases: what comes to a port that is not the case's own is answered
  as a host answers that knows no such connection, by a reset (RFC 9293 3.10.7.1), and not judged.
- A segment is judged as it would stand on a cable: segments that were merged or never cut cannot
  be taken apart again, and are a trouble of the wire.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from typing import Final

from conformance.errors import EnvironmentProblem
from conformance.live.frames import packet_socket
from conformance.live.frames.arp_nd import Tester
from conformance.live.frames.checksum_offload import segment_of
from conformance.live.glue.channel import AT_ONE_LOOK, WireTrouble
from conformance.live.interface.wire import InterfaceWire
from conformance.live.kernel.lab import PORTS
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

_GET_GRO: Final = 0x2B  # of ethtool
_SIOCGIFFLAGS, _SIOCGIFMTU = 0x8913, 0x8921
_UP: Final = 1  # a cable may still be plugged in, a virtual machine start
_ARPHRD_ETHER: Final = 1
_ETHER, _VLAN = 14, 4
_ICMP6, _SOLICITATION = 58, 135


class HostWire(InterfaceWire):
    """Frames to and from one machine on an interface of ours."""

    def __init__(self, sock: socket.socket, mac: str) -> None:
        """EnvironmentProblem where the interface would not show segments as they are."""
        self._name: str = sock.getsockname()[0]
        try:
            _check(sock, self._name)
        except EnvironmentProblem:
            sock.close()
            raise
        answer = fcntl.ioctl(sock, _SIOCGIFMTU, struct.pack("16s24x", self._name.encode()))
        self._mtu = int(struct.unpack_from("i", answer, 16)[0])
        self._tester: Tester | None = None
        self._own, self._ports = b"", range(0)
        super().__init__(sock, mac)

    def begin(self, tester: Tester, port: int) -> None:
        """A case begins with this end of the wire; its ports are those from ``port`` on.

        Before the first all that comes is of interest.
        """
        ends = tester.codec.addresses
        family = socket.AF_INET if ends.ip == 4 else socket.AF_INET6
        self._tester, self._ports = tester, range(port, port + PORTS)
        self._own = socket.inet_pton(family, ends.tester)

    def take(self, most: int = AT_ONE_LOOK) -> list[tuple[float, bytes]]:
        """The target's frames to the tester that have come, each with its stamp."""
        came = super().take(most)
        if not self.more:
            self._count_drops(len(came))
        return [one for one in came if self._is_ours(one[1]) and not self._is_stray(one[1])]

    def _count_drops(self, taken: int) -> None:
        if taken and (dropped := packet_socket.drops(self._sock)):
            raise WireTrouble(f"the harness read too late and missed {dropped} frames")

    def _is_ours(self, frame: bytes) -> bool:
        """Whether it is to the tester, or about the link."""
        kind = frame[12:14]
        if kind == b"\x08\x06":
            return True
        if kind == b"\x08\x00":
            ours = self._own in (b"", frame[30:34])
        else:
            asks = frame[20:21] == bytes([_ICMP6]) and frame[54:55] == bytes([_SOLICITATION])
            ours = self._own in (b"", frame[38:54]) or asks
        if ours and len(frame) > self._mtu + _ETHER + _VLAN:
            raise WireTrouble(
                f"a frame of {len(frame)} octets came over a link whose MTU is {self._mtu}: switch "
                "off the target's segmentation offload (ethtool -K INTERFACE tso off gso off)"
            )
        return ours

    def _is_stray(self, frame: bytes) -> bool:
        """Whether it belongs to an earlier case; it is answered then."""
        found = segment_of(frame)
        if found is None or self._tester is None or found.ports[1] in self._ports:
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


def _check(sock: socket.socket, name: str) -> None:
    if sock.getsockname()[3] != _ARPHRD_ETHER:
        raise EnvironmentProblem(f"{name} is no Ethernet interface.")
    flags = fcntl.ioctl(sock, _SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
    if not struct.unpack_from("H", flags, 16)[0] & _UP:
        raise EnvironmentProblem(f"{name} is down: ip link set {name} up.")
    merges = 0
    with contextlib.suppress(OSError):  # a driver without ethtool merges nothing
        merges = packet_socket.ethtool(sock, name, _GET_GRO)
    if merges:
        raise EnvironmentProblem(
            f"{name} merges segments that come, so none can be judged: ethtool -K {name} gro off."
        )
