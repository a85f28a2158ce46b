"""What no TCP may do, looked for in every segment of the target, whether or not a step looks.

The rules are a table; each has a name (a case that provokes one on purpose says
``unwatched: [name]``) and the requirement it stands for. A :class:`Watcher` follows one
connection in wire order: what the tester offered, acknowledged and sent is what the target is
held to. Numbers are relative.

An ACK of every second full-sized segment (RFC 9293 SHLD-19) is asked by cases and no rule: a TCP
that finds three in its queue takes all of them first (MUST-59), and nobody outside sees a queue.

What an RFC only advises against (SHOULD NOT) fails nobody: such a rule remarks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from conformance.play.signing import breach
from conformance.play.verdict import Failure
from conformance.play.view import Connection, Extent, Numbers
from conformance.tcp import options as tcp
from conformance.tcp.flags import ACE, Flags
from conformance.tcp.segment import Segment
from conformance.tcp.seq import MODULUS, diff

# Half a round of a clock of milliseconds, seconds: beyond, none is older (RFC 7323 5.4, 5.5).
_TS_IDLE: Final = (1 << 31) / 1000
DEFAULT_MSS: Final = {4: 536, 6: 1220}  # RFC 9293 section 3.7.1, MUST-15


@dataclass(frozen=True, slots=True)
class Seen:
    """One segment of the target, in relative numbers, with the connection as it now stands."""

    segment: Segment
    conn: Connection
    seq: int
    ack: int
    ip: int
    at: float

    @property
    def rst(self) -> bool:
        """Whether it is a reset, which answers to fewer rules."""
        return Flags.RST in self.segment.flags

    @property
    def syn(self) -> bool:
        """Whether it opens a numbering."""
        return Flags.SYN in self.segment.flags

    @property
    def edge(self) -> int:
        """The right edge of the window that it offers."""
        return self.ack + (self.segment.window << self.shift)

    @property
    def shift(self) -> int:
        """How far its window is scaled."""
        return self.conn.target_shift or 0 if self.conn.scaled and not self.syn else 0


@dataclass(slots=True)
class Watcher:
    """What one incarnation has shown so far, both ways."""

    sent_end: int = 0  # the end of all that the tester sent
    in_order: Extent = field(default_factory=Extent)  # of it
    acknowledged: int = 0  # by the tester, of what the target sent
    right_edge: int = 1  # of the greatest window that the tester offered
    own_edge: int | None = None  # the target's, the greatest since it last went back
    own_ack: int = 0
    fin_end: int | None = None  # the number after the target's FIN
    accecn: bool = False  # a SYN of either end asked for it
    ts_sent: dict[int, int] = field(default_factory=dict)  # with their places on an endless clock
    ts_beyond: list[tuple[int, int, int]] = field(default_factory=list)  # of text beyond a gap
    ts_clock: tuple[int, int, float] | None = None  # the last one sent, its place, when
    ts_last: tuple[int, float] | None = None  # the target's, and when
    ts_echo: int | None = None  # the place of the last one echoed
    isn: tuple[int, float] | None = None  # the target's, absolute, and when
    before: Watcher | None = None  # of the incarnation before

    def tester_sent(
        self, segment: Segment, conn: Connection, numbers: Numbers, at: float = 0.0
    ) -> None:
        """A segment of the tester left (not one that the network lost), numbered so."""
        seq, ack = numbers.from_tester(segment)
        self.accecn |= _asks_accecn(segment)
        shift = conn.tester_shift or 0 if conn.scaled and not segment.has(Flags.SYN) else 0
        left = ack if segment.has(Flags.ACK) else 1
        self.right_edge = max(self.right_edge, left + (segment.window << shift))
        if segment.has(Flags.ACK) and ack <= conn.wire_nxt:
            self.acknowledged = max(self.acknowledged, ack)
        stamps = segment.option(tcp.Timestamps)
        if stamps is not None:
            self._stamped(seq, stamps.value, at)
        self.sent_end = max(self.sent_end, seq + segment.length)
        self.in_order.add(seq, seq + segment.length)
        for first, value, place in self.ts_beyond:
            if first <= self.in_order.end:
                self.ts_sent.setdefault(value, place)

    def _stamped(self, seq: int, value: int, at: float) -> None:
        """A segment beyond Last.ACK.sent, while it is, is none to be echoed (RFC 7323 4.3)."""
        place = value
        if self.ts_clock is not None:
            last, before, since = self.ts_clock
            step = diff(value, last) if at - since < _TS_IDLE else (value - last) % MODULUS
            place = before + step
        self.ts_clock = value, place, at
        if seq <= self.sent_end:
            self.ts_sent[value] = place
        else:
            self.ts_beyond.append((seq, value, place))

    def look(self, seen: Seen, unwatched: frozenset[str]) -> list[tuple[Rule, str]]:
        """Every rule that the segment breaks, with the breach in words; then learn from it."""
        found = []
        for rule in RULES:
            if rule.name not in unwatched and (breach := rule.check(self, seen)):
                found.append((rule, breach))
        if not seen.rst:
            self._learn(seen)
        return found

    def _learn(self, seen: Seen) -> None:
        self.accecn |= _asks_accecn(seen.segment)
        if seen.syn and self.isn is None:
            self.isn = seen.segment.seq, seen.at
        if Flags.FIN in seen.segment.flags:
            self.fin_end = seen.seq + seen.segment.length
        stamps = seen.segment.option(tcp.Timestamps)
        if stamps is not None:
            self.ts_last = stamps.value, seen.at
            self.ts_echo = self.ts_sent.get(stamps.echo, self.ts_echo)
        if seen.segment.has(Flags.ACK) and seen.ack >= self.own_ack:
            back = bool(_window_edge(self, seen))
            kept = None if back else self.own_edge
            self.own_edge = seen.edge if kept is None else max(kept, seen.edge)
            self.own_ack = seen.ack


class Watch:
    """The watchers of a conversation: one for each incarnation of each connection."""

    def __init__(self) -> None:
        self._watchers: dict[tuple[str, int], Watcher] = {}

    def of(self, conn: Connection, ahead: int = 0) -> Watcher:
        """The connection's watcher, or that of an incarnation ``ahead``."""
        number = conn.incarnation + ahead
        fresh = Watcher(before=self._watchers.get((conn.name, number - 1)))
        return self._watchers.setdefault((conn.name, number), fresh)

    def tester_sent(self, segment: Segment, conn: Connection, at: float) -> None:
        """A segment left; a SYN that may open the next incarnation is numbered by itself."""
        if conn.candidate is segment:
            self.of(conn, 1).tester_sent(segment, conn, Numbers(segment.seq), at)
        else:
            self.of(conn).tester_sent(segment, conn, conn.numbers, at)


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: ``check`` answers the breach in words, or nothing; nobody fails by ``advice``."""

    name: str
    requirement: str
    doc: str
    check: Callable[[Watcher, Seen], str]
    advice: bool = False

    def failure(self, breach: str, text: str) -> Failure:
        """Of the segment that breaks it, in the notation."""
        message = f"no TCP may send this: {breach}"
        return Failure(message, (self.doc,), text, requirement=self.requirement, never=True)


def _checksum(watcher: Watcher, seen: Seen) -> str:
    found = seen.segment.checksum
    return "" if found is None else f"its checksum 0x{found:04x} is wrong"


def _source(watcher: Watcher, seen: Seen) -> str:
    if seen.segment.ip.sender != seen.conn.home:
        return "it came from another address"
    return "" if seen.segment.sport == seen.conn.target_port else "it came from another port"


def _signature(watcher: Watcher, seen: Seen) -> str:
    return breach(seen.segment, seen.conn)


def _signed(watcher: Watcher, seen: Seen) -> str:
    bare = not any(isinstance(one, (tcp.Md5, tcp.Ao)) for one in seen.segment.options)
    # A reset may be of a host that has forgotten the connection, and with it the key.
    return "it is not signed, and its SYN was" if bare and seen.conn.signed and not seen.rst else ""


def _header(watcher: Watcher, seen: Seen) -> str:
    return "; ".join(seen.segment.trouble)


def _reserved(watcher: Watcher, seen: Seen) -> str:
    """AE is the fourth of them, but for who speaks AccECN (RFC 9768 section 3.1)."""
    bits = seen.segment.reserved
    if bits:
        return f"its reserved bits are {bits:#x}, not zero"
    free = watcher.accecn or _asks_accecn(seen.segment) or not seen.segment.has(Flags.AE)
    return "" if free else "it has AE, a reserved bit where no SYN asked for AccECN"


def _asks_accecn(segment: Segment) -> bool:
    return segment.has(Flags.SYN | ACE) and not segment.has(Flags.ACK)


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


def _on_syn(kind: type[tcp.Option], name: str) -> Callable[[Watcher, Seen], str]:
    def look(watcher: Watcher, seen: Seen) -> str:
        stray = not seen.syn and seen.segment.option(kind) is not None
        return f"it carries {name} without SYN" if stray else ""

    return look


_mss_on_syn = _on_syn(tcp.Mss, "an MSS option")
_scale_on_syn = _on_syn(tcp.WindowScale, "a window scale option")
_sack_on_syn = _on_syn(tcp.SackPermitted, "SACK-permitted")


def _isn(watcher: Watcher, seen: Seen) -> str:
    former = seen.conn.former
    if former is None or not seen.syn or seen.rst or diff(seen.segment.seq, former) >= 0:
        return ""
    return "it opens a connection out of TIME-WAIT, and its ISN is not above what was sent there"


def _isn_again(watcher: Watcher, seen: Seen) -> str:
    isn, at = (watcher.before and watcher.before.isn) or (None, 0.0)
    if not seen.syn or seen.rst or seen.segment.seq != isn or seen.at - at < 1.0:
        return ""  # in less than a second a coarse clock may stand
    return f"its ISN is that of the open {seen.at - at:.0f} s before it"


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
    if offered is None and seen.syn:
        return ""  # a Fast Open: the MSS of an earlier connection holds (RFC 7413 4.1.3)
    limit = DEFAULT_MSS[seen.ip] if offered is None else offered
    size = len(seen.segment.payload)
    octets = len(tcp.encode(seen.segment.options)) if size else 0
    if size + octets <= limit:
        return ""
    return f"it has {size} octets of text and {octets} of options, and the MSS is {limit}"


def _payload(watcher: Watcher, seen: Seen) -> str:
    text = seen.segment.payload
    if not text or seen.rst or _is_keep_alive(watcher, seen):
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


def _is_keep_alive(watcher: Watcher, seen: Seen) -> bool:
    """SEG.SEQ = SND.NXT-1, all acknowledged, one garbage octet (RFC 9293 section 3.8.4, MAY-6)."""
    end = seen.seq + 1
    one = len(seen.segment.payload) == 1 and not seen.syn
    return one and end == watcher.acknowledged == seen.conn.wire_nxt


def _window_edge(watcher: Watcher, seen: Seen) -> str:
    if watcher.own_edge is None or seen.rst or seen.syn or seen.conn.fin_sent is not None:
        return ""
    # By less than a unit of a scaled window it moves when it is rounded (RFC 7323 section 2.4).
    if seen.ack < watcher.own_ack or seen.edge + (1 << seen.shift) > watcher.own_edge:
        return ""
    return f"the right edge of its window went back from {watcher.own_edge} to {seen.edge}"


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
    place = watcher.ts_sent.get(stamps.echo)
    if place is None:
        beyond = any(value == stamps.echo for _, value, _ in watcher.ts_beyond)
        what = "a segment beyond a gap" if beyond else "no TSval that was sent"
        return f"its TSecr {stamps.echo} echoes {what}"
    if watcher.ts_echo is not None and place < watcher.ts_echo:
        return f"its TSecr {stamps.echo} is older than {watcher.ts_echo % MODULUS}, echoed before"
    return ""


def _ts_value(watcher: Watcher, seen: Seen) -> str:
    stamps = seen.segment.option(tcp.Timestamps)
    if stamps is None or watcher.ts_last is None or seen.rst:
        return ""
    last, at = watcher.ts_last
    if diff(stamps.value, last) >= 0 or seen.at - at >= _TS_IDLE:
        return ""
    return f"its TSval {stamps.value} runs back from {last}"


RULES: Final = (
    Rule("checksum", "rfc9293/MUST-2", "the checksum is right", _checksum),
    Rule("signature", "rfc2385/2.0-b", "signatures are right", _signature),
    Rule("signed", "rfc2385/2.0-a", "after a signed SYN all is signed", _signed),
    Rule("header", "rfc9293/T-3.1-doff", "header lengths and the IP header are sound", _header),
    Rule("source", "rfc9293/MUST-45", "a connection keeps its local address", _source),
    Rule("reserved", "rfc9293/T-3.1-rsrvd-tx", "reserved bits are zero", _reserved),
    Rule("options", "rfc9293/MUST-68", "options are well-formed", _options),
    Rule("padding", "rfc9293/MUST-69", "only zeros follow End-of-List", _padding),
    Rule("mss-on-syn", "rfc9293/MUST-65", "the MSS option comes with SYN only", _mss_on_syn),
    Rule("scale-on-syn", "rfc7323/2.2-e", "scale comes with SYN only", _scale_on_syn, advice=True),
    Rule("sack-on-syn", "rfc2018/2-a", "SACK-permitted comes with SYN only", _sack_on_syn),
    Rule("isn", "rfc9293/MAY-2", "an ISN out of TIME-WAIT is new", _isn, advice=True),
    Rule("isn-again", "rfc9293/MUST-8", "each open has its own ISN", _isn_again),
    Rule("ack-set", "rfc9293/T-3.1-ack-set", "all but SYN and RST carry ACK", _ack_set),
    Rule("ack-unsent", "rfc9293/T-3.4-seglen", "no ACK of what was never sent", _ack_unsent),
    Rule("window", "rfc9293/MUST-38", "no text beyond the window offered", _window),
    Rule("mss", "rfc9293/MUST-16", "no segment above the MSS offered", _mss),
    Rule("payload", "rfc9293/T-3.6-deliver", "the octets are those that were written", _payload),
    Rule("after-fin", "rfc9293/T-3.10.4-onefin", "nothing follows the FIN; it stays", _after_fin),
    Rule("ts-echo", "rfc7323/3.2-c", "TSecr echoes a TSval, never an older one", _ts_echo),
    Rule("ts-value", "rfc7323/5.4-a", "TSval does not run back", _ts_value),
    Rule("window-edge", "rfc9293/SHLD-14", "the window's edge stays", _window_edge, advice=True),
)
RULE_NAMES: Final = frozenset(rule.name for rule in RULES)


def relative(segment: Segment, numbers: Numbers, conn: Connection, ip: int, at: float) -> Seen:
    """The segment as the rules look at it; it came at ``at``."""
    seq, ack = numbers.from_target(segment)
    return Seen(segment, conn, seq, ack, ip, at)
