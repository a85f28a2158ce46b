"""A case as a capture that Wireshark opens: frames with their stamps, and what is known of each.

Written by hand after the specification (draft-ietf-opsawg-pcapng): four kinds of blocks, each a
type, a length, a body and the length again, in units of 32 bits, little-endian.

- Section Header (section 4.1): what wrote it, and as comments the case and its verdict.
- Interface Description (4.2): one a side, Ethernet, times in nanoseconds. A packet is on the
  interface of the side that sent it.
- Name Resolution (4.5): which address is the tester's and which the target's.
- Enhanced Packet (4.3): one a segment, in order of time, with its direction as the tester saw it
  and, as comments, the segment in the case's numbers, the step, what became of it, the verdict.

A segment that was on no wire (one that the case lost before it was sent, all of a target in this
process) has the frame that it would have had, which a comment says; an ICMP error has none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from conformance import __version__
from conformance.play.events import Garbage
from conformance.play.record import Entry, Record, What
from conformance.report.frames import NOBODY, Hosts, frame, hosts
from conformance.report.kernel_words import beside
from conformance.report.ladder import culprit, owner
from conformance.visible import visible

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_NAMES: Final = 4
_PACKET: Final = 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_ETHERNET: Final = 1  # LINKTYPE_ETHERNET
_COMMENT: Final = 1  # opt_comment, of any block
_APPLICATION: Final = 4  # shb_userappl
_NAME: Final = 2  # if_name
_TOLD: Final = 3  # if_description
_RESOLUTION: Final = 9  # if_tsresol, a power of ten
_FLAGS: Final = 2  # epb_flags
_RECORDS: Final = {4: 1, 6: 2}  # nrb_record_ipv4 and nrb_record_ipv6
_TESTER, _TARGET = 0, 1  # the interfaces
_INBOUND: Final = 0b01
_OUTBOUND: Final = 0b10
_NANO: Final = 1_000_000_000
_LONGEST: Final = 65_000  # octets of one option; its length has 16 bits


@dataclass(frozen=True, slots=True)
class _Packet:
    """One frame, at nanoseconds since the epoch."""

    at: int
    frame: bytes
    direction: int
    comments: tuple[str, ...]

    @property
    def interface(self) -> int:
        return _TARGET if self.direction == _INBOUND else _TESTER


def pcapng(record: Record) -> bytes:
    """The whole file."""
    ends = _ends(record)
    packets = sorted(_packets(record, ends), key=lambda packet: packet.at)
    blocks = [
        _section(record, any_frame=bool(packets)),
        _interface("tester", f"what the tester sent to {record.profile.name}"),
        _interface("target", f"what {record.profile.name} sent"),
        _names(record.addressing.ip, ends),
    ]
    return b"".join([*blocks, *(_enhanced(packet) for packet in packets)])


def _ends(record: Record) -> Hosts:
    """The addresses that were on the wire: those of the target's own segments first."""
    version = record.addressing.ip
    for what in (What.RECEIVED, What.SENT):
        for entry in record.entries:
            strange = entry.segment and (entry.segment.ip.sender or entry.segment.ip.receiver)
            if entry.what is what and not strange:
                found = hosts(entry.frame, version, from_target=what is What.RECEIVED)
                if found:
                    return found
    return NOBODY[version]


def _packets(record: Record, ends: Hosts) -> Iterator[_Packet]:
    guilty = culprit(record)
    start = _nanoseconds(record.started)
    words, _ = beside(record)
    verdict = _verdict(record)
    for number, entry in enumerate(record.entries):
        came = entry.what is What.RECEIVED
        octets, remarks = entry.frame, list(_remarks(record, entry, guilty, words.get(number, "")))
        if not octets and entry.segment and entry.what in (What.RECEIVED, What.SENT):
            octets = frame(entry.segment, record.addressing.ip, ends, from_target=came)
            remarks.append("made of the record: it was on no wire")
        if octets:
            at = max(0, start + _nanoseconds(entry.at))
            told = (*remarks, f"case: {verdict}")
            yield _Packet(at, octets, _INBOUND if came else _OUTBOUND, told)
    for _, event in record.events:
        if isinstance(event, Garbage) and event.frame:
            at = max(0, _nanoseconds(event.at))
            told = (f"no segment of the case: {event.reason}", f"case: {verdict}")
            yield _Packet(at, event.frame, _INBOUND, told)


def _verdict(record: Record) -> str:
    verdict = record.verdict
    return f"{verdict.outcome} {verdict.reason}".rstrip() if verdict else "not finished"


def _nanoseconds(seconds: float) -> int:
    """Whole and broken part apart: their product as one float is 128 ns off in this century."""
    whole = int(seconds)
    return whole * _NANO + round((seconds - whole) * _NANO)


def _remarks(record: Record, entry: Entry, guilty: Entry | None, word: str) -> Iterator[str]:
    if entry.text:
        yield entry.text
    step = owner(entry)
    if step is not None:
        named = record.case.names.get(step.span.path, step.span.path)
        yield f"step: {step.text}  ({replace(step.span, path=named)})"
    if entry.lost:
        yield "lost by the case: the other side never had it"
    if word:
        yield f"the kernel: {word}"
    if entry.unforeseen:
        yield "unforeseen"
    if entry.tolerated:
        yield f"tolerated: {entry.tolerated}"
    if entry is guilty:
        yield "this failed the case"


def _section(record: Record, *, any_frame: bool) -> bytes:
    comments = [f"{record.id}: {_verdict(record)}", record.case.title]
    if not any_frame:
        comments.append("no segment was sent")
    body = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)  # version 1.0, length not told
    options = [_text(_COMMENT, comment) for comment in comments if comment]
    options.append(_text(_APPLICATION, f"conformance {__version__}"))
    return _block(_SECTION, body + _options(options))


def _interface(name: str, told: str) -> bytes:
    body = struct.pack("<HHI", _ETHERNET, 0, 0)  # no limit on a frame's length
    options = [_text(_NAME, name), _text(_TOLD, told), _option(_RESOLUTION, b"\x09")]
    return _block(_INTERFACE, body + _options(options))


def _names(version: int, ends: Hosts) -> bytes:
    """Wireshark shows these names once it is asked to resolve addresses."""
    pairs = ((ends.tester, b"tester\0"), (ends.target, b"target\0"))
    records = [_option(_RECORDS[version], ip_address(one).packed + name) for one, name in pairs]
    return _block(_NAMES, _options(records))


def _enhanced(packet: _Packet) -> bytes:
    high, low = packet.at >> 32 & 0xFFFFFFFF, packet.at & 0xFFFFFFFF
    size = len(packet.frame)
    body = struct.pack("<IIIII", packet.interface, high, low, size, size) + _padded(packet.frame)
    options = [_text(_COMMENT, comment) for comment in packet.comments]
    options.append(_option(_FLAGS, struct.pack("<I", packet.direction)))
    return _block(_PACKET, body + _options(options))


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _options(options: list[bytes]) -> bytes:
    return b"".join(options) + struct.pack("<HH", 0, 0)  # opt_endofopt


def _text(code: int, text: str) -> bytes:
    octets = visible(text).encode()[:_LONGEST]
    return _option(code, octets.decode("utf-8", "ignore").encode())


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(octets: bytes) -> bytes:
    return octets + b"\0" * (-len(octets) % 4)
