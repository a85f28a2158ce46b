"""Where a target is on a link, and whether the tester's address is free there.

Rules:

- Before the first frame of a case the link is asked whether somebody has the tester's address
  (RFC 5227 2.1.1, RFC 4862 5.4.2): the question names no sender, so nobody learns of it.
- The target's Ethernet address is what its answer came from.
- What the link says is hostile input: an answer is compared, never followed.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from conformance.errors import CaseError, EnvironmentProblem, TargetError
from conformance.live.frames.checksums import checksum
from conformance.live.frames.codec import Addresses
from conformance.live.interface.wire import own_addresses

_SOL_PACKET: Final = 263
_ADD_MEMBERSHIP, _IGNORE_OUTGOING = 1, 23
_MULTICAST, _UNICAST, _EVERYTHING = 0, 3, 3
_FRAME: Final = 65536
_ICMP6, _SOLICITATION, _ADVERTISEMENT = 58, 135, 136
_BROADCAST: Final = b"\xff" * 6
_ALL_NODES: Final = bytes.fromhex("333300000001")
_PROBES: Final = 3  # for the tester's address: RFC 5227's number, at a shorter distance
QUESTIONS: Final = 5  # for the target's; each takes a pause at most
_PAUSE: Final = 0.25  # seconds that an answer may take; a link's neighbour needs less than one


def find(name: str, ends: Addresses, questions: int = QUESTIONS) -> str:
    """The Ethernet address of the target; empty when nobody answers so many questions.

    Raises CaseError where the tester's address is somebody's, or an end is this machine's own.
    """
    taken = own_addresses()
    for what, address in (("tester", ends.tester), ("target", ends.target)):
        if str(ip_address(address)) in taken:
            raise CaseError(
                f"{address} is an address of this machine: it cannot be the {what}'s, for its own "
                "TCP would answer"
            )
    with _open(name) as sock:
        _join(sock, name, ends)
        tester = _octets(ends.tester)
        for _ in range(_PROBES):
            for frame in _answers(sock, _question(ends, ends.tester, bytes(len(tester)))):
                if _claims(frame, tester):
                    raise CaseError(
                        f"the tester's address {ends.tester} is in use on {name}, by "
                        f"{_shown(frame[6:12])}: choose one that is nobody's"
                    )
        for _ in range(questions):
            for frame in _answers(sock, _question(ends, ends.target, tester)):
                if _claims(frame, _octets(ends.target)):
                    return _shown(frame[6:12])
    return ""


def _answers(sock: socket.socket, question: bytes) -> Iterator[bytes]:
    """What comes after the question, for a while."""
    try:
        sock.send(question)
    except OSError as error:
        raise TargetError(f"The interface takes no frames: {error.strerror}.") from error
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    deadline = time.monotonic() + _PAUSE
    while (left := deadline - time.monotonic()) > 0:
        if poll.poll(1000 * left):
            with contextlib.suppress(BlockingIOError):
                yield sock.recv(_FRAME)


def _question(ends: Addresses, wanted: str, asker: bytes) -> bytes:
    """Who on the link has this address? ``asker``: the tester's address, or zeros for nobody."""
    mac, address = _ethernet(ends.tester_mac), _octets(wanted)
    if ends.ip == 4:
        arp = b"\0\1\x08\0\6\4\0\1" + mac + asker + bytes(6) + address
        return _BROADCAST + mac + b"\x08\x06" + arp
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + address[13:]
    body = bytes([_SOLICITATION]) + bytes(7) + address
    if any(asker):
        body += b"\1\1" + mac  # RFC 4861 4.3: where to answer, unless nobody asks
    pseudo = asker + group + struct.pack("!II", len(body), _ICMP6)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    header = struct.pack("!IHBB", 6 << 28, len(body), _ICMP6, 255) + asker + group
    return b"\x33\x33" + group[12:] + mac + b"\x86\xdd" + header + body


def _claims(frame: bytes, address: bytes) -> bool:
    """Whether its sender says that it has the address."""
    if frame[12:14] == b"\x08\x06":
        return frame[28:32] == address
    is_word = frame[12:14] == b"\x86\xdd" and frame[20:21] == bytes([_ICMP6])
    return is_word and frame[54:55] == bytes([_ADVERTISEMENT]) and frame[62:78] == address


def _shown(mac: bytes) -> str:
    return mac.hex(":")


def _open(name: str) -> socket.socket:
    """A packet socket on the interface that sees what comes and not what goes."""
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError:
        raise EnvironmentProblem(
            f"frames on {name} need the right to open packet sockets (CAP_NET_RAW)"
        ) from None
    try:
        sock.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        sock.bind((name, _EVERYTHING))
    except OSError as error:
        sock.close()
        raise CaseError(f"the interface {name} cannot be used: {error.strerror}") from None
    sock.setblocking(False)
    return sock


def _join(sock: socket.socket, name: str, ends: Addresses) -> None:
    """Have the interface listen to the tester's addresses, for as long as the socket is open."""
    wanted = [(_UNICAST, _ethernet(ends.tester_mac))]
    if ends.ip == 6:
        group = b"\x33\x33\xff" + _octets(ends.tester)[13:]
        wanted += [(_MULTICAST, group), (_MULTICAST, _ALL_NODES)]
    index = socket.if_nametoindex(name)
    for kind, mac in wanted:
        request = struct.pack("iHH8s", index, kind, len(mac), mac)
        sock.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, request)


def _octets(address: str) -> bytes:
    return socket.inet_pton(_family(address), address)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _ethernet(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
