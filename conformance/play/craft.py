"""The tester's segments, built from what a case wrote and from what it left out.

What is not written is what a well-behaved peer would put there: its own next number, the target's
octets acknowledged, a window of 65535, and timestamps once they are in force.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.case.lengths import DEFAULT_WINDOW
from conformance.case.segments import LARGEST_DATA
from conformance.notation.expr import Lookup, Range, exactly
from conformance.notation.options import OptionText
from conformance.notation.printer import print_value
from conformance.notation.segment import SegmentText
from conformance.play import ip, signing
from conformance.play.view import Connection
from conformance.tcp import options as tcp
from conformance.tcp.flags import Flags, of_ace
from conformance.tcp.segment import ROOM, WRONG_CHECKSUM, Segment, header_words, too_long
from conformance.tcp.seq import MODULUS


class TooLong(ValueError):
    """There is more than one segment carries."""


def build(text: SegmentText, conn: Connection, lookup: Lookup, now: float, cut: int = 0) -> Segment:
    """The tester's segment; raises KeyError for a name without a value, ValueError for ``*``.

    What will be ``cut`` has to fit in pieces of so many octets; else (0) as a whole.
    """
    numbers, seq_absolute = conn.numbers, None
    syn = Flags.SYN in text.flags and Flags.ACK not in text.flags
    if syn and conn.over and text.fields.get("seq", exactly(0)) == exactly(0):
        seq_absolute = conn.syn_number()
    default_seq = 0 if Flags.SYN in text.flags else conn.sent.end
    seq = _number(text, "seq", default_seq, lookup)
    default_ack = conn.received.end if Flags.ACK in text.flags else None
    ack = _number(text, "ack", default_ack, lookup)
    data = text.data if text.data is not None else _payload(text, conn, seq, lookup)
    options = _build_options(text, conn, lookup, now)
    segment = Segment(
        sport=conn.tester_port,
        dport=conn.target_port,
        flags=text.flags | of_ace(_number(text, "ace", 0, lookup) or 0),
        seq=seq_absolute if seq_absolute is not None else numbers.tester_number(seq or 0),
        ack=0 if ack is None else numbers.target_number(ack),
        window=(_number(text, "win", DEFAULT_WINDOW, lookup) or 0) & 0xFFFF,
        urgent=(_number(text, "urg", 0, lookup) or 0) & 0xFFFF,
        options=options,
        payload=data,
        reserved=text.reserved or 0,
        ip=ip.fields(text.ip),
    )
    octets = min(len(data), cut or len(data)) + len(tcp.encode(options))
    if octets > ROOM:
        raise TooLong(too_long(octets))
    return _spoil(segment, text)


def _number(text: SegmentText, name: str, default: int | None, lookup: Lookup) -> int | None:
    value = text.fields.get(name)
    if value is None:
        return default
    if not isinstance(value, Range) or value.high is not None:
        raise ValueError(f"{name}={print_value(value)} cannot be sent: one number is needed")
    return value.low.value(lookup)


def _payload(text: SegmentText, conn: Connection, seq: int | None, lookup: Lookup) -> bytes:
    count = _number(text, "len", 0, lookup) or 0
    if not 0 <= count <= LARGEST_DATA:
        raise ValueError(f"len={count} cannot be sent: one step sends 0 to {LARGEST_DATA} octets")
    first = (seq or 0) + (Flags.SYN in text.flags) - 1
    return conn.tester_stream.octets(first, count) if count else b""


def _spoil(segment: Segment, text: SegmentText) -> Segment:
    """Apply what no sender would do: a wrong checksum, a wrong data offset."""
    if text.checksum is not None:
        wrong = WRONG_CHECKSUM if text.checksum == "bad" else int(text.checksum)
        segment = replace(segment, checksum=wrong)
    if text.offset is not None and text.offset != header_words(segment):
        segment = replace(segment, offset=text.offset)
    return segment


def _build_options(
    text: SegmentText, conn: Connection, lookup: Lookup, now: float
) -> tuple[tcp.Option, ...]:
    if text.raw_options is not None:
        return tcp.decode(text.raw_options)
    if text.options is not None:
        return tuple(_build_option(option, conn, lookup) for option in text.options.options)
    if conn.timestamps and not text.flags & (Flags.SYN | Flags.RST):
        # RFC 7323 section 3.2: once negotiated, every segment but a RST carries them.
        stamps = tcp.Timestamps(clock(conn, now), conn.ts_recent)
        return (tcp.Nop(), tcp.Nop(), stamps, *signing.default(conn))
    return signing.default(conn)


def clock(conn: Connection, now: float) -> int:
    """The tester's next TSval: a tick a millisecond, on from the last one that it sent."""
    value, at = conn.ts_sent or (0, 0.0)
    return (value + int((now - at) * 1000)) % MODULUS


def _build_option(option: OptionText, conn: Connection, lookup: Lookup) -> tcp.Option:
    numbers = []
    for value, number in option.family.along(option.values):
        if not isinstance(value, Range) or value.high is not None:
            raise ValueError(f"option {option.name} needs plain numbers to be sent")
        found = value.low.value(lookup)
        numbers.append(
            conn.numbers.target_number(found) if number.sequence else found & number.most
        )
    computed = bytes(option.family.text.computed) if option.family.text and option.computes else b""
    made = option.family.make(numbers, computed or option.octets)
    # Written by its number it is what its octets say: both ends of the wire read those.
    return tcp.read(made.kind, made.body) if isinstance(made, tcp.Unknown) else made
