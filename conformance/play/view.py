"""One connection in numbers: what the tester knows of the target's TCB, and its own variables.

Rules:

- All numbers here are relative, as Python integers: the SYN is 0. A header's number is turned
  into a relative one, and back, by the incarnation it belongs to, and nowhere else.
- Two orders exist. Numbering (who acknowledges what, which ISN) is learnt when a segment
  *arrives*. The TCB that a case's expressions see moves when a step *consumes* the segment, so a
  case means the same however early the next segment came. Predict, then commit.
- A SYN of the tester after the end of a connection opens a new incarnation, but only once the
  target acknowledges it as such: an old duplicate keeps the old numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.play.keys import NONE, Keys
from conformance.play.reading import Mark, Stream
from conformance.tcp.flags import Flags
from conformance.tcp.options import Ao, Md5, Mss, SackPermitted, Timestamps, WindowScale
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff, wrap
from conformance.tcp.states import State

# The contiguous end of what was seen, and the islands beyond it.
Holes = tuple[int, tuple[tuple[int, int], ...]]
NEXT_ISN_STEP = 1 << 20  # a new incarnation's SYN is above all that the old one sent


@dataclass(frozen=True, slots=True)
class Numbers:
    """The two ISNs of one incarnation, absolute; ``iss`` is the target's, None until learnt.

    Where no ISN was ever learnt, relative is absolute: a RST from CLOSED has SEQ 0, and 0 is
    what the RFC writes (RFC 9293 section 3.10.7.1).
    """

    irs: int
    iss: int | None = None

    def from_target(self, segment: Segment) -> tuple[int, int]:
        """Relative SEG.SEQ and SEG.ACK of a segment that the target sent."""
        return self.of_target(segment.seq), self.of_tester(segment.ack)

    def from_tester(self, segment: Segment) -> tuple[int, int]:
        """Relative SEG.SEQ and SEG.ACK of a segment that the tester sent."""
        return self.of_tester(segment.seq), self.of_target(segment.ack)

    def of_target(self, number: int) -> int:
        """A number in the target's sequence space, relative."""
        return diff(number, self.iss) if self.iss is not None else number

    def of_tester(self, number: int) -> int:
        """A number in the tester's sequence space, relative."""
        return diff(number, self.irs)

    def target_number(self, relative: int) -> int:
        """The header's number for a relative one of the target's sequence space."""
        return wrap((self.iss or 0) + relative)

    def tester_number(self, relative: int) -> int:
        """The header's number for a relative one of the tester's sequence space."""
        return wrap(self.irs + relative)


class Extent:
    """Which octets of a stream were seen, as the contiguous end and the islands beyond it."""

    def __init__(self, end: int = 0) -> None:
        self.end = end
        self._islands: list[tuple[int, int]] = []

    def holes(self) -> Holes:
        """The end, and the islands beyond it."""
        return self.end, tuple(self._islands)

    def add(self, left: int, right: int) -> None:
        """Add [left, right)."""
        if left >= right:
            return
        islands: list[tuple[int, int]] = []
        for first, last in sorted([*self._islands, (left, right)]):
            if first <= self.end:
                self.end = max(self.end, last)
            elif islands and first <= islands[-1][1]:
                islands[-1] = islands[-1][0], max(last, islands[-1][1])
            else:
                islands.append((first, last))
        self._islands = islands


@dataclass(slots=True)
class ControlBlockView:
    """The target's variables as the tester knows them, under the RFC's names (3.3.1)."""

    snd_una: int = 0
    snd_nxt: int = 0
    snd_wnd: int = 0
    rcv_edge: int = 0  # of the window that it offered last: RCV.NXT + RCV.WND


