"""The wire between two namespaces: a veth pair, its names, what it passes, the plan that lays it.

Rules:

- The tester's own frames are not seen again, nor is neighbour discovery (the filter drops it); all
  else is passed up to be judged.
- The plan is built once a run, by the harness, and replayed as octets in every namespace.

It is always the same but for the tester's address, so it is packed by hand: pyroute2 would take a
fifth of a second to be imported, most of what a short run costs. A test holds it to what pyroute2
builds, octet by octet. Standard library only.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from conformance.live.frames import packet_socket
from conformance.tcp.addresses import OTHER, SECOND, STRANGERS

TARGET: Final = {4: "192.0.2.2", 6: "2001:db8::2"}
TESTER_MAC: Final = "02:00:00:00:00:01"
TARGET_MAC: Final = "02:00:00:00:00:02"
MTU: Final = 1500
INTERFACE: Final = "veth0"
INDEX: Final = 2  # the first after lo in a fresh namespace, and asked for
PEER_FD: Final = 32  # where the plan expects the target's namespace; a worker has fewer open

# Classic BPF over the frame: (code, jump if true, jump if false, operand). ARP, IGMP, MLD (130-132,
# 143) and neighbour discovery (133-137) are the link's own noise; all else is a thing to judge.
_FILTER: Final = (
    (0x28, 0, 0, 12),  # 0 the ethertype
    (0x15, 16, 0, 0x0806),  # 1 ARP: drop
    (0x15, 3, 0, 0x86DD),  # 2 IPv6: at 6
    (0x15, 0, 13, 0x0800),  # 3 not IPv4: keep
    (0x30, 0, 0, 23),  # 4 the protocol
    (0x15, 12, 11, 2),  # 5 IGMP: drop; else keep
    (0x30, 0, 0, 20),  # 6 the next header
    (0x15, 0, 2, 58),  # 7 ICMPv6
    (0x30, 0, 0, 54),  # 8 its type
    (0x05, 0, 0, 4),  # 9 judged at 14
    (0x15, 0, 6, 0),  # 10 no hop-by-hop header: keep
    (0x30, 0, 0, 54),  # 11 the next header after it
    (0x15, 0, 4, 58),  # 12 not ICMPv6: keep
    (0x30, 0, 0, 62),  # 13 the type behind a router alert
    (0x15, 3, 0, 143),  # 14 MLDv2: drop
    (0x35, 0, 1, 130),  # 15 below: keep
    (0x25, 0, 1, 137),  # 16 above: keep; else drop
    (0x06, 0, 0, 0xFFFFFFFF),  # 17 keep
    (0x06, 0, 0, 0),  # 18 drop
)
_ETHTOOL_OFF: Final = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)  # set rx, tx sums, SG, TSO, GSO, GRO


def tester_address(ip: int, slot: int) -> str:
    """The tester's address of run ``slot``: .1 for the first, then others that nobody owns."""
    number = 1 if slot == 0 else slot + 2
    return f"192.0.2.{number}" if ip == 4 else f"2001:db8::{number:x}"


def no_offloads(sock: socket.socket) -> None:
    """No offloads: one frame a segment, its checksum right on the wire."""
    for command in _ETHTOOL_OFF:
        packet_socket.ethtool(sock, INTERFACE, command, 0)


def tap(packet: socket.socket) -> None:
    """Bind a packet socket to the tester's end, filtered, before anything can come."""
    packet_socket.listen(packet, INTERFACE, _FILTER)


# The plan


Plan = dict[str, list[str]]
_Attribute = tuple[int, bytes]

# rtnetlink(7) and the headers of linux/ that it names.
_NEW_LINK, _GET_LINK, _NEW_ADDRESS, _GET_ROUTE, _NEW_NEIGHBOUR = 16, 18, 20, 26, 28
_ASK: Final = 1  # NLM_F_REQUEST
_SET: Final = _ASK | 4  # NLM_F_ACK
_MAKE: Final = _SET | 0x600  # NLM_F_EXCL, NLM_F_CREATE
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 4, 18, 28
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _VETH_INFO_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS, _IFA_F_NODAD = 1, 2, 8, 2
_NDA_DST, _NDA_LLADDR, _NUD_PERMANENT, _RTA_DST = 1, 2, 0x80, 1
_IFF_UP, _LOOPBACK = 1, 1
_HOST: Final = {4: 32, 6: 128}  # the prefix of an address with nothing on its link


