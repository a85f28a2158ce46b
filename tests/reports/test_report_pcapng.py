"""Captures: what tshark and scapy read in them is what the record says."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import report_samples as samples
from hypothesis import given
from hypothesis import strategies as st

from conformance.case.load import load_case
from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.play import events
from conformance.play.asides import Dropped
from conformance.play.record import Record, What
from conformance.report.frames import NOBODY, hosts
from conformance.report.frames import frame as made
from conformance.report.pcapng import pcapng
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference
from conformance.tcp.flags import Flags
from conformance.tcp.ip import IpFields
from conformance.tcp.options import Mss
from conformance.tcp.segment import Segment

SYN = Segment(40000, 4000, Flags.SYN, 100, window=1000, options=(Mss(1460),))
ANSWER = Segment(4000, 40000, Flags.SYN | Flags.ACK, 500, 101, window=1000)
LATE = Segment(4000, 40000, Flags.ACK, 501, 101, window=1000, payload=b"abc")
OUTBOUND, INBOUND = 2, 1
LOST = "lost by the case: the other side never had it"
MADE = "made of the record: it was on no wire"


def frames() -> tuple[bytes, bytes, bytes]:
    """The three segments as the wire has them."""
    octets = [_tcp(segment) for segment in (SYN, ANSWER, LATE)]
    return octets[0], octets[1], octets[2]


def _tcp(segment: Segment) -> bytes:
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    sides = ("10.0.0.1", "10.0.0.2") if segment is SYN else ("10.0.0.2", "10.0.0.1")
    flags = "S" if segment is SYN else "SA" if segment is ANSWER else "A"
    layers = (
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / IP(src=sides[0], dst=sides[1])
        / TCP(sport=segment.sport, dport=segment.dport, flags=flags, seq=segment.seq,
              ack=segment.ack, window=segment.window)
        / segment.payload
    )  # fmt: skip
    return bytes(layers)


def conversation() -> Record:
    """Out of order on purpose: a capture is in the order of time."""
    syn, answer, late = frames()
    failed = samples.wrong_segment()
    step = samples.GIVEN[1]
    failed.entries = [
        samples.entry(0.002, What.RECEIVED, "RST seq=2 <TS 17/4>", step, frame=late),
        samples.entry(0.000123456, What.SENT, "SYN seq=0", step, frame=syn),
        samples.entry(0.001, What.RECEIVED, "SYN,ACK seq=0 ack=1", step, lost=True, frame=answer),
        samples.entry(0.0015, What.SENT, "ACK seq=1 ack=1", step, lost=True),
        samples.entry(0.003, What.RECEIVED, "ACK seq=1 ack=1", None, unforeseen=True, frame=late),
    ]
    failed.events.append(
        (0.0, events.Garbage(samples.STARTED + 0.00390625, "it is UDP", b"\1" * 61)),
    )
    return failed


def blocks(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of every block; both lengths of each must agree."""
    at = 0
    while at < len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", octets, at + length - 4) == (length,)
        yield kind, octets[at + 8 : at + length - 4]
        at += length
    assert at == len(octets)


