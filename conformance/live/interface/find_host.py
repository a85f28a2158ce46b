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
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from conformance.errors import CaseError, EnvironmentProblem, TargetError
from conformance.live.frames import packet_socket
from conformance.live.frames.arp_nd import claims, question
from conformance.live.frames.codec import WireEnds
from conformance.live.interface.wire import own_addresses

_FRAME: Final = 65536
_ALL_NODES: Final = bytes.fromhex("333300000001")
_PROBES: Final = 3  # for the tester's address: RFC 5227's number, at a shorter distance
QUESTIONS: Final = 5  # for the target's; each takes a pause at most
_PAUSE: Final = 0.25  # seconds that an answer may take; a link's neighbour needs less than one


def find(name: str, ends: WireEnds, questions: int = QUESTIONS) -> str:
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
        for _ in range(_PROBES):
            asked = question(ends, ends.tester, named=False, everybody=True)
            for frame in _answers(sock, asked):
                if claims(frame, _octets(ends.tester)):
                    raise CaseError(
                        f"the tester's address {ends.tester} is in use on {name}, by "
                        f"{_shown(frame[6:12])}: choose one that is nobody's"
                    )
        for _ in range(questions):
            for frame in _answers(sock, question(ends, ends.target, everybody=True)):
                if claims(frame, _octets(ends.target)):
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


def _shown(mac: bytes) -> str:
    return mac.hex(":")


def _open(name: str) -> socket.socket:
    """A packet socket on the interface that sees what comes and not what goes."""
    try:
        sock = packet_socket.open_packet()
    except PermissionError:
        raise EnvironmentProblem(
            f"frames on {name} need the right to open packet sockets (CAP_NET_RAW)"
        ) from None
    try:
        packet_socket.listen(sock, name)
    except OSError as error:
        sock.close()
        raise CaseError(f"the interface {name} cannot be used: {error.strerror}") from None
    sock.setblocking(False)
    return sock


def _join(sock: socket.socket, name: str, ends: WireEnds) -> None:
    """Have the interface listen to the tester's addresses, for as long as the socket is open."""
    packet_socket.join(sock, name, packet_socket.UNICAST, _ethernet(ends.tester_mac))
    if ends.ip == 6:
        group = b"\x33\x33\xff" + _octets(ends.tester)[13:]
        for mac in (group, _ALL_NODES):
            packet_socket.join(sock, name, packet_socket.MULTICAST, mac)


def _octets(address: str) -> bytes:
    return socket.inet_pton(_family(address), address)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _ethernet(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
