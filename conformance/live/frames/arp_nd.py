"""Who has the tester's address? The harness says so: by ARP (RFC 826) and by ND (RFC 4861).

It says so of the third host's, too, which it plays under the same address of the link.
Behind a pipe or a TAP there is no kernel that would answer for the tester. What else the link has
to say of itself is dropped and never judged: ARP, IGMP, MLD, router and neighbour discovery. A
target may announce itself, look for routers or join groups; that is no part of its TCP.
"""

from __future__ import annotations

import logging
import socket
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.tcp.addresses import OTHER, STRANGERS

_ARP, _IP, _IP6 = b"\x08\x06", b"\x08\x00", b"\x86\xdd"
_ETHER: Final = 14
_IGMP, _ICMP6, _HOP_BY_HOP, _ROUTER_ALERT = 2, 58, 0, 8
_MLD: Final = (130, 131, 132, 143)
_SOLICITATION, _ADVERTISEMENT = 135, 136
_DISCOVERY: Final = range(133, 138)
_LINK_LOCAL: Final = b"\xfe\x80"


@dataclass(frozen=True, slots=True)
class Tester:
    """The tester's end of the wire in one IP version: what it builds and reads frames with."""

    codec: FrameCodec
    neighbours: Neighbours

    @classmethod
    def of(cls, addresses: WireEnds) -> Tester:
        """The end of these addresses."""
        return cls(FrameCodec(addresses), Neighbours(addresses))


class Noise(Enum):
    """What a frame is to the link."""

    NONE = "not the link's own: to be judged"
    DROPPED = "noise"
    ANSWERED = "noise that is to be answered"
    HERE = "the target's answer: it is there"


class Neighbours:
    """Answers for the tester of one address family."""

    def __init__(self, addresses: WireEnds) -> None:
        """Load scapy's layers; they build what is sent."""
        logging.getLogger("scapy").setLevel(logging.CRITICAL)
        from scapy.layers import inet6, l2

        self._l2: Any = l2
        self._six: Any = inet6
        self._addresses = addresses
        ours = (addresses.tester, STRANGERS[OTHER][addresses.ip])
        self._ours = {socket.inet_pton(_family(addresses), one): one for one in ours}
        self._target = socket.inet_pton(_family(addresses), addresses.target)
        self._asked: tuple[bytes, bytes] = (b"", b"")  # the last question, and its answer

    def look(self, frame: bytes) -> tuple[Noise, bytes]:
        """What a frame of the target is, and the frame to answer it with."""
        kind = frame[12:14]
        if kind == _ARP:
            return self._arp(frame)
        if kind == _IP:
            return (Noise.DROPPED if frame[23:24] == bytes([_IGMP]) else Noise.NONE), b""
        return self._discovery(frame) if kind == _IP6 else (Noise.NONE, b"")

    def question(self) -> bytes:
        """The frame that asks the target whether it is there: to it alone, as a host asks again."""
        return question(self._addresses, self._addresses.target)

    def _arp(self, frame: bytes) -> tuple[Noise, bytes]:
        if len(frame) < 42 or self._addresses.ip != 4:
            return Noise.DROPPED, b""
        operation, mac, sender, wanted = frame[20:22], frame[22:28], frame[28:32], frame[38:42]
        if operation == b"\0\2" and sender == self._target:
            return Noise.HERE, b""
        if operation != b"\0\1" or wanted not in self._ours or sender != self._target:
            return Noise.DROPPED, b""
        if frame[:42] != self._asked[0]:
            ends, asking = self._addresses, _mac(mac)
            answer = self._l2.ARP(
                op=2,
                hwsrc=ends.tester_mac,
                psrc=self._ours[wanted],
                hwdst=asking,
                pdst=ends.target,
            )
            header = self._l2.Ether(src=ends.tester_mac, dst=asking, type=0x0806)
            self._asked = frame[:42], bytes(header / answer)
        return Noise.ANSWERED, self._asked[1]

    def _discovery(self, frame: bytes) -> tuple[Noise, bytes]:
        at, header = _ETHER + 40, frame[20:21]
        if header == bytes([_HOP_BY_HOP]) and frame[at : at + 1] == bytes([_ICMP6]):
            at += _ROUTER_ALERT
        elif header != bytes([_ICMP6]):
            return Noise.NONE, b""
        kind = frame[at] if len(frame) > at else 0
        if kind in _MLD:
            return Noise.DROPPED, b""
        if kind not in _DISCOVERY:
            return Noise.NONE, b""
        source, about = frame[22:38], frame[at + 8 : at + 24]
        if kind == _ADVERTISEMENT and about == self._target:
            return Noise.HERE, b""
        ours = source == self._target or source[:2] == _LINK_LOCAL
        if kind != _SOLICITATION or about not in self._ours or not ours:
            return Noise.DROPPED, b""
        if frame != self._asked[0]:
            self._asked = frame, self._advertisement(frame[6:12], source, self._ours[about])
        return Noise.ANSWERED, self._asked[1]

    def _advertisement(self, mac: bytes, asking: bytes, about: str) -> bytes:
        ends, six = self._addresses, self._six
        to = socket.inet_ntop(socket.AF_INET6, asking)
        packet = six.IPv6(src=about, dst=to, hlim=255)
        packet /= six.ICMPv6ND_NA(R=0, S=1, O=1, tgt=about)
        packet /= six.ICMPv6NDOptDstLLAddr(lladdr=ends.tester_mac)
        return bytes(self._l2.Ether(src=ends.tester_mac, dst=_mac(mac), type=0x86DD) / packet)


