"""What no TCP may do, looked for in every segment of the target, whether or not a step looks.

The rules are a table; each has a name (a case that provokes one on purpose says
``unwatched: [name]``) and the requirement it stands for. A :class:`Watcher` follows one
connection in wire order: what the tester offered, acknowledged and sent is what the target is
held to. Numbers are relative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from conformance.play.verdict import Failure
from conformance.play.view import Connection, Numbers
from conformance.tcp import options as tcp
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff

DEFAULT_MSS: Final = {4: 536, 6: 1220}  # RFC 9293 section 3.7.1, MUST-15


@dataclass(frozen=True, slots=True)
class Seen:
    """One segment of the target, in relative numbers, with the connection as it now stands."""

    segment: Segment
    conn: Connection
    seq: int
    ack: int
    ip: int

    @property
    def rst(self) -> bool:
        """Whether it is a reset, which answers to fewer rules."""
        return Flags.RST in self.segment.flags

    @property
    def syn(self) -> bool:
        """Whether it opens a numbering."""
        return Flags.SYN in self.segment.flags


@dataclass(slots=True)
class Watcher:
    """What one incarnation has shown so far, both ways."""

    sent_end: int = 0  # the end of all that the tester sent
    right_edge: int = 1  # of the greatest window that the tester offered
    fin_end: int | None = None  # the number after the target's FIN
    ts_sent: set[int] = field(default_factory=set)
    ts_last: int | None = None
    ts_echo: int | None = None

    def tester_sent(self, segment: Segment, conn: Connection, numbers: Numbers) -> None:
        """A segment of the tester left (not one that the network lost), numbered so."""
        seq, ack = numbers.from_tester(segment)
        shift = conn.tester_shift or 0 if conn.scaled and not segment.has(Flags.SYN) else 0
        left = ack if segment.has(Flags.ACK) else 1
        self.right_edge = max(self.right_edge, left + (segment.window << shift))
        stamps = segment.option(tcp.Timestamps)
        if stamps is not None and seq <= self.sent_end:
            # RFC 7323 4.3: a segment beyond Last.ACK.sent never becomes TS.Recent.
            self.ts_sent.add(stamps.value)
        self.sent_end = max(self.sent_end, seq + segment.length)

    def look(self, seen: Seen, unwatched: frozenset[str]) -> list[tuple[Rule, str]]:
        """Every rule that the segment breaks, with the breach in words; then learn from it."""
        found = []
        for rule in RULES:
            if rule.name not in unwatched and (breach := rule.check(self, seen)):
                found.append((rule, breach))
        if Flags.FIN in seen.segment.flags and not seen.rst:
            self.fin_end = seen.seq + seen.segment.length
        stamps = seen.segment.option(tcp.Timestamps)
        if stamps is not None and not seen.rst:
            self.ts_last, self.ts_echo = stamps.value, stamps.echo
        return found


class Watch:
    """The watchers of a conversation: one for each incarnation of each connection."""

    def __init__(self) -> None:
        self._watchers: dict[tuple[str, int], Watcher] = {}

    def of(self, conn: Connection, ahead: int = 0) -> Watcher:
        """The connection's watcher, or that of an incarnation ``ahead``."""
        return self._watchers.setdefault((conn.name, conn.incarnation + ahead), Watcher())

    def tester_sent(self, segment: Segment, conn: Connection) -> None:
        """A segment left; a SYN that may open the next incarnation is numbered by itself."""
        if conn.candidate is segment:
            self.of(conn, 1).tester_sent(segment, conn, Numbers(segment.seq))
        else:
            self.of(conn).tester_sent(segment, conn, conn.numbers)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: its name, its requirement, what it is in a line, and its check.

    ``check`` answers the breach in words, or an empty text.
    """

    name: str
    requirement: str
    doc: str
    check: Callable[[Watcher, Seen], str]

    def failure(self, breach: str, text: str) -> Failure:
        """Of the segment that breaks it, in the notation."""
        message = f"no TCP may send this: {breach}"
        return Failure(message, (self.doc,), text, requirement=self.requirement, never=True)


def _checksum(watcher: Watcher, seen: Seen) -> str:
    found = seen.segment.checksum
    return "" if found is None else f"its checksum 0x{found:04x} is wrong"


def _header(watcher: Watcher, seen: Seen) -> str:
    return "; ".join(seen.segment.trouble)


def _reserved(watcher: Watcher, seen: Seen) -> str:
    bits = seen.segment.reserved
    return f"its reserved bits are {bits:#x}, not zero" if bits else ""


def _options(watcher: Watcher, seen: Seen) -> str:
    for option in seen.segment.options:
        if isinstance(option, tcp.Malformed):
            return f"its options end in an impossible one: 0x{option.octets.hex()}"
        if isinstance(option, tcp.Unknown) and tcp.has_body(option.kind):
            return f"its option {option.kind} has the wrong length, {len(option.body) + 2}"
    return ""


def _padding(watcher: Watcher, seen: Seen) -> str:
    for option in seen.segment.options:
        if isinstance(option, tcp.Eol) and any(option.rest):
            return f"0x{option.rest.hex()} follows its End-of-List"
    return ""


def _mss_on_syn(watcher: Watcher, seen: Seen) -> str:
    stray = not seen.syn and seen.segment.option(tcp.Mss) is not None
    return "it carries an MSS option without SYN" if stray else ""


def _ack_set(watcher: Watcher, seen: Seen) -> str:
    if seen.segment.has(Flags.ACK) or seen.rst or seen.syn:
        return ""
    return "it has no ACK, and is neither SYN nor RST"


def _ack_unsent(watcher: Watcher, seen: Seen) -> str:
    if not seen.segment.has(Flags.ACK) or seen.ack <= watcher.sent_end:
        return ""
    return f"it acknowledges {seen.ack}, and nothing beyond {watcher.sent_end} was sent"


def _window(watcher: Watcher, seen: Seen) -> str:
    end = seen.seq + seen.segment.length
    if seen.rst or seen.syn or not seen.segment.length:
        return ""
    # A FIN occupies the number after the last octet; a probe may exceed a window that is shut
    # by one octet (RFC 9293 section 3.8.6.1).
    if end <= watcher.right_edge + 1 and len(seen.segment.payload) <= 1:
        return ""
    text_end = seen.seq + len(seen.segment.payload)
    if text_end <= watcher.right_edge:
        return ""
    return f"its text ends at {text_end}, and the window offered ends at {watcher.right_edge}"


def _mss(watcher: Watcher, seen: Seen) -> str:
    offered = seen.conn.tester_mss
    limit = DEFAULT_MSS[seen.ip] if offered is None else offered
    size = len(seen.segment.payload)
    octets = len(tcp.encode(seen.segment.options)) if size else 0
    if size + octets <= limit:
        return ""
    return f"it has {size} octets of text and {octets} of options, and the MSS is {limit}"


def _payload(watcher: Watcher, seen: Seen) -> str:
    text = seen.segment.payload
    if not text or seen.rst:
        return ""
    first = seen.seq - 1 + seen.syn
    right = seen.conn.target_stream.octets(first, len(text)) if first >= 0 else None
    if right == text:
        return ""
    if right is None:
        return f"its text begins before the stream, at {seen.seq}"
    at = next(i for i, (x, y) in enumerate(zip(text, right, strict=True)) if x != y)
    return (
        f"octet {seen.seq + at} of the stream is 0x{text[at]:02x}, and was written as "
        f"0x{right[at]:02x}"
    )


def _after_fin(watcher: Watcher, seen: Seen) -> str:
    end = seen.seq + seen.segment.length
    if watcher.fin_end is None or seen.rst or seen.syn:
        return ""
    if end > watcher.fin_end:
        return f"it ends at {end}, after its FIN at {watcher.fin_end - 1}"
    if seen.segment.has(Flags.FIN) and end != watcher.fin_end:
        return f"its FIN is at {end - 1}, and was at {watcher.fin_end - 1} before"
    return ""


def _ts_echo(watcher: Watcher, seen: Seen) -> str:
    stamps = seen.segment.option(tcp.Timestamps)
    if seen.rst or not seen.conn.timestamps or (seen.syn and not seen.segment.has(Flags.ACK)):
        return ""
    if stamps is None:
        return "it has no timestamps, and both SYNs had them"
    if stamps.echo not in watcher.ts_sent:
        return f"its TSecr {stamps.echo} echoes no TSval that was sent"
    if watcher.ts_echo and diff(stamps.echo, watcher.ts_echo) < 0:
        return f"its TSecr {stamps.echo} is older than {watcher.ts_echo}, echoed before"
    return ""


def _ts_value(watcher: Watcher, seen: Seen) -> str:
    stamps = seen.segment.option(tcp.Timestamps)
    if stamps is None or watcher.ts_last is None or seen.rst:
        return ""
    if diff(stamps.value, watcher.ts_last) >= 0:
        return ""
    return f"its TSval {stamps.value} runs back from {watcher.ts_last}"


RULES: Final = (
    Rule("checksum", "rfc9293/MUST-2", "the checksum is right", _checksum),
    Rule("header", "rfc9293/T-3.1-doff", "header lengths and the IP header are sound", _header),
    Rule("reserved", "rfc9293/T-3.1-rsrvd-tx", "reserved bits are zero", _reserved),
    Rule("options", "rfc9293/MUST-68", "options are well-formed", _options),
    Rule("padding", "rfc9293/MUST-69", "only zeros follow End-of-List", _padding),
    Rule("mss-on-syn", "rfc9293/MUST-65", "the MSS option comes with SYN only", _mss_on_syn),
    Rule("ack-set", "rfc9293/T-3.1-ack-set", "all but SYN and RST carry ACK", _ack_set),
    Rule("ack-unsent", "rfc9293/T-3.4-seglen", "no ACK of what was never sent", _ack_unsent),
    Rule("window", "rfc9293/MUST-38", "no text beyond the window offered", _window),
    Rule("mss", "rfc9293/MUST-16", "no segment above the MSS offered", _mss),
    Rule("payload", "rfc9293/T-3.6-deliver", "the octets are those that were written", _payload),
    Rule("after-fin", "rfc9293/T-3.10.4-onefin", "nothing follows the FIN; it stays", _after_fin),
    Rule("ts-echo", "rfc7323/3.2-c", "TSecr echoes a TSval, never an older one", _ts_echo),
    Rule("ts-value", "rfc7323/5.4-a", "TSval does not run back", _ts_value),
)
RULE_NAMES: Final = frozenset(rule.name for rule in RULES)


def relative(segment: Segment, numbers: Numbers, conn: Connection, ip: int) -> Seen:
    """The segment as the rules look at it."""
    seq, ack = numbers.from_target(segment)
    return Seen(segment, conn, seq, ack, ip)
