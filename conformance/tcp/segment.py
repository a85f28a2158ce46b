"""A TCP segment, absolute numbers, exactly as the wire carries it.

It says nothing about addresses: every case has one address a side, and a connection is known by
its ports. ``checksum``, ``offset`` and ``ip`` describe a header that is *not* what a sender would
compute; on a well-formed segment they are None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from conformance.tcp import options as tcp_options
from conformance.tcp.flags import Flags
from conformance.tcp.ip import DRIVERS, IpFields
from conformance.tcp.options import Option
from conformance.tcp.seq import wrap

_O = TypeVar("_O")

# Octets of text and options for which a link of 1500 has room under either IP version: the longer
# headers are those of IPv6, 40, and of TCP, 20.
ROOM: Final = 1440
_NUMBERS: Final = (0, 1, 1, 2)  # that FIN and SYN take, by the two lowest bits of the flags
WRONG_CHECKSUM: Final = -1  # some value that is not the right one: the driver chooses it


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; sequence numbers absolute, window as the 16-bit field (not scaled).

    ``checksum``: None when right, else the 16-bit value that the header carries, or WRONG_CHECKSUM.
    ``offset``: None when the header length fits the options, else the field, in 32-bit words.
    ``trouble``: what the codec found wrong with the frame, in words; empty when sound.
    """

    sport: int
    dport: int
    flags: Flags
    seq: int
    ack: int = 0
    window: int = 0
    urgent: int = 0
    options: tuple[Option, ...] = ()
    payload: bytes = b""
    reserved: int = 0
    offset: int | None = None
    checksum: int | None = None
    ip: IpFields = DRIVERS
    trouble: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """SEG.LEN: octets of text, plus one for SYN and one for FIN (RFC 9293 section 3.4)."""
        return len(self.payload) + _NUMBERS[int(self.flags) & 3]

    @property
    def end(self) -> int:
        """SEG.SEQ + SEG.LEN modulo 2**32: the first sequence number after the segment."""
        return wrap(self.seq + self.length)

    def has(self, flag: Flags) -> bool:
        """Whether every bit of ``flag`` is set."""
        return flag in self.flags

    def option(self, kind: type[_O]) -> _O | None:
        """The first option of this class, or None."""
        return first(self.options, kind)


def first(options: Iterable[Option], kind: type[_O]) -> _O | None:
    """The first option of the class ``kind``, or None."""
    return next((option for option in options if isinstance(option, kind)), None)


def too_long(octets: int) -> str:
    """Why nobody sends so many octets of text and options in one segment."""
    return (
        f"{octets} octets of text and options are too long for the link, which has room for {ROOM}"
    )


def header_words(segment: Segment) -> int:
    """The data offset that fits the segment's options, in 32-bit words."""
    return 5 + len(tcp_options.encode(segment.options)) // 4
