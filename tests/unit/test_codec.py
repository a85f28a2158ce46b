"""What the codec says of frames that are not sound, and its ICMP errors."""

from __future__ import annotations

import pytest

from conformance.errors import CaseError
from conformance.live.frames.codec import FrameCodec, IcmpError, WireEnds
from conformance.tcp.flags import Flags
from conformance.tcp.ip import IpFields
from conformance.tcp.options import Malformed, Mss
from conformance.tcp.segment import Segment

MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
TESTER = FrameCodec(WireEnds(4, "192.0.2.1", "192.0.2.2", *MACS))
TARGET = FrameCodec(WireEnds(4, "192.0.2.2", "192.0.2.1", *MACS))
SEGMENT = Segment(1, 2, Flags.SYN, 7, options=(Mss(1460),), payload=b"abc")
FRAME = TARGET.encode(SEGMENT)


def test_a_sound_frame_is_the_segment() -> None:
    assert TESTER.decode(FRAME) == SEGMENT


def test_the_drivers_own_ttl_is_not_told() -> None:
    frame = TARGET.encode(Segment(1, 2, Flags.ACK, 7, ip=IpFields(ttl=64, tos=0)))
    segment = TESTER.decode(frame)
    assert isinstance(segment, Segment)
    assert segment.ip == IpFields()


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"", "a frame of 0 octets"),
        (FRAME[:12] + b"\x08\x06" + FRAME[14:], "ethertype 0x0806"),
        (FRAME[:20], "an IPv4 header cut off at 6"),
        (FRAME[:-1], "cut off at 46"),
        (FRAME[:14] + b"\x65" + FRAME[15:], "malformed IPv4 header"),
        (TESTER.encode(SEGMENT), "addresses 192.0.2.1 > 192.0.2.2"),
        (FRAME[:23] + b"\x11" + FRAME[24:], "IP protocol 17"),
        (FRAME[:20] + b"\x20\x00" + FRAME[22:], "an IPv4 fragment"),
    ],
)
def test_garbage_has_a_reason(frame: bytes, words: str) -> None:
    reason = TESTER.decode(frame)
    assert isinstance(reason, str)
    assert words in reason


def test_a_bad_header_checksum_is_trouble() -> None:
    segment = TESTER.decode(FRAME[:24] + b"\0\0" + FRAME[26:])
    assert isinstance(segment, Segment)
    assert segment.trouble == ("IPv4 header checksum 0x0000 is wrong",)


def test_malformed_options_survive() -> None:
    odd = Segment(1, 2, Flags.ACK, 7, options=(Malformed(b"\x02\x00\xff\xff"),))
    assert TESTER.decode(TARGET.encode(odd)) == odd


def test_too_many_options_are_the_cases_fault() -> None:
    with pytest.raises(CaseError, match="40 octets"):
        TARGET.encode(Segment(1, 2, Flags.ACK, 7, options=(Mss(1),) * 11))


@pytest.mark.parametrize(("ip", "kind"), [(4, 3), (6, 2)])
def test_an_icmp_error_quotes_the_segment(ip: int, kind: int) -> None:
    pair = ("192.0.2.1", "192.0.2.2") if ip == 4 else ("2001:db8::1", "2001:db8::2")
    ours, theirs = (
        FrameCodec(WireEnds(ip, *pair, *MACS)),
        FrameCodec(WireEnds(ip, *pair[::-1], *MACS)),
    )
    read = theirs.decode(ours.encode_icmp(kind, 0, 1200, SEGMENT))
    assert isinstance(read, IcmpError)
    assert (read.type, read.code, read.body[:4]) == (kind, 0, (1200).to_bytes(4))
    assert theirs.encode(SEGMENT)[14:] == read.body[4:]
