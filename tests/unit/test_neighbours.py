"""Who answers for the tester, and what of the link is noise; scapy plays the target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6MLReport2,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    IPv6,
    IPv6ExtHdrHopByHop,
    RouterAlert,
)
from scapy.layers.l2 import ARP, Ether

from conformance.live.frames.arp_nd import Neighbours, Noise, told
from conformance.live.frames.codec import WireEnds

TESTER, TARGET = "02:00:00:00:00:01", "02:00:00:00:00:02"
FOUR = Neighbours(WireEnds(4, "192.0.2.1", "192.0.2.2", TESTER, TARGET))
SIX = Neighbours(WireEnds(6, "2001:db8::1", "2001:db8::2", TESTER, TARGET))
ASKS = Ether(src=TARGET, dst="ff:ff:ff:ff:ff:ff") / ARP(
    op=1, hwsrc=TARGET, psrc="192.0.2.2", pdst="192.0.2.1"
)
OF = Ether(src=TARGET, dst=TESTER)


def solicits(source: str, about: str = "2001:db8::1") -> Any:
    return OF / IPv6(src=source, dst="ff02::1:ff00:1") / ICMPv6ND_NS(tgt=about)


def test_arp_for_the_tester_is_answered() -> None:
    noise, answer = FOUR.look(bytes(ASKS))
    assert noise is Noise.ANSWERED
    answered = Ether(answer)
    assert (answered.src, answered.dst) == (TESTER, TARGET)
    assert (answered[ARP].op, answered[ARP].hwsrc, answered[ARP].psrc) == (2, TESTER, "192.0.2.1")
    assert (answered[ARP].hwdst, answered[ARP].pdst) == (TARGET, "192.0.2.2")


@pytest.mark.parametrize("source", ["2001:db8::2", "fe80::ff:fe00:2"])
def test_a_solicitation_for_the_tester_is_answered(source: str) -> None:
    noise, answer = SIX.look(bytes(solicits(source)))
    assert noise is Noise.ANSWERED
    answered = Ether(answer)
    assert (answered.dst, answered[IPv6].dst, answered[IPv6].hlim) == (TARGET, source, 255)
    assert (answered[ICMPv6ND_NA].tgt, answered[ICMPv6ND_NA].S) == ("2001:db8::1", 1)
    assert answered[ICMPv6NDOptDstLLAddr].lladdr == TESTER
    given = answered[ICMPv6ND_NA].cksum
    del answered[ICMPv6ND_NA].cksum
    assert Ether(bytes(answered))[ICMPv6ND_NA].cksum == given


@pytest.mark.parametrize(
    "frame",
    [
        OF / ARP(op=1, hwsrc=TARGET, psrc="192.0.2.2", pdst="192.0.2.77"),
        OF / ARP(op=2, hwsrc=TARGET, psrc="192.0.2.9", pdst="192.0.2.1"),
        OF / ARP(op=1, hwsrc=TARGET, psrc="192.0.2.9", pdst="192.0.2.1"),
        OF / ARP(op=1, hwsrc=TARGET, psrc="192.0.2.2", pdst="192.0.2.2"),
        OF / IP(src="192.0.2.2", dst="224.0.0.22", proto=2) / b"\x22" / bytes(7),
        solicits("::", "2001:db8::2"),
        solicits("2001:db8::2", "2001:db8::77"),
        solicits("2001:db8::9"),
        OF / IPv6(src="fe80::2", dst="ff02::2") / ICMPv6ND_RS(),
        OF
        / IPv6(src="fe80::2", dst="ff02::16")
        / IPv6ExtHdrHopByHop(options=[RouterAlert()])
        / ICMPv6MLReport2(),
    ],
    ids=lambda frame: frame.summary(),
)
def test_the_link_s_own_noise_is_dropped(frame: Any) -> None:
    for neighbours in (FOUR, SIX):
        assert neighbours.look(bytes(frame)) == (Noise.DROPPED, b"")


@pytest.mark.parametrize(
    "frame",
    [
        OF / IP(src="192.0.2.2", dst="192.0.2.1") / TCP(),
        OF / IP(src="192.0.2.2", dst="192.0.2.1") / UDP(),
        OF / IPv6(src="2001:db8::2", dst="2001:db8::1") / TCP(),
        OF / IPv6(src="2001:db8::2", dst="2001:db8::1") / ICMPv6DestUnreach(),
        Ether(src=TARGET, dst=TESTER, type=0x1234) / b"what is this",
    ],
    ids=lambda frame: frame.summary(),
)
def test_all_else_is_judged(frame: Any) -> None:
    for neighbours in (FOUR, SIX):
        assert neighbours.look(bytes(frame)) == (Noise.NONE, b"")


def test_the_tester_asks_the_target_alone() -> None:
    for neighbours, family in ((FOUR, ARP), (SIX, ICMPv6ND_NS)):
        asked = Ether(neighbours.question())
        assert (asked.src, asked.dst) == (TESTER, TARGET)
        assert family in asked


def test_the_target_s_answer_shows_that_it_is_there() -> None:
    four = OF / ARP(op=2, hwsrc=TARGET, psrc="192.0.2.2", pdst="192.0.2.1")
    six = OF / IPv6(src="2001:db8::2", dst="2001:db8::1") / ICMPv6ND_NA(tgt="2001:db8::2")
    assert FOUR.look(bytes(four))[0] is Noise.HERE
    assert SIX.look(bytes(six))[0] is Noise.HERE


@given(st.binary(max_size=120), st.sampled_from([b"\x08\x06", b"\x08\x00", b"\x86\xdd"]))
def test_no_frame_is_too_strange(octets: bytes, kind: bytes) -> None:
    frame = bytes(12) + kind + octets
    for neighbours in (FOUR, SIX):
        for cut in (frame, frame[: len(frame) // 2]):
            noise, answer = neighbours.look(cut)
            assert (noise is Noise.ANSWERED) == bool(answer)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (ASKS, "ARP who has 192.0.2.1"),
        (OF / ARP(op=2, hwsrc=TARGET, psrc="192.0.2.9"), "ARP 192.0.2.9 is here"),
        (bytes(OF / ARP(op=1))[:40], "ARP who has an address that is cut off"),
        (solicits("::", "2001:db8::2"), "ND who has 2001:db8::2"),
        (OF / IPv6() / ICMPv6ND_NA(tgt="2001:db8::2"), "ND 2001:db8::2 is here"),
        (OF / IPv6() / ICMPv6ND_RS(), "ND of routers"),
        (OF / IPv6() / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLReport2(), "MLD"),
        (OF / IP(proto=2) / bytes(8), "IGMP"),
    ],
)
def test_noise_in_a_few_words(frame: Any, words: str) -> None:
    assert told(bytes(frame)) == words
