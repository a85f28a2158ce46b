"""The codec: every segment comes back, scapy agrees with it, and no octets make it raise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.live.frames.codec import Ends, FrameCodec, IcmpError
from conformance.tcp import options as tcp_options
from conformance.tcp.flags import Flags
from conformance.tcp.segment import IpFields, Segment

PAIRS = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
OUT = {ip: FrameCodec(Ends(ip, *pair, *MACS)) for ip, pair in PAIRS.items()}
IN = {ip: FrameCodec(Ends(ip, *pair[::-1], *MACS)) for ip, pair in PAIRS.items()}
both = pytest.mark.parametrize("ip", [4, 6])

octet, port, number = st.integers(0, 255), st.integers(0, 65535), st.integers(0, 2**32 - 1)
fields = st.binary(max_size=40).map(lambda raw: raw[: len(raw) // 4 * 4])
segments = st.builds(
    Segment,
    port,
    port,
    st.integers(0, 511).map(Flags),
    number,
    number,
    port,
    port,
    fields.map(tcp_options.decode),
    st.binary(max_size=200),
    st.integers(0, 7),
    ip=st.builds(
        IpFields,
        st.none() | octet.filter(lambda ttl: ttl != 64),
        st.none() | octet.filter(bool),
    ),
)


@both
@given(segment=segments)
def test_a_segment_comes_back(ip: int, segment: Segment) -> None:
    assert IN[ip].decode(OUT[ip].encode(segment)) == segment


@both
@given(segment=segments)
def test_scapy_reads_the_same(ip: int, segment: Segment) -> None:
    from scapy.layers.inet import TCP
    from scapy.layers.l2 import Ether

    frame = OUT[ip].encode(replace(segment, options=()))
    packet = Ether(frame)
    tcp = packet[TCP]
    read = (tcp.sport, tcp.dport, tcp.seq, tcp.ack, tcp.window, tcp.urgptr, int(tcp.flags))
    wrote = (segment.sport, segment.dport, segment.seq, segment.ack, segment.window)
    assert read == (*wrote, segment.urgent, int(segment.flags))
    assert bytes(tcp.payload) == segment.payload
    del tcp.chksum
    packet[1].fields.pop("chksum", None)
    packet.clear_cache()
    assert bytes(packet) == frame  # scapy computes the same checksums


@both
@given(segment=segments, checksum=port)
def test_a_given_checksum_is_sent_and_told(ip: int, segment: Segment, checksum: int) -> None:
    frame = OUT[ip].encode(replace(segment, checksum=checksum))
    start = 14 + (20 if ip == 4 else 40)
    assert int.from_bytes(frame[start + 16 : start + 18]) == checksum
    read = IN[ip].decode(frame)
    assert isinstance(read, Segment)
    assert read.checksum in (None, checksum)
    assert (read.checksum is None) == (read.trouble == ())


@both
@given(segment=segments, offset=st.integers(0, 15))
def test_a_given_offset_is_sent_and_judged(ip: int, segment: Segment, offset: int) -> None:
    frame = OUT[ip].encode(replace(segment, offset=offset))
    body = frame[14 + (20 if ip == 4 else 40) :]
    assert body[12] >> 4 == offset
    read = IN[ip].decode(frame)
    assert isinstance(read, Segment)
    fits = 5 <= offset <= len(body) // 4
    assert read.offset == (None if fits else offset)
    assert (read.trouble == ()) == fits


@both
@given(frame=st.binary(max_size=120))
def test_no_octets_raise(ip: int, frame: bytes) -> None:
    assert isinstance(OUT[ip].decode(frame), (Segment, IcmpError, str))


@both
@given(segment=segments, data=st.data())
def test_no_cut_or_bent_frame_raises(ip: int, segment: Segment, data: st.DataObject) -> None:
    frame = bytearray(OUT[ip].encode(segment))
    for _ in range(data.draw(st.integers(0, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(octet)
    cut = data.draw(st.integers(0, len(frame)))
    assert isinstance(IN[ip].decode(bytes(frame[:cut])), (Segment, IcmpError, str))
