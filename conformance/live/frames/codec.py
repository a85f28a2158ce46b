"""Segments to Ethernet frames and back; scapy builds and dissects every header.

Rules:

- What is built is exactly what was asked, wrong checksums and lengths too; what is not asked is
  right. What is read never raises: a frame that holds no segment is a reason in words, a segment
  that is not sound carries its ``trouble``.
- The options field belongs to :mod:`conformance.tcp.options` alone, so that unknown and malformed
  options survive octet by octet; scapy never sees it.
- ``ip`` of a segment that was read holds only what differs from the driver's own defaults.

Why headers are built on one scapy object each, and dissected without their payload: the whole
stack ``Ether/IP/TCP`` costs scapy 450 us to build and 100 us to dissect; layer by layer, without
copies and with the checksum computed once, it is about a tenth of the first. The answer to a
segment has to leave within a millisecond of it.

scapy is imported with the first codec, not with this module: ``list`` opens a target, and plays
nothing.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.errors import CaseError
from conformance.live.frames.network import (
    IP,
    IP6,
    PacketBuilder,
    differing,
    read_extensions,
)
from conformance.live.frames.scapy_core import without_makers
from conformance.play.actions import SendIcmp
from conformance.tcp import options as tcp_options
from conformance.tcp.addresses import OTHER, ROUTER, SECOND, STRANGERS
from conformance.tcp.flags import Flags
from conformance.tcp.ip import IpFields
from conformance.tcp.segment import WRONG_CHECKSUM, Segment

_ETHER: Final = 14
_TCP: Final = 20
_MOST_QUOTED: Final = 64  # octets of TCP behind the IP header in an ICMP error: plenty
_PROTOCOLS: Final = {4: 1, 6: 58}  # ICMP, ICMPv6


@dataclass(frozen=True, slots=True)
class WireEnds:
    """Who is who on the wire."""

    ip: int
    tester: str
    target: str
    tester_mac: str
    target_mac: str


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP or ICMPv6 message of the target."""

    type: int
    code: int
    body: bytes


