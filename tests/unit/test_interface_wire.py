"""A wire over somebody's interface: what goes out of it, and what the kernel lets in."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Ether

from conformance.errors import CaseError
from conformance.live.frames import packet_socket
from conformance.live.frames.codec import WireEnds
from conformance.live.glue.channel import WireTrouble
from conformance.live.interface.wire import InterfaceWire, only, open_interface

TESTER, TARGET, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
FOUR = WireEnds(4, "192.0.2.1", "192.0.2.2", TESTER, TARGET)
SIX = WireEnds(6, "2001:db8::1", "2001:db8::2", TESTER, TARGET)
FROM = Ether(src=TARGET, dst=TESTER)
ELSE = Ether(src=OTHER, dst=TESTER)

IN = (
    FROM / IP(src="192.0.2.2", dst="192.0.2.1") / TCP(),
    FROM / ARP(op=1, hwsrc=TARGET, psrc="192.0.2.2", pdst="192.0.2.1"),
    FROM / IPv6(src="2001:db8::2", dst="2001:db8::1") / TCP(),
    FROM / IPv6(src="fe80::2", dst="ff02::1:ff00:1") / ICMPv6ND_NS(tgt="2001:db8::1"),
)
OUT = (
    FROM / IP(src="192.0.2.3", dst="192.0.2.1") / TCP(),
    FROM / ARP(op=1, hwsrc=TARGET, psrc="192.0.2.3", pdst="192.0.2.1"),
    FROM / IPv6(src="2001:db8::3", dst="2001:db8::1") / TCP(),
    FROM / IP(src="192.0.2.2", dst="192.0.2.7") / UDP(),
    FROM / ARP(op=1, hwsrc=TARGET, psrc="192.0.2.2", pdst="192.0.2.7"),
    FROM / IPv6(src="2001:db8::2", dst="2001:db8::7") / UDP(),
    FROM / IPv6(src="fe80::2", dst="2001:db8::7") / UDP(),
    FROM / (b"\0" * 60),
    ELSE / IP(src="192.0.2.2", dst="192.0.2.1") / TCP(),
    ELSE / ARP(op=1, hwsrc=OTHER, psrc="192.0.2.2", pdst="192.0.2.1"),
    ELSE / IPv6(src="2001:db8::2", dst="2001:db8::1") / TCP(),
    ELSE / IPv6(src="fe80::2", dst="ff02::1:ff00:1") / ICMPv6ND_NS(tgt="2001:db8::1"),
)


def passes(frame: Any, ends: list[WireEnds]) -> bool:
    """Whether the kernel's filter lets the frame through; a socket pair runs it as a link does."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        packet_socket.attach(near, only(ends))
        near.setblocking(False)
        far.setblocking(False)
        try:
            far.send(bytes(frame))
            return near.recv(2048) == bytes(frame)
        except (BlockingIOError, PermissionError):
            return False


@pytest.mark.parametrize("frame", IN)
def test_what_the_target_says_comes_in(frame: Any) -> None:
    assert passes(frame, [FOUR, SIX])


@pytest.mark.parametrize("frame", OUT)
def test_what_is_from_or_to_anybody_else_does_not(frame: Any) -> None:
    assert not passes(frame, [FOUR, SIX])


def test_an_ip_version_that_is_not_played_stays_out() -> None:
    assert not passes(IN[2], [FOUR])
    assert passes(IN[0], [FOUR])


def test_nothing_goes_to_anybody_but_the_target() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        wire = InterfaceWire(near, TARGET)
        wire.send(bytes(Ether(src=TESTER, dst=TARGET) / b"for it"))
        assert far.recv(2048).endswith(b"for it")
        for mac in (OTHER, "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"):
            with pytest.raises(WireTrouble, match="to somebody else"):
                wire.send(bytes(Ether(src=TESTER, dst=mac) / b"not for it"))
        far.setblocking(False)
        with pytest.raises(BlockingIOError):
            far.recv(2048)


def test_an_address_of_this_machine_is_nobody_s_target() -> None:
    ours = WireEnds(4, "192.0.2.1", "127.0.0.1", TESTER, TARGET)
    with pytest.raises(CaseError, match=r"^127\.0\.0\.1 is an address of this machine"):
        open_interface("lo", [ours])