@dataclass(slots=True)
class Connection:
    """One connection of a case: its ports, its numbers, both sides' variables.

    ``received`` is the tester's RCV.NXT, ``taken`` the target's, ``sent`` the tester's SND.NXT;
    all relative. ``wire_nxt`` is the target's SND.NXT in wire order, ahead of the script.
    ``edge`` is the right edge of the window that the tester offered last, None before the first.
    """

    name: str
    tester_port: int
    target_port: int
    numbers: Numbers
    tcb: ControlBlockView = field(default_factory=ControlBlockView)
    sent: Extent = field(default_factory=Extent)
    taken: Extent = field(default_factory=Extent)
    received: Extent = field(default_factory=Extent)
    tester_stream: Stream = field(default_factory=Stream)
    target_stream: Stream = field(default_factory=Stream)
    wire_nxt: int = 0
    acked: int = 0  # of what the tester sent, by what a step took
    edge: int | None = None
    surplus: tuple[int, int] = (0, 0)  # where a collect ended, and RCV.NXT then
    syn_sent: bool = False
    fin_sent: int | None = None  # relative number after the tester's FIN
    fin_seen: bool = False
    reset: bool = False
    closed: bool = False  # a step saw CLOSED or TIME-WAIT
    candidate: Segment | None = None  # a SYN that may open a new incarnation
    former: int | None = None  # absolute: the number after all that the target sent before it
    incarnation: int = 0
    home: str | None = None  # which of the target's addresses has it; None until one was used
    peer: str | None = None  # which host of the tester's side has; None until one was used
    tester_shift: int | None = None  # offered in the tester's SYN
    target_shift: int | None = None
    tester_mss: int | None = None
    tester_ts: bool = False
    target_ts: bool = False
    tester_sack: bool = False
    target_sack: bool = False
    ts_recent: int = 0
    ts_sent: tuple[int, float] | None = None  # the tester's last TSval, and when it left
    path: list[State] = field(default_factory=list)
    keys: Keys = NONE  # the tester's
    ao_sent: tuple[int, int] | None = None  # KeyID and RNextKeyID that the tester wrote last
    signed: bool = False  # the target's SYN was

    def moved(self, state: State) -> bool:
        """It was seen in this state: whether that is news. No TCB is no TCB, listener or not."""
        gone, last = (State.CLOSED, State.LISTEN), self.path[-1] if self.path else None
        if state is last or (state in gone and last in gone):
            return False
        self.path.append(state)
        return True

    @property
    def over(self) -> bool:
        """Whether a SYN of the tester would now be the first of a new incarnation."""
        return self.reset or self.closed or (self.fin_seen and self.fin_sent is not None)

    @property
    def scaled(self) -> bool:
        """Whether window scaling is in force (RFC 7323 section 2.2: both SYNs offered it)."""
        return self.tester_shift is not None and self.target_shift is not None

    @property
    def timestamps(self) -> bool:
        """Whether timestamps are in force (RFC 7323 section 3.2: both SYNs carried them)."""
        return self.tester_ts and self.target_ts

    @property
    def sack(self) -> bool:
        """Whether the tester may send SACK (RFC 2018 section 2: both SYNs permitted it)."""
        return self.tester_sack and self.target_sack

    @property
    def rcv_wnd(self) -> int:
        """What is left of the window that the target offered: text moves no edge (SHLD-14)."""
        return max(self.tcb.rcv_edge - self.taken.end, 0)

    def lookup(self, name: str) -> int:
        """The value of a TCB name (relative), or KeyError."""
        tcb = self.tcb
        return {
            "SND.UNA": tcb.snd_una,
            "SND.NXT": tcb.snd_nxt,
            "SND.WND": tcb.snd_wnd,
            "RCV.NXT": self.taken.end,
            "RCV.WND": self.rcv_wnd,
            "ISS": 0,
            "IRS": 0,
        }[name]

    # ---- arrival: wire order -----------------------------------------------------------------

    def arrived(self, segment: Segment) -> Numbers:
        """Learn ISNs from a segment of the target as it comes in; its numbering."""
        if self._opens_incarnation(segment):
            self._renew(self.candidate)
        self.home = segment.ip.sender if self.home is None else self.home
        self.peer = segment.ip.receiver if self.peer is None else self.peer
        if Flags.SYN in segment.flags and self.numbers.iss is None:
            self.numbers = Numbers(self.numbers.irs, segment.seq)
            self.target_port = segment.sport
        seq, _ = self.numbers.from_target(segment)
        if Flags.RST not in segment.flags:
            self.wire_nxt = max(self.wire_nxt, seq + segment.length)
        if Flags.SYN in segment.flags:
            scale, stamps = segment.option(WindowScale), segment.option(Timestamps)
            self.target_shift = min(scale.shift, 14) if scale else None
            self.target_ts = stamps is not None
            self.target_sack = segment.option(SackPermitted) is not None
            self.signed = bool(segment.option(Md5) or segment.option(Ao))
        return self.numbers

    def _opens_incarnation(self, segment: Segment) -> bool:
        if self.candidate is not None:
            # Only SYN,ACK or RST,ACK answers a new SYN; a bare ACK is the old connection's.
            answer = Flags.ACK in segment.flags and segment.flags & (Flags.SYN | Flags.RST)
            past = diff(segment.ack, self.candidate.seq)
            return bool(answer) and 0 < past <= self.candidate.length
        new_syn = Flags.SYN in segment.flags and Flags.ACK not in segment.flags
        # Where a step saw CLOSED no SYN comes again: another open has the ISN of the last one.
        return new_syn and self.over and (self.closed or segment.seq != self.numbers.iss)

    def _renew(self, syn: Segment | None) -> None:
        """A new incarnation, opened by the tester's SYN, or (None) by the target's."""
        numbers = Numbers(self.numbers.irs if syn is None else syn.seq)
        fresh = Connection(self.name, self.tester_port, self.target_port, numbers)
        kept = (
            "name", "tester_port", "target_port", "path", "incarnation", "former", "home", "peer",
            "keys",
        )  # fmt: skip
        for slot in self.__slots__:
            if slot not in kept:
                setattr(self, slot, getattr(fresh, slot))
        self.incarnation += 1
        self.home = None if syn is None else self.home
        if syn is not None:
            self._offer(syn)
            self._opened(syn, 0)
            self.sent.add(0, 1)
            self.taken.add(0, 1)

    # ---- consumption: script order -----------------------------------------------------------

    def consumed(self, segment: Segment, numbers: Numbers, *, lost: bool = False) -> None:
        """A step took this segment of the target; ``lost``: the tester never got it."""
        seq, ack = numbers.from_target(segment)
        tcb = self.tcb
        if Flags.RST in segment.flags:
            # Before it is synchronized a target resets a wrong ACK and goes on (3.10.7.3, .4).
            goes_on = Flags.ACK not in segment.flags and not tcb.snd_una and seq != tcb.snd_nxt
            self.reset = self.reset or not goes_on
            return
        tcb.snd_nxt = max(tcb.snd_nxt, seq + segment.length)
        if Flags.ACK in segment.flags:
            self.taken.add(self.taken.end, ack)
            self.acked = max(self.acked, ack)
            if Flags.SYN in segment.flags:  # text of our SYN that it takes was sent
                self.sent.add(self.sent.end, ack)
        shift = self.target_shift or 0 if self.scaled and Flags.SYN not in segment.flags else 0
        tcb.rcv_edge = (ack if Flags.ACK in segment.flags else self.taken.end) + (
            segment.window << shift
        )
        if Flags.FIN in segment.flags:
            self.fin_seen = True
        if not lost:
            self.received.add(seq, self._kept(segment, seq))
            stamps = segment.option(Timestamps)
            if stamps is not None and seq <= self.received.end:
                self.ts_recent = stamps.value

    def _kept(self, segment: Segment, seq: int) -> int:
        """The end of what the tester takes: text beyond its window it does not (RFC 9293 3.10.7.4).

        So the octet of a zero-window probe is none of the stream's yet. A FIN needs no room.
        """
        text_end = seq + segment.has(Flags.SYN) + len(segment.payload)
        if self.edge is None or not segment.payload or text_end <= self.edge:
            return seq + segment.length
        return max(seq, self.edge)

    # ---- the tester's own segments -----------------------------------------------------------

    def syn_number(self) -> int | None:
        """The ISN, absolute, of a SYN that opens the next incarnation; None if not over."""
        return self.numbers.tester_number(self.sent.end + NEXT_ISN_STEP) if self.over else None

    def launched(
        self, segment: Segment, at: float = 0.0, *, lost: bool = False, forged: bool = False
    ) -> None:
        """The tester sent this segment at ``at``; ``lost``: into the void.

        ``forged``: its signature is wrong, so that nothing comes of it.
        """
        stamps, ao = segment.option(Timestamps), segment.option(Ao)
        if forged:
            return
        if ao is not None:
            self.ao_sent = ao.key_id, ao.rnext
        if stamps is not None:
            self.ts_sent = stamps.value, at
        if Flags.SYN in segment.flags and Flags.ACK not in segment.flags and self.over:
            self.candidate = segment
            self.former = self._end_in_time_wait()
            return
        if Flags.RST in segment.flags:
            self.reset = self.reset or not lost
            return
        seq, ack = self.numbers.from_tester(segment)
        self._opened(segment, ack)
        left, right = self._acceptable(segment, seq, ack)
        if Flags.URG in segment.flags and not lost and segment.checksum is None:
            syn = Flags.SYN in segment.flags
            self.tester_stream.marks.append(Mark.of(seq, segment.urgent, syn=syn))
        if left < right:
            if Flags.SYN in segment.flags and not self.syn_sent:
                self._offer(segment, lost=lost)
            self._write(segment, seq, right)
            self.sent.add(left, right)
            if not lost:
                self.taken.add(left, right)
        if Flags.FIN in segment.flags and right == seq + segment.length:
            self.fin_sent = right
        if Flags.ACK in segment.flags and not lost and ack <= self.wire_nxt:
            self.tcb.snd_una = max(self.tcb.snd_una, ack)
            self.tcb.snd_wnd = segment.window << self._shift(segment)

    def _end_in_time_wait(self) -> int | None:
        """What the ISS after TIME-WAIT is to be beyond; None where nothing says so.

        With timestamps old segments are told by those (RFC 6191).
        """
        waits = bool(self.path) and self.path[-1] is State.TIME_WAIT
        if not waits or self.timestamps or self.numbers.iss is None:
            return None
        return self.numbers.target_number(self.wire_nxt)

    def _opened(self, segment: Segment, ack: int) -> None:
        """The window that the tester offers, whether or not its segment arrives."""
        if segment.checksum is None and not segment.trouble:
            left = max(self.tcb.snd_una, min(ack, self.wire_nxt)) if segment.has(Flags.ACK) else 1
            self.edge = left + (segment.window << self._shift(segment))

    def _shift(self, segment: Segment) -> int:
        """How far the window of a segment of the tester is scaled."""
        return self.tester_shift or 0 if self.scaled and not segment.has(Flags.SYN) else 0

    def _offer(self, segment: Segment, *, lost: bool = False) -> None:
        """What the tester's SYN offers; the first that gets there stands, whatever comes later."""
        self.syn_sent = not lost
        scale, mss = segment.option(WindowScale), segment.option(Mss)
        self.tester_shift = min(scale.shift, 14) if scale else None
        self.tester_mss = mss.size if mss else None
        self.tester_ts = segment.option(Timestamps) is not None
        self.tester_sack = segment.option(SackPermitted) is not None

    def _write(self, segment: Segment, seq: int, right: int) -> None:
        """Octets that a case wrote itself take the stream's place; what was taken before stays."""
        first = seq + (Flags.SYN in segment.flags)
        last = seq + segment.length if Flags.SYN in segment.flags else right
        fresh = max(first, self.taken.end, 1)
        text = segment.payload[fresh - first : last - first]
        if text != self.tester_stream.octets(fresh - 1, len(text)):
            self.tester_stream.write(fresh - 1, text)

    def _acceptable(self, segment: Segment, seq: int, ack: int) -> tuple[int, int]:
        """The stretch of the tester's stream that a conformant target takes from the segment.

        RFC 9293 3.10.7.4, in short: ACK set and not of the future, inside the window, nothing
        after the FIN. Text on a SYN is queued, not acknowledged at once (3.10.7.2).
        """
        nothing = (0, 0)
        if segment.checksum is not None or segment.trouble:
            return nothing
        if Flags.SYN in segment.flags:
            answers = Flags.ACK not in segment.flags or 0 < ack <= self.wire_nxt
            return (0, 1) if seq == 0 and answers else nothing
        if Flags.ACK not in segment.flags or ack > self.wire_nxt:
            return nothing
        edge = self.taken.end + max(self.rcv_wnd, 1)
        last = edge if self.fin_sent is None else self.fin_sent
        return (seq, min(seq + segment.length, last)) if seq < edge else nothing
