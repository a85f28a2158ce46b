"""A network namespace for one program: a TAP device, or one end of a veth pair.

It runs in the program's own process before it becomes the program (``program_supervisor``). The
harness gets a packet socket on its side of the wire. No address is given to any interface and IPv6
is switched off, so that the kernel has no part in what passes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from conformance.live.frames import packet_socket
from conformance.live.workers import netns_server, veth_plan

_TUNSETIFF: Final = 0x400454CA
_IFF_TAP_NO_PI: Final = 0x0002 | 0x1000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFHWADDR, _IFF_UP = 0x8913, 0x8914, 0x8924, 1
_ARPHRD_ETHER: Final = 1
DEVICE: Final = veth_plan.INTERFACE  # on both sides, and of a TAP


def leave() -> str:
    """Leave the machine's network for good; by what privilege."""
    return netns_server.enter()


def lay(kind: str, plan: Mapping[str, Sequence[str]] | None) -> tuple[int, int]:
    """Make the namespace; the harness's packet socket and, for a TAP, the program's descriptor."""
    netns_server.system("unshare", netns_server.NEWNET)
    _no_six()
    if kind == "tap":
        return _tap()
    return _veth(plan or {}), -1


def _no_six() -> None:
    netns_server.set_sysctl("net.ipv6.conf.default.disable_ipv6", "1")


def _tap() -> tuple[int, int]:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TAP_NO_PI))
    _mac(veth_plan.TESTER_MAC)
    _up()
    return _packet().detach(), device


def _veth(plan: Mapping[str, Sequence[str]]) -> int:
    """Our side in a namespace of its own, the program's where it stays."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.dup2(own, veth_plan.PEER_FD)
    target = netns_server.netlink(0)
    netns_server.system("unshare", netns_server.NEWNET)
    _no_six()
    tester = netns_server.netlink(0)
    netns_server.send_plan(tester, list(plan["tester"]))
    netns_server.send_plan(target, list(plan["target"]))
    for end in (tester, target):
        veth_plan.no_offloads(end)
        _carrier(end, bytes.fromhex(plan["carrier"][0]))
    packet = _packet()
    netns_server.system("setns", own, netns_server.NEWNET)
    for descriptor in (own, veth_plan.PEER_FD):
        os.close(descriptor)
    _mac(plan["mac"][0])
    tester.close()
    target.close()
    return packet.detach()


def _carrier(route: socket.socket, question: bytes) -> None:
    """Wait until the kernel's workers have this end up: before, it loses what is sent."""
    for _ in range(1000):
        route.send(question)
        attributes = netns_server.attributes_of(route.recv(1 << 16), 32)
        if attributes.get(netns_server.OPERSTATE, b"\0")[0] == netns_server.UP:
            return
        select.select([], [], [], 0.001)
    raise OSError(errno.ETIMEDOUT, "the link between the namespaces does not come up")


def _mac(mac: str) -> None:
    """Give the device this address."""
    octets = bytes.fromhex(mac.replace(":", ""))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH6s16x", DEVICE.encode(), _ARPHRD_ETHER, octets)
        fcntl.ioctl(control, _SIOCSIFHWADDR, request)


def _up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = DEVICE.encode().ljust(40, b"\0")
        (flags,) = struct.unpack_from("H", fcntl.ioctl(control, _SIOCGIFFLAGS, name), 16)
        request = struct.pack("16sH22x", DEVICE.encode(), flags | _IFF_UP)
        fcntl.ioctl(control, _SIOCSIFFLAGS, request)


def _packet() -> socket.socket:
    """Sees every frame that comes, none that goes."""
    packet = packet_socket.open_packet()
    packet_socket.listen(packet, DEVICE)
    return packet


# The harness's part


def plan(target_mac: str) -> dict[str, list[str]]:
    """The netlink messages of a veth pair without addresses."""
    laid = veth_plan.plan(0)
    return {
        "tester": laid["tester"],
        "target": laid["target"][:2],  # both interfaces up
        "carrier": laid["carrier"],
        "mac": [target_mac],
    }
