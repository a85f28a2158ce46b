"""Signatures on a connection: the tester's computed, the target's held to the tester's keys.

A digest is a function of the segment, the two addresses, the key, and with TCP-AO the two ISNs, so
it is told by the connection, which knows all of them.

Linux takes a segment whose checksum is zero for one that it sends itself (6.12,
tcp_ao_hash_pseudoheader()), so that one of 65,536 with TCP-AO is dropped for its MAC. No case could
ask for such a segment, and none is to meet it by chance: where the case leaves the window open, it
is one octet smaller then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from conformance.notation.options import BAD, Bad, OptionText
from conformance.notation.printer import print_segment
from conformance.notation.segment import SegmentText
from conformance.play.describe import describe
from conformance.play.view import Connection, Numbers
from conformance.tcp import options as tcp
from conformance.tcp.authentication import Traffic, ao_mac, md5_digest, summed, with_digest
from conformance.tcp.flags import Flags
from conformance.tcp.options import Ao, Md5
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff

_SIGNATURES: Final = ("md5", "ao")


def default(conn: Connection) -> tuple[tcp.Option, ...]:
    """The option of a segment for which a case writes none, its digest to be computed."""
    if conn.keys.ao:
        first = next(iter(conn.keys.ao))
        return (Ao(*(conn.ao_sent or (first, first)), bytes(12)),)
    return (tcp.Nop(), tcp.Nop(), Md5(bytes(16))) if conn.keys.md5 else ()


def sign(segment: Segment, text: SegmentText, conn: Connection) -> Segment:
    """With the digests that the case leaves to be computed; ValueError for one without a key."""
    written = text.options.options if text.options is not None else None
    if text.raw_options is not None:
        return segment
    for at, option in enumerate(segment.options):
        spoilt = written is not None and at < len(written) and written[at].body == BAD
        if not isinstance(option, (Md5, Ao)) or not _computes(written, at):
            continue
        right = _right(segment, option, conn, from_target=False)
        if right is None:
            raise ValueError(_NO_KEY[type(option)])
        found = bytes(octet ^ 0xFF for octet in right) if spoilt else right
        segment = with_digest(segment, type(option), found)
    if "win" not in text.fields and conn.keys.ao and _sums_to_zero(segment, conn):
        return sign(replace(segment, window=segment.window - 1), text, conn)
    return segment


def _sums_to_zero(segment: Segment, conn: Connection) -> bool:
    """Whether its checksum is zero: modulo 0xFFFF a number is the sum of its words, carries in."""
    told = summed(conn.keys.ends, segment)
    return int.from_bytes(told + bytes(len(told) % 2), "big") % 0xFFFF == 0


_NO_KEY: Final = {
    Md5: "md5 needs a key: tester: {md5: secret}",
    Ao: "ao needs a key of this KeyID: tester: {ao: {1: secret}}",
}


def _computes(written: tuple[OptionText, ...] | None, at: int) -> bool:
    return written is None or at >= len(written) or written[at].computes


def forged(segment: Segment, conn: Connection) -> bool:
    """Whether a target that has the tester's keys drops this segment of the tester."""
    found = _signature(segment)
    if not conn.keys:
        return False
    return found is None or _digest(found) != _right(segment, found, conn, from_target=False)


def breach(segment: Segment, conn: Connection) -> str:
    """What is wrong with the signature of a segment of the target, in words; empty if nothing."""
    if len([one for one in segment.options if isinstance(one, (Md5, Ao))]) > 1:
        return "it has more than one of the MD5 option and TCP-AO"
    found = _signature(segment)
    if found is None or not conn.keys:
        return ""
    if isinstance(found, Ao) and conn.keys.ao and found.key_id not in conn.keys.ao:
        return f"its KeyID {found.key_id} is that of no key"
    right = _right(segment, found, conn, from_target=True)
    if right is None or _digest(found) == right:
        return ""
    return f"its {'MAC' if isinstance(found, Ao) else 'MD5 digest'} is wrong"


def in_words(
    segment: Segment, numbers: Numbers, conn: Connection, *, from_target: bool, window: bool = False
) -> str:
    """The segment as a case would write it: ``md5`` where its digest is right."""
    text = describe(segment, numbers, from_target=from_target, window=window)
    found = _signature(segment)
    if found is None or text.options is None:
        return print_segment(text)
    right = _digest(found) == _right(segment, found, conn, from_target=from_target)
    body = b"" if right else BAD if conn.keys and not from_target else _digest(found)
    options = tuple(_told(one, body) for one in text.options.options)
    return print_segment(replace(text, options=replace(text.options, options=options)))


def _told(option: OptionText, body: bytes | Bad) -> OptionText:
    return replace(option, body=body) if option.name in _SIGNATURES else option


def _signature(segment: Segment) -> Md5 | Ao | None:
    return next((one for one in segment.options if isinstance(one, (Md5, Ao))), None)


def _digest(option: Md5 | Ao) -> bytes:
    return option.digest if isinstance(option, Md5) else option.mac


def _right(
    segment: Segment, option: Md5 | Ao, conn: Connection, *, from_target: bool
) -> bytes | None:
    """What its digest has to be; None without a key."""
    keys = conn.keys
    ends = keys.ends.turned if from_target else keys.ends
    if isinstance(option, Md5):
        return md5_digest(keys.md5, ends, segment) if keys.md5 else None
    if option.key_id not in keys.ao:
        return None
    isns = _isns(segment, conn, from_target=from_target)
    ports = segment.sport, segment.dport
    traffic = Traffic(keys.ao[option.key_id], ends, ports, isns)
    extension = (isns[0] + max(0, diff(segment.seq, isns[0]))) >> 32
    return ao_mac(traffic, extension, segment)


def _isns(segment: Segment, conn: Connection, *, from_target: bool) -> tuple[int, int]:
    """The sender's ISN and the receiver's, which a SYN does not know (RFC 5925 section 5.2)."""
    if Flags.SYN in segment.flags and Flags.ACK not in segment.flags:
        return segment.seq, 0
    own, other = conn.numbers.iss or 0, conn.numbers.irs
    return (own, other) if from_target else (other, own)
