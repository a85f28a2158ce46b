"""The frame that a segment would have had on a wire: for captures of what had none.

Pure: no scapy, no addresses of a machine. What was asked of the headers is in it, a wrong checksum
too. Fragments are not cut: the datagram is whole.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from conformance.tcp import options as tcp_options
from conformance.tcp.addresses import STRANGERS
from conformance.tcp.ip import IpFields, padded_4, padded_6
from conformance.tcp.segment import WRONG_CHECKSUM, Segment

_TYPES: Final = {4: 0x0800, 6: 0x86DD}
_TCP: Final = 6
_DF: Final = 0x4000
_WRONG: Final = 0x5555


@dataclass(frozen=True, slots=True)
class Hosts:
    """Addresses of both ends; those of RFC 5737 and RFC 3849 where there were none."""

    tester: str
    target: str


NOBODY: Final[Mapping[int, Hosts]] = {
    4: Hosts("192.0.2.1", "192.0.2.2"),
    6: Hosts("2001:db8::1", "2001:db8::2"),
}
_TESTER_MAC, _TARGET_MAC = b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"


def frame(segment: Segment, version: int, hosts: Hosts, *, from_target: bool) -> bytes:
    """The segment behind an IP header behind an Ethernet header."""
    source, destination = (hosts.tester, hosts.target)[:: -1 if from_target else 1]
    ends = [
        _address(segment.ip.sender, version, source, hosts.target),
        _address(segment.ip.receiver, version, destination, hosts.target),
    ]
    macs = (_TARGET_MAC, _TESTER_MAC)[:: -1 if from_target else 1]
    body = _tcp(segment, b"".join(ends))
    packet = (_four if version == 4 else _six)(segment.ip, b"".join(ends), body)
    return b"".join(macs) + struct.pack("!H", _TYPES[version]) + packet + segment.ip.behind


def hosts(frame: bytes, version: int, *, from_target: bool) -> Hosts | None:
    """Who is who in a frame that was on a wire; None where it is no such frame."""
    at, size = (26, 4) if version == 4 else (22, 16)
    if len(frame) < at + 2 * size or frame[12:14] != struct.pack("!H", _TYPES[version]):
        return None
    found = [str(ip_address(frame[at + n * size : at + (n + 1) * size])) for n in (0, 1)]
    source, destination = found
    return Hosts(destination, source) if from_target else Hosts(source, destination)


def _address(name: str, version: int, ordinary: str, target: str) -> bytes:
    if not name:
        return ip_address(ordinary).packed
    return ip_address(STRANGERS.get(name, {}).get(version, target)).packed


def _tcp(segment: Segment, ends: bytes) -> bytes:
    options = tcp_options.encode(segment.options)
    words = 5 + len(options) // 4 if segment.offset is None else segment.offset
    bits = (words & 15) << 12 | segment.reserved << 9 | int(segment.flags)
    ports = segment.sport, segment.dport, segment.seq, segment.ack
    asked = segment.checksum if segment.checksum not in (None, WRONG_CHECKSUM) else 0
    head = struct.pack("!HHIIHHHH", *ports, bits, segment.window, asked or 0, segment.urgent)
    octets = head + options + segment.payload
    if segment.checksum in (None, WRONG_CHECKSUM):
        right = _checksum(ends + struct.pack("!II", len(octets), _TCP) + octets)
        told = right if segment.checksum is None else right ^ _WRONG
        octets = octets[:16] + struct.pack("!H", told) + octets[18:]
    return octets


def _four(ip: IpFields, ends: bytes, body: bytes) -> bytes:
    options = padded_4(ip.options)
    size = 20 + len(options)
    head = struct.pack(
        "!BBHHHBBH", 0x40 | size // 4 & 15, ip.number("tos"),
        (size + len(body) + ip.length) & 0xFFFF, 0, _DF * ip.number("df"), ip.number("ttl"),
        _TCP, 0,
    )  # fmt: skip
    whole = head + ends + options
    return whole[:10] + struct.pack("!H", _checksum(whole)) + whole[12:] + body


def _six(ip: IpFields, ends: bytes, body: bytes) -> bytes:
    protocol = _TCP
    for kind, options in ((60, ip.destination), (0, ip.hop_by_hop)):
        if options:
            octets = padded_6(options)
            body = bytes((protocol, ((len(octets) + 2) // 8 - 1) & 255)) + octets + body
            protocol = kind
    first = 6 << 28 | ip.number("tos") << 20 | ip.number("flow")
    size = (len(body) + ip.length) & 0xFFFF
    return struct.pack("!IHBB", first, size, protocol, ip.number("ttl")) + ends + body


def _checksum(octets: bytes) -> int:
    """RFC 1071, in one's complement."""
    octets += b"\0" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