class FrameCodec:
    """Frames of one lab. Reused objects make it fast; it is not for two threads at once."""

    def __init__(self, addresses: WireEnds) -> None:
        """Load scapy, the first time, and lay out the headers that never change."""
        with without_makers():
            from scapy.utils import checksum

            from conformance.live.frames.headers import Ethernet, Ip4, Ip6, Tcp

        self._tcp_layer, self._ip_layer = Tcp, Ip4 if addresses.ip == 4 else Ip6
        self._checksum = checksum
        self.addresses = addresses
        self._tester = self._octets(addresses.tester)
        self._target = self._octets(addresses.target)
        ip = addresses.ip
        named = {self._octets(one[ip]) for one in STRANGERS.values() if ip in one}
        self._second = self._octets(STRANGERS[SECOND][ip])
        self._strangers = named | {self._target}
        ethertype = 0x0800 if addresses.ip == 4 else 0x86DD
        macs = {"src": addresses.tester_mac, "dst": addresses.target_mac}
        self._ether: bytes = Ethernet(**macs, type=ethertype).self_build()
        self._tcp: Any = Tcp()
        self._out = self._builder(addresses.tester, addresses.target)
        self._other = self._octets(STRANGERS[OTHER][ip])
        self._builders: dict[tuple[str, str], PacketBuilder] = {}

    def _builder(self, source: str, destination: str) -> PacketBuilder:
        header = self._ip_layer(src=source, dst=destination)
        return PacketBuilder(self.addresses.ip, header, self._checksum)

    def _between(self, source: str, destination: str) -> PacketBuilder:
        """The builder of these two, kept: ICMP errors, and connections of other addresses."""
        ends = source, destination
        if ends not in self._builders:
            self._builders[ends] = self._builder(*ends)
        return self._builders[ends]

    # Out

    def encode(self, segment: Segment) -> bytes:
        """The frame that carries the segment from the tester to the target, whole."""
        return self.frames(replace(segment, ip=replace(segment.ip, fragments=None)))[0]

    def frames(self, segment: Segment) -> tuple[bytes, ...]:
        """The frames that carry it, in order: one, or one for each fragment."""
        if segment.ip.sender or segment.ip.receiver:
            return self._strange(segment)
        body = self._segment(segment, self._tester, self._target)
        packets = self._out.packets(segment.ip, 6, body)
        return tuple(self._ether + packet for packet in packets)

    def _strange(self, segment: Segment) -> tuple[bytes, ...]:
        """With addresses that are not those of the two ends (RFC 1112 6.4, RFC 2464 7)."""
        ip, ends = segment.ip, self.addresses
        whose = {"": ends.target, "target": ends.target}
        source = self._whose(ip.sender, whose | {"": ends.tester})
        target = self._whose(ip.receiver, whose)
        octets = self._octets(target)
        group = b"\x01\x00\x5e" + bytes((octets[1] & 127,)) + octets[2:4]
        if ends.ip == 6:
            group = b"\x33\x33" + octets[-4:]
        macs = {"broadcast": b"\xff" * 6, "multicast": group}
        ether = macs.get(ip.receiver, self._ether[:6]) + self._ether[6:]
        body = self._segment(segment, self._octets(source), octets)
        packets = self._between(source, target).packets(ip, 6, body)
        return tuple(ether + packet for packet in packets)

    def _whose(self, name: str, whose: dict[str, str]) -> str:
        return whose.get(name) or STRANGERS[name][self.addresses.ip]

    def _octets(self, address: str) -> bytes:
        family = socket.AF_INET if self.addresses.ip == 4 else socket.AF_INET6
        return socket.inet_pton(family, address)

    def encode_icmp(
        self, kind: int, code: int, value: int, quoted: Segment, *, router: bool = False
    ) -> bytes:
        """The frame of an ICMP error that quotes a segment which the target sent."""
        ip, second = self.addresses.ip, quoted.ip.sender == SECOND
        target = STRANGERS[SECOND][ip] if second else self.addresses.target
        tester = STRANGERS[OTHER][ip] if quoted.ip.receiver == OTHER else self.addresses.tester
        source = ROUTER[ip] if router else tester
        original = self._segment(quoted, self._octets(target), self._octets(tester))
        (packet,) = self._between(target, tester).packets(quoted.ip, 6, original)
        body = struct.pack("!BBHI", kind, code, 0, value & 0xFFFFFFFF)
        body += packet[: len(packet) - len(original) + min(len(original), _MOST_QUOTED)]
        ends = self._octets(source) + self._octets(target)
        pseudo = b"" if self.addresses.ip == 4 else ends + struct.pack("!II", len(body), 58)
        body = body[:2] + struct.pack("!H", self._checksum(pseudo + body)) + body[4:]
        protocol = _PROTOCOLS[self.addresses.ip]
        (packet,) = self._between(source, target).packets(IpFields(), protocol, body)
        return self._ether + packet

    def icmp(self, error: SendIcmp) -> bytes:
        """The frame of the error that a conversation asks for."""
        what = error.type, error.code, error.value, error.quoted
        return self.encode_icmp(*what, router=error.router)

    def _segment(self, segment: Segment, source: bytes, destination: bytes) -> bytes:
        field = tcp_options.encode(segment.options)
        words = 5 + len(field) // 4 if segment.offset is None else segment.offset
        if words > 15:
            raise CaseError(f"A TCP header holds 40 octets of options, not {len(field)}.")
        flags = int(segment.flags)
        self._tcp.fields.update(
            sport=segment.sport,
            dport=segment.dport,
            seq=segment.seq,
            ack=segment.ack,
            dataofs=words,
            reserved=segment.reserved,
            flags=flags,
            window=segment.window,
            chksum=0 if segment.checksum in (None, WRONG_CHECKSUM) else segment.checksum,
            urgptr=segment.urgent,
        )
        octets: bytes = self._tcp.self_build() + field + segment.payload
        if segment.checksum in (None, WRONG_CHECKSUM):
            pseudo = source + destination + struct.pack("!II", len(octets), 6)
            right = self._checksum(pseudo + octets)
            found = right if segment.checksum is None else right ^ 0x5555
            octets = octets[:16] + struct.pack("!H", found) + octets[18:]
        return octets

    # In

    def decode(self, frame: bytes) -> Segment | IcmpError | str:
        """The segment or the ICMP message in a frame of the target, or why there is none."""
        if len(frame) < _ETHER:
            return f"a frame of {len(frame)} octets, less than an Ethernet header"
        ethertype = frame[12:14]
        if ethertype != self._ether[12:14]:
            return f"ethertype 0x{ethertype.hex()}, not this case's IP version"
        reader = self._read_4 if self.addresses.ip == 4 else self._read_6
        return reader(frame[_ETHER:])

    def _read_4(self, packet: bytes) -> Segment | IcmpError | str:
        if len(packet) < IP:
            return f"an IPv4 header cut off at {len(packet)} octets"
        size = 4 * (packet[0] & 15)
        header = self._dissect(self._ip_layer, packet[:IP])
        if header["version"] != 4 or not IP <= size <= header["len"]:
            return "a malformed IPv4 header: version, header length or total length is wrong"
        if len(packet) < header["len"]:
            return f"an IPv4 packet of {header['len']} octets cut off at {len(packet)}"
        pair, trouble = packet[12:20], self._stray(packet[12:20], header)
        if trouble and not self._answers_stranger(pair):
            return trouble[0]
        if header["frag"] or int(header["flags"]) & 1:
            return "an IPv4 fragment"
        if self._checksum(packet[:size]):
            trouble.append(f"IPv4 header checksum 0x{header['chksum']:04x} is wrong")
        df = bool(int(header["flags"]) & 2)
        told = differing(ttl=header["ttl"], tos=header["tos"], df=df) | self._named(pair)
        ip = IpFields(**told, options=packet[IP:size])
        return self._read(packet[size : header["len"]], header["proto"], ip, pair, trouble)

    def _read_6(self, packet: bytes) -> Segment | IcmpError | str:
        if len(packet) < IP6:
            return f"an IPv6 header cut off at {len(packet)} octets"
        header = self._dissect(self._ip_layer, packet[:IP6])
        if header["version"] != 6:
            return f"IP version {header['version']} under the ethertype of IPv6"
        end = IP6 + header["plen"]
        if len(packet) < end:
            return f"an IPv6 packet of {end} octets cut off at {len(packet)}"
        pair, trouble = packet[8:40], self._stray(packet[8:40], header)
        if trouble and not self._answers_stranger(pair):
            return trouble[0]
        told = differing(ttl=header["hlim"], tos=header["tc"], flow=header["fl"])
        protocol, body, hop_by_hop, destination = read_extensions(header["nh"], packet[IP6:end])
        told |= self._named(pair)
        ip = IpFields(**told, hop_by_hop=hop_by_hop, destination=destination)
        return self._read(body, protocol, ip, pair, trouble)

    def _stray(self, pair: bytes, header: dict[str, Any]) -> list[str]:
        """What is wrong with the addresses, if they are not the target's and the tester's."""
        source, destination = pair[: len(pair) // 2], pair[len(pair) // 2 :]
        if source in (self._target, self._second) and destination in (self._tester, self._other):
            return []
        return [f"addresses {header['src']} > {header['dst']}, not the target's to the tester"]

    def _named(self, pair: bytes) -> dict[str, str]:
        """Whose address it is from and to, where it is not the first of each end's."""
        from_second, to_other = pair.startswith(self._second), pair.endswith(self._other)
        sender, receiver = SECOND if from_second else "", OTHER if to_other else ""
        return {"sender": sender, "receiver": receiver}

    def _answers_stranger(self, pair: bytes) -> bool:
        """Whether it answers a packet that named one: no TCP may send it, so it has to be seen."""
        source, destination = pair[: len(pair) // 2], pair[len(pair) // 2 :]
        return source in self._strangers and destination in self._strangers | {self._tester}

    def _read(
        self, body: bytes, protocol: int, ip: IpFields, pair: bytes, trouble: list[str]
    ) -> Segment | IcmpError | str:
        if protocol == _PROTOCOLS[self.addresses.ip] and len(body) >= 4:
            return IcmpError(body[0], body[1], body[4:])
        if protocol != 6:
            return f"IP protocol {protocol}, not TCP"
        if len(body) < _TCP:
            return f"a TCP header cut off at {len(body)} octets"
        header = self._dissect(self._tcp_layer, body[:_TCP])
        words: int = header["dataofs"]
        fits = 5 <= words <= len(body) // 4
        if not fits:
            trouble.append(
                f"data offset {words} is below 5"
                if words < 5
                else f"data offset {words} is beyond the segment's {len(body)} octets"
            )
        size = 4 * words if words >= 5 else _TCP
        wrong = self._checksum(pair + struct.pack("!II", len(body), 6) + body)
        if wrong:
            trouble.append(f"TCP checksum 0x{header['chksum']:04x} is wrong")
        return Segment(
            header["sport"],
            header["dport"],
            Flags(int(header["flags"])),
            header["seq"],
            header["ack"],
            header["window"],
            header["urgptr"],
            tcp_options.decode(body[_TCP:size]),
            body[size:],
            header["reserved"],
            None if fits else words,
            header["chksum"] if wrong else None,
            ip,
            tuple(trouble),
        )

    @staticmethod
    def _dissect(layer: Any, octets: bytes) -> dict[str, Any]:
        """The fields of one header, nothing after it."""
        header = layer()
        header.do_dissect(octets)
        fields: dict[str, Any] = header.fields
        return fields