def question(ends: WireEnds, wanted: str, *, named: bool = True, everybody: bool = False) -> bytes:
    """The frame that asks who has this address.

    Without a name nobody learns of the tester by it (RFC 5227 2.1.1, RFC 4862 5.4.2). It goes to
    the whole link or, as a host asks again, to the target alone.
    """
    from scapy.layers import inet6, l2

    if ends.ip == 4:
        to = "ff:ff:ff:ff:ff:ff" if everybody else ends.target_mac
        asker = ends.tester if named else "0.0.0.0"
        asked = l2.ARP(
            op=1, hwsrc=ends.tester_mac, psrc=asker, pdst=wanted, hwdst="00:00:00:00:00:00"
        )
        return bytes(l2.Ether(src=ends.tester_mac, dst=to, type=0x0806) / asked)
    group = inet6.in6_getnsma(socket.inet_pton(socket.AF_INET6, wanted))
    to = inet6.in6_getnsmac(group) if everybody else ends.target_mac
    address = socket.inet_ntop(socket.AF_INET6, group) if everybody else wanted
    packet = inet6.IPv6(src=ends.tester if named else "::", dst=address, hlim=255)
    packet /= inet6.ICMPv6ND_NS(tgt=wanted)
    if named:  # RFC 4861 4.3: where to answer, unless nobody asks
        packet /= inet6.ICMPv6NDOptSrcLLAddr(lladdr=ends.tester_mac)
    return bytes(l2.Ether(src=ends.tester_mac, dst=to, type=0x86DD) / packet)


def told(frame: bytes) -> str:
    """What noise says, in a few words, as far as it can be read."""
    if frame[12:14] == _ARP:
        asks = frame[20:22] == b"\0\1"
        about = frame[38:42] if asks else frame[28:32]
        return f"ARP {_asked(about, asks=asks)}"
    if frame[12:14] != _IP6:
        return "IGMP"
    kind = frame[_ETHER + 40] if len(frame) > _ETHER + 40 else 0
    if kind in (_SOLICITATION, _ADVERTISEMENT):
        return f"ND {_asked(frame[62:78], asks=kind == _SOLICITATION)}"
    return "ND of routers" if kind in _DISCOVERY else "MLD"


def _asked(address: bytes, *, asks: bool) -> str:
    family = {4: socket.AF_INET, 16: socket.AF_INET6}.get(len(address))
    name = socket.inet_ntop(family, address) if family else "an address that is cut off"
    return f"who has {name}" if asks else f"{name} is here"


def claims(frame: bytes, address: bytes) -> bool:
    """Whether its sender says that it has the address."""
    if frame[12:14] == _ARP:
        return frame[28:32] == address
    is_word = frame[12:14] == _IP6 and frame[20:21] == bytes([_ICMP6])
    return is_word and frame[54:55] == bytes([_ADVERTISEMENT]) and frame[62:78] == address


def _family(addresses: WireEnds) -> socket.AddressFamily:
    return socket.AF_INET if addresses.ip == 4 else socket.AF_INET6


def _mac(octets: bytes) -> str:
    return ":".join(f"{octet:02x}" for octet in struct.unpack("6B", octets))
