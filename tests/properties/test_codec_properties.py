"""The codec: every segment comes back, scapy agrees with it, and no octets make it raise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.live.frames.codec import FrameCodec, IcmpError, WireEnds
from conformance.tcp import options as tcp_options
from conformance.tcp.addresses import FROM, STRANGERS, TO
from conformance.tcp.flags import Flags
from conformance.tcp.ip import Fragments, IpFields, padded_4, padded_6
from conformance.tcp.segment import Segment

PAIRS = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}
OTHER = {4: "192.0.2.9", 6: "2001:db8::9"}
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
OUT = {ip: FrameCodec(WireEnds(ip, *pair, *MACS)) for ip, pair in PAIRS.items()}
IN = {ip: FrameCodec(WireEnds(ip, *pair[::-1], *MACS)) for ip, pair in PAIRS.items()}
both = pytest.mark.parametrize("ip", [4, 6])


def words(pad: Callable[[bytes], bytes]) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=38).map(lambda octets: pad(octets) if octets else b"")


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
ip_fields = {
    4: st.builds(IpFields, df=st.sampled_from((None, False)), options=words(padded_4)),
    6: st.builds(
        IpFields,
        flow=st.none() | st.integers(1, (1 << 20) - 1),
        hop_by_hop=words(padded_6),
        destination=words(padded_6),
    ),
}


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
@given(segment=segments, data=st.data())
def test_the_ip_layer_comes_back_and_scapy_reads_the_same(
    ip: int, segment: Segment, data: st.DataObject
) -> None:
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop
    from scapy.layers.l2 import Ether

    fields = data.draw(ip_fields[ip])
    segment = replace(segment, ip=fields, options=())
    frame = OUT[ip].encode(segment)
    assert IN[ip].decode(frame) == segment
    assert IN[ip].decode(OUT[ip].encode(replace(segment, ip=replace(fields, behind=b"z")))) == (
        segment
    )
    packet = Ether(frame)
    assert bytes(packet[TCP].payload) == segment.payload
    if ip == 4:
        assert (packet[IP].flags.DF, packet[IP].ihl) == (fields.df is None, packet[IP].ihl)
        assert len(fields.options) == 4 * packet[IP].ihl - 20
    else:
        assert packet[IPv6].fl == (fields.flow or 0)
        assert packet.haslayer(IPv6ExtHdrHopByHop) == bool(fields.hop_by_hop)
        assert packet.haslayer(IPv6ExtHdrDestOpt) == bool(fields.destination)


@both
@given(
    segment=segments,
    count=st.integers(2, 4),
    backwards=st.booleans(),
    overlap=st.sampled_from((0, 8)),
)
def test_scapy_puts_fragments_together(
    ip: int, segment: Segment, count: int, backwards: bool, overlap: int
) -> None:
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6ExtHdrFragment
    from scapy.layers.l2 import Ether

    segment = replace(segment, options=(), payload=segment.payload + bytes(60))
    plan = Fragments(count, backwards, overlap)
    frames = OUT[ip].frames(replace(segment, ip=IpFields(fragments=plan)))
    whole = OUT[ip].encode(replace(segment, ip=IpFields()))[14 + (20 if ip == 4 else 40) :]
    pieces = {}
    for frame in frames:
        packet = Ether(frame)
        header = packet[IP] if ip == 4 else packet[IPv6ExtHdrFragment]
        more = bool(header.flags.MF) if ip == 4 else bool(header.m)
        first = 8 * (header.frag if ip == 4 else header.offset)
        text = bytes(header.payload)
        assert whole[first : first + len(text)] == text
        assert more == (first + len(text) < len(whole))
        pieces[first] = text
    assert len(pieces) == count
    starts = sorted(pieces)
    assert list(pieces) == (starts[::-1] if backwards else starts)
    ends = [first + len(pieces[first]) for first in starts]
    assert [end - first for end, first in zip(ends, starts[1:], strict=False)] == (
        [overlap] * (count - 1)
    )
    assert ends[-1] == len(whole)


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


@both
@given(
    segment=segments,
    sender=st.sampled_from(("", *FROM)),
    receiver=st.sampled_from(("", *TO)),
)
def test_a_packet_may_name_others(ip: int, segment: Segment, sender: str, receiver: str) -> None:
    from scapy.layers.l2 import Ether

    assume(all(ip in STRANGERS[one] for one in (sender, receiver) if STRANGERS.get(one)))
    fields = IpFields(sender=sender, receiver=receiver)
    frame = OUT[ip].encode(replace(segment, ip=fields, options=()))
    packet, ends = Ether(frame), OUT[ip].addresses
    named = {"": ends.tester, "target": ends.target}
    assert packet[1].src == (named.get(sender) or STRANGERS[sender][ip])
    assert packet[1].dst == (STRANGERS[receiver][ip] if receiver else ends.target)
    group = {
        "broadcast": "ff:ff:ff:ff:ff:ff",
        "multicast": "01:00:5e:00:00:01" if ip == 4 else "33:33:00:00:00:01",
    }
    assert packet.dst == group.get(receiver, ends.target_mac)
    del packet[2].chksum
    packet.clear_cache()
    assert bytes(packet) == frame  # the sum is over these addresses


@both
@pytest.mark.parametrize("stranger", ["target", "multicast", "loopback", "unspecified"])
def test_an_answer_to_a_stranger_is_seen_as_one(ip: int, stranger: str) -> None:
    """The target sends to it, or in its name; the sum is right, the addresses are not."""
    ends = OUT[ip].addresses
    address = STRANGERS[stranger].get(ip, ends.target)
    segment = Segment(1, 2, Flags.ACK, 3)
    answers = [(ends.target, address)]
    answers += [(address, ends.tester)] if address != ends.target else []
    for tester, target in answers:
        there = FrameCodec(WireEnds(ip, tester, target, ends.target_mac, ends.tester_mac))
        seen = OUT[ip].decode(there.encode(segment))
        assert isinstance(seen, Segment)
        (trouble,) = seen.trouble
        assert trouble.startswith(f"addresses {tester} > {target}, ")
    nobody = FrameCodec(WireEnds(ip, ends.target, OTHER[ip], ends.target_mac, ends.tester_mac))
    assert isinstance(OUT[ip].decode(nobody.encode(segment)), str)  # somebody else's, on a link