def plan(slot: int) -> Plan:
    """The netlink requests that lay the wire, as hexadecimal octets, by who plays them.

    ``tester`` is played in the tester's namespace with the target's as descriptor ``PEER_FD``,
    ``target`` then in the target's. ``carrier`` asks the tester's side for the link's state,
    ``local`` asks the target for its own IPv6 route: the kernel finishes both in the background.
    """
    peer = _link(INDEX) + _attributes(*_end(TARGET_MAC), (_IFLA_NET_NS_FD, _number(PEER_FD)))
    data = _attributes((_VETH_INFO_PEER, peer))
    veth = _attributes((_IFLA_INFO_KIND, b"veth\0"), (_IFLA_INFO_DATA, data))
    pair = _link(INDEX) + _attributes(*_end(TESTER_MAC), (_IFLA_LINKINFO, veth))
    addresses, neighbours = [], []
    for ip, family, prefix in ((4, socket.AF_INET, 24), (6, socket.AF_INET6, 64)):
        # The second first: when the other's route is there, so is its own.
        addresses.append(_address(family, STRANGERS[SECOND][ip], _HOST[ip]))
        addresses.append(_address(family, TARGET[ip], prefix))
        for host in (tester_address(ip, slot), STRANGERS[OTHER][ip]):
            address = socket.inet_pton(family, host)
            known = _attributes((_NDA_DST, address), (_NDA_LLADDR, _octets(TESTER_MAC)))
            neighbours.append(struct.pack("=B3xIHBB", family, INDEX, _NUD_PERMANENT, 0, 0) + known)
    own_six = (_RTA_DST, socket.inet_pton(socket.AF_INET6, TARGET[6]))
    route = struct.pack("=8BI", socket.AF_INET6, 128, 0, 0, 0, 0, 0, 0, 0) + _attributes(own_six)
    return {
        "tester": [
            _message(_NEW_LINK, _MAKE, pair),
            _message(_NEW_LINK, _SET, _link(INDEX, up=True)),
        ],
        "target": [
            _message(_NEW_LINK, _SET, _link(_LOOPBACK, up=True)),
            _message(_NEW_LINK, _SET, _link(INDEX, up=True)),
            *(_message(_NEW_ADDRESS, _MAKE, address) for address in addresses),
            *(_message(_NEW_NEIGHBOUR, _MAKE, neighbour) for neighbour in neighbours),
        ],
        "carrier": [_message(_GET_LINK, _ASK, _link(INDEX))],
        "local": [_message(_GET_ROUTE, _ASK, route)],
    }


def _address(family: int, text: str, prefix: int) -> bytes:
    address = socket.inet_pton(family, text)
    own: list[_Attribute] = [(_IFA_ADDRESS, address)]
    if family == socket.AF_INET:
        own.append((_IFA_LOCAL, address))
    own.append((_IFA_FLAGS, _number(_IFA_F_NODAD)))  # an address is usable at once
    return struct.pack("=4BI", family, prefix, 0, 0, INDEX) + _attributes(*own)


def _end(mac: str) -> tuple[_Attribute, ...]:
    """What both ends of the pair have."""
    name = INTERFACE.encode() + b"\0"
    return (_IFLA_IFNAME, name), (_IFLA_ADDRESS, _octets(mac)), (_IFLA_MTU, _number(MTU))


def _link(index: int, *, up: bool = False) -> bytes:
    """An ifinfomsg: which interface, and whether it is to be up."""
    flags = _IFF_UP if up else 0
    return struct.pack("=BxHiII", 0, 0, index, flags, flags)


def _attributes(*attributes: _Attribute) -> bytes:
    """Each with its length and its number, padded to four octets."""
    padded = ((kind, len(data), data + bytes(-len(data) % 4)) for kind, data in attributes)
    return b"".join(struct.pack("=HH", size + 4, kind) + data for kind, size, data in padded)


def _octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _number(value: int) -> bytes:
    return struct.pack("=I", value)


def _message(kind: int, flags: int, body: bytes) -> str:
    return (struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body).hex()