def options(octets: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    at = 0
    while True:
        code, length = struct.unpack_from("<HH", octets, at)
        at += 4
        if code == 0:
            assert at == len(octets)
            return found
        found.append((code, octets[at : at + length]))
        at += length + -length % 4


def test_every_block_as_the_specification_has_it() -> None:
    section, *sides, names = list(blocks(pcapng(conversation())))[:4]
    packets = list(blocks(pcapng(conversation())))[4:]
    assert section[0] == 0x0A0D0D0A
    assert struct.unpack_from("<IHHq", section[1]) == (0x1A2B3C4D, 1, 0, -1)
    told = options(section[1][16:])
    assert told[0] == (1, b"rfc9293/3.6-close/lost-ack::linux-ipv4: fail another segment came")
    assert told[-1][0] == 4
    assert told[-1][1].startswith(b"conformance ")
    for side, name in zip(sides, (b"tester", b"target"), strict=True):
        assert side[0] == 1
        assert struct.unpack_from("<HHI", side[1]) == (1, 0, 0)
        assert (9, b"\x09") in options(side[1][8:])
        assert (2, name) in options(side[1][8:])
    assert names[0] == 4
    assert options(names[1]) == [
        (1, bytes([10, 0, 0, 1]) + b"tester\0"), (1, bytes([10, 0, 0, 2]) + b"target\0"),
    ]  # fmt: skip
    assert [kind for kind, _ in packets] == [6] * 5


def test_frames_in_the_order_of_time_with_direction_and_remarks() -> None:
    syn, answer, late = frames()
    found = []
    for _, body in list(blocks(pcapng(conversation())))[4:]:
        side, high, low, size, whole = struct.unpack_from("<IIIII", body)
        assert whole == size
        told = options(body[20 + size + -size % 4 :])
        flags = [struct.unpack("<I", value)[0] for code, value in told if code == 2]
        *remarks, verdict = [value.decode() for code, value in told if code == 1]
        assert verdict == "case: fail another segment came"
        assert side == (0 if flags == [OUTBOUND] else 1)
        found.append(((high << 32) + low, body[20 : 20 + size], flags, remarks))
    start = 1_700_000_000_250_000_000
    step = f"step: send: SYN seq=0 <mss 1460>  ({samples.FRAGMENT}:4:5)"
    assert found == [
        (start + 123_456, syn, [OUTBOUND], ["SYN seq=0", step]),
        (start + 1_000_000, answer, [INBOUND], ["SYN,ACK seq=0 ack=1", step, LOST]),
        (start + 2_000_000, late, [INBOUND],
         ["RST seq=2 <TS 17/4>", step, "this failed the case"]),
        (start + 3_000_000, late, [INBOUND], ["ACK seq=1 ack=1", "unforeseen"]),
        (start + 3_906_250, b"\1" * 61, [INBOUND],
         ["no segment of the case: it is UDP"]),
    ]  # fmt: skip


def test_a_record_without_frames_is_a_file_that_says_so() -> None:
    record = samples.skipped()
    section, *rest = blocks(pcapng(record))
    assert (1, b"no segment was sent") in options(section[1][16:])
    assert [kind for kind, _ in rest] == [1, 1, 4]
    assert b"no segment was sent" not in pcapng(conversation())


def test_scapy_reads_it() -> None:
    from scapy.utils import PcapNgReader

    with PcapNgReader(io.BytesIO(pcapng(conversation()))) as reader:
        packets = list(reader)
    syn, answer, late = frames()
    assert [bytes(packet) for packet in packets] == [syn, answer, late, late, b"\1" * 61]
    assert [packet.direction for packet in packets] == [OUTBOUND, *[INBOUND] * 4]
    assert round(float(packets[1].time - packets[0].time) * 1e9) == 876_544
    comment = getattr(packets[1], "comments", None) or [packets[1].comment]
    assert b"SYN,ACK seq=0 ack=1" in comment[0]


def tshark(path: Path, *arguments: str) -> str:
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed, so nothing of Wireshark has opened the capture")
    done = subprocess.run(
        [program, "-r", path, *(arguments or ["-n"])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wireshark_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "case.pcapng"
    path.write_bytes(pcapng(conversation()))
    found: list[dict[str, Any]] = json.loads(
        tshark(path, "-n", "-T", "json", "--no-duplicate-keys")
    )
    layers = [packet["_source"]["layers"] for packet in found]
    assert len(layers) == 5
    assert [one["tcp"]["tcp.flags"] for one in layers[:4]] == [
        "0x0002", "0x0012", "0x0010", "0x0010",
    ]  # fmt: skip
    times = [one["frame"]["frame.time_epoch"] for one in layers]
    assert "1700000000.250123456" in times[0] or "2023-11-14T22:13:20.250123456" in times[0]
    assert "lost by the case" in json.dumps(layers[1])
    directions = tshark(path, "-T", "fields", "-e", "frame.packet_flags_direction").split()
    assert [int(one, 0) for one in directions] == [OUTBOUND, *[INBOUND] * 4]
    path.write_bytes(pcapng(samples.skipped()))
    assert tshark(path) == ""


@pytest.mark.parametrize("version", [4, 6])
def test_wireshark_reads_what_the_reference_played(tmp_path: Path, version: int) -> None:
    """It was on no wire; names, sides, times, checksums and remarks are there."""
    (case, *_) = load_case(Path("cases/rfc9293/3.6-close/lost-final-ack.yaml").resolve())
    record = Reference().play(Job(case, ip=version))
    assert not any(entry.frame for entry in record.entries)
    assert str(Path.cwd()).encode() not in pcapng(record)
    assert b"(rfc9293/3.6-close/lost-final-ack.yaml:" in pcapng(record)
    segments = [entry for entry in record.entries if entry.segment]
    path = tmp_path / "case.pcapng"
    path.write_bytes(pcapng(record))
    names = ["frame.interface_name", "tcp.checksum.status", "tcp.len", "frame.time_epoch",
             "ip.src_host" if version == 4 else "ipv6.src_host", "frame.comment"]  # fmt: skip
    fields = [word for name in names for word in ("-e", name)]
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    lines = tshark(path, "-N", "n", *checks, "-T", "fields", "-E", "aggregator=~", *fields)
    rows = [line.split("\t") for line in lines.splitlines()]
    assert len(rows) == len(segments) > 5
    for entry, (side, checksum, length, epoch, host, remarks) in zip(segments, rows, strict=True):
        who = "tester" if entry.what is What.SENT else "target"
        assert (side, host, checksum) == (who, who, "1")  # 1 is good
        assert entry.segment
        assert int(length) == len(entry.segment.payload)
        seconds = float(epoch) if epoch.replace(".", "").isdigit() else None
        assert seconds is None or abs(seconds - record.started - entry.at) < 1e-6
        told = remarks.split("~")
        assert told[0] == entry.text
        assert told[-2:] == [MADE, "case: pass"]
        assert (LOST in told) == entry.lost
    assert any(entry.lost for entry in segments)


def test_what_the_kernel_dropped_is_marked() -> None:
    record = conversation()
    record.asides = (Dropped(0, samples.STARTED + 0.000123456, "TCP_CSUM"),)
    (_, body) = list(blocks(pcapng(record)))[4]
    assert b"the kernel: dropped: TCP_CSUM" in body


@pytest.mark.parametrize("version", [4, 6])
def test_who_is_who_is_read_of_a_whole_frame_of_its_version_alone(version: int) -> None:
    segment = Segment(1, 2, Flags.ACK, 1)
    octets = made(segment, version, NOBODY[version], from_target=True)
    assert hosts(octets, version, from_target=True) == NOBODY[version]
    assert hosts(octets, 10 - version, from_target=True) is None
    assert hosts(octets[: 34 if version == 4 else 54], version, from_target=True) is not None
    assert hosts(octets[: 33 if version == 4 else 53], version, from_target=True) is None


def test_a_frame_that_was_made_is_the_one_that_a_lab_sends() -> None:
    """The driver's own, which scapy builds, octet by octet; hostile headers too."""
    for ip, ends in NOBODY.items():
        macs = ("02:00:00:00:00:01", "02:00:00:00:00:02")
        codec = FrameCodec(WireEnds(ip, ends.tester, ends.target, *macs))
        plain = replace(SYN, payload=b"abc")
        own = IpFields(options=b"\1\1\1\0", length=3, behind=b"xyz")
        if ip == 6:
            own = IpFields(hop_by_hop=b"\1\4\0\0\0\0", length=3, behind=b"xyz")
        for segment in (
            plain,
            replace(plain, checksum=-1),
            replace(plain, checksum=7, offset=9, reserved=5, urgent=3),
            replace(plain, ip=IpFields(ttl=3, tos=5, df=False, flow=9 if ip == 6 else None)),
            replace(plain, ip=own),
            replace(plain, ip=IpFields(sender="loopback")),
        ):
            assert made(segment, ip, ends, from_target=False) == codec.encode(segment)
            assert hosts(codec.encode(plain), ip, from_target=False) == ends


@given(
    st.lists(st.tuples(st.floats(-10, 1e6), st.binary(max_size=80), st.text(max_size=30))),
    st.text(max_size=80_000),
)
def test_any_frame_and_any_text_make_a_sound_file(
    pairs: list[tuple[float, bytes, str]], title: str
) -> None:
    record = samples.skipped()
    record.case = replace(record.case, title=title)
    record.entries = [
        samples.entry(at, What.RECEIVED, text, frame=frame) for at, frame, text in pairs
    ]
    found = list(blocks(pcapng(record)))
    assert len(found) == 4 + sum(1 for _, frame, _ in pairs if frame)
    options(found[0][1][16:])
    for _, body in found[4:]:
        (size,) = struct.unpack_from("<I", body, 12)
        options(body[20 + size + -size % 4 :])
