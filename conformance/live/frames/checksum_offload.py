"""Checksums of frames, and those that their sender has left to hardware that is not there.

A kernel that knows its interface to fill in checksums writes the sum of the pseudo-header alone
into the field. Between the ends of a veth pair, or of a virtual machine's wire, nothing ever fills
it in, since nothing can be damaged on the way; the frame is marked so (TP_STATUS_CSUMNOTREADY). A
segment is judged as it would stand on a cable, so the harness does what the hardware would: it sums
what stands there, the field included. A TCP that sums the pseudo-header wrong stays wrong by it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_ETHER, _TCP = 14, 6
_FIELD: Final = 16  # where a TCP header has its checksum


@dataclass(frozen=True, slots=True)
class Found:
    """A TCP segment in a frame: where it begins, and its octets."""

    at: int
    body: bytes

    @property
    def ports(self) -> tuple[int, int]:
        """Source and destination."""
        source, destination = struct.unpack_from("!HH", self.body)
        return source, destination


def segment_of(frame: bytes) -> Found | None:
    """The segment, if it is one and whole."""
    if frame[12:14] == b"\x08\x00" and len(frame) >= _ETHER + 20:
        at, protocol = _ETHER + 4 * (frame[14] & 15), frame[23]
        end = _ETHER + int.from_bytes(frame[16:18])
    elif frame[12:14] == b"\x86\xdd" and len(frame) >= _ETHER + 40:
        at, protocol = _ETHER + 40, frame[20]
        end = at + int.from_bytes(frame[18:20])
    else:
        return None
    if protocol != _TCP or end - at < 20 or len(frame) < end:
        return None
    return Found(at, frame[at:end])


def finished(frame: bytes) -> bytes:
    """The frame as hardware would send it on."""
    found = segment_of(frame)
    if found is None:
        return frame
    from scapy.utils import checksum

    at = found.at + _FIELD
    return frame[:at] + struct.pack("!H", checksum(found.body)) + frame[at + 2 :]
