"""A case as a capture that Wireshark opens: the frames as they stood on the wire, with remarks.

Written by hand after the specification (draft-ietf-opsawg-pcapng): three kinds of blocks, each a
type, a length, a body and the length again, in units of 32 bits, little-endian.

- Section Header (section 4.1): what wrote it, and as a comment the case and its verdict.
- Interface Description (4.2): one Ethernet interface, times in nanoseconds.
- Enhanced Packet (4.3): one a frame, in order of time, with its direction as the tester saw it
  and, as comments, the step that was played and what became of the segment.

What has no frame is not there: a segment that was lost before it was sent, all of a target that
has no wire. A record without any frame is still a file that opens and says so.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance import __version__
from conformance.play.events import Garbage
from conformance.play.record import Entry, Record, What
from conformance.report.ladder import culprit, owner
from conformance.visible import visible

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_PACKET: Final = 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_ETHERNET: Final = 1  # LINKTYPE_ETHERNET
_COMMENT: Final = 1  # opt_comment, of any block
_APPLICATION: Final = 4  # shb_userappl
_NAME: Final = 2  # if_name
_RESOLUTION: Final = 9  # if_tsresol, a power of ten
_FLAGS: Final = 2  # epb_flags
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


def pcapng(record: Record) -> bytes:
    """The whole file."""
    packets = sorted(_packets(record), key=lambda packet: packet.at)
    blocks = [_section(record, any_frame=bool(packets)), _interface(record)]
    return b"".join([*blocks, *(_enhanced(packet) for packet in packets)])


def _packets(record: Record) -> Iterator[_Packet]:
    guilty = culprit(record)
    start = _nanoseconds(record.started)
    for entry in record.entries:
        if entry.frame:
            direction = _INBOUND if entry.what is What.RECEIVED else _OUTBOUND
            at = max(0, start + _nanoseconds(entry.at))
            yield _Packet(at, entry.frame, direction, tuple(_remarks(entry, guilty)))
    for _, event in record.events:
        if isinstance(event, Garbage) and event.frame:
            at = max(0, _nanoseconds(event.at))
            yield _Packet(at, event.frame, _INBOUND, (f"no segment of the case: {event.reason}",))


def _nanoseconds(seconds: float) -> int:
    """Whole and broken part apart: their product as one float is 128 ns off in this century."""
    whole = int(seconds)
    return whole * _NANO + round((seconds - whole) * _NANO)


def _remarks(entry: Entry, guilty: Entry | None) -> Iterator[str]:
    if entry.text:
        yield entry.text
    step = owner(entry)
    if step is not None:
        yield f"{step.text}  ({step.span})"
    if entry.lost:
        yield "lost by the case"
    if entry.unforeseen:
        yield "unforeseen"
    if entry.tolerated:
        yield f"tolerated: {entry.tolerated}"
    if entry is guilty:
        yield "this failed the case"


def _section(record: Record, *, any_frame: bool) -> bytes:
    verdict = record.verdict
    ended = f"{verdict.outcome} {verdict.reason}".rstrip() if verdict else "not finished"
    comments = [f"{record.id}: {ended}", record.case.title]
    if not any_frame:
        comments.append("no frame was on a wire")
    body = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)  # version 1.0, length not told
    options = [_text(_COMMENT, comment) for comment in comments if comment]
    options.append(_text(_APPLICATION, f"conformance {__version__}"))
    return _block(_SECTION, body + _options(options))


def _interface(record: Record) -> bytes:
    body = struct.pack("<HHI", _ETHERNET, 0, 0)  # no limit on a frame's length
    options = [_text(_NAME, f"tester of {record.profile.name}"), _option(_RESOLUTION, b"\x09")]
    return _block(_INTERFACE, body + _options(options))


def _enhanced(packet: _Packet) -> bytes:
    high, low = packet.at >> 32 & 0xFFFFFFFF, packet.at & 0xFFFFFFFF
    size = len(packet.frame)
    body = struct.pack("<IIIII", 0, high, low, size, size) + _padded(packet.frame)
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
