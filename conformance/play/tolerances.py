"""What a target file may have let by: a table of quirks, each told by a predicate without effect.

A quirk is one deviation that many cases meet on their way to what they ask. Three kinds: an *extra*
segment that no step foresees, in its situation and nowhere else; an answer that may be *missing*;
a *field* that may differ. What no TCP may send (:mod:`.watch`) is tolerated of nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.notation.scanner import NotationError
from conformance.notation.segment import SegmentText, parse_segment
from conformance.play.match import Arrival
from conformance.play.profile import Tolerance
from conformance.play.verdict import Difference
from conformance.play.view import Connection
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

_CLOSES: Final = ("close", "shutdown")


@dataclass(frozen=True, slots=True)
class Passed:
    """A segment of the connection, its time on the lab's clock."""

    at: float
    by_tester: bool
    segment: Segment


@dataclass(frozen=True, slots=True)
class Made:
    """A socket call that has begun; ``ended`` is None while it waits."""

    name: str
    began: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Moment:
    """One connection as it stood at ``at``: all before it, in the order of its stamps.

    ``alone``: nobody makes calls, so the target's servers read whenever text comes. ``soon`` is
    how long what needs no timer may take, in seconds.
    """

    at: float
    conn: Connection
    wire: Sequence[Passed]
    calls: Sequence[Made]
    alone: bool
    soon: float

    def theirs(self) -> list[Segment]:
        """What the target has sent but for resets."""
        sent = (one.segment for one in self.wire if not one.by_tester)
        return [segment for segment in sent if not segment.has(Flags.RST)]

    def last_of_tester(self) -> Passed | None:
        """The segment that the tester sent last, if the target has not sent one since."""
        last = self.wire[-1] if self.wire else None
        return last if last and last.by_tester else None


# ---- situations: when the thing happened that a segment may follow, or None ----------------------


def _after_read(moment: Moment) -> float | None:
    reads = [
        (one.began, one.ended)
        for one in moment.calls
        if one.name == "recv" and one.began <= moment.at
    ]
    if moment.alone:
        text = (one for one in moment.wire if one.by_tester and one.segment.payload)
        reads += [(one.at, one.at) for one in text]
    fit = (
        began for began, ended in reads if moment.at <= (moment.at if ended is None else ended)
        + moment.soon
    )  # fmt: skip
    return max(fit, default=None)


def _after_close(moment: Moment) -> float | None:
    calls = (one.began for one in moment.calls if one.name in _CLOSES and one.began <= moment.at)
    return max((at for at in calls if moment.at <= at + moment.soon), default=None)


def _after_handshake(moment: Moment) -> float | None:
    """Right behind the ACK of the tester's SYN,ACK, before anything else was sent."""
    if len(moment.wire) < 2:
        return None
    opened, ack = moment.wire[-2:]
    answers = opened.by_tester and opened.segment.has(Flags.SYN | Flags.ACK)
    fits = answers and not ack.by_tester and moment.at <= ack.at + moment.soon
    return ack.at if fits else None


def _after_text(moment: Moment) -> float | None:
    return _after_any(moment, lambda segment: bool(segment.payload))


def _after_fin(moment: Moment) -> float | None:
    return _after_any(moment, lambda segment: segment.has(Flags.FIN))


def _after_any(moment: Moment, fits: Callable[[Segment], bool]) -> float | None:
    ours = [one for one in moment.wire if one.by_tester]
    last = ours[-1] if ours else None
    return last.at if last and fits(last.segment) and moment.at <= last.at + moment.soon else None


Situation = Callable[[Moment], float | None]
SITUATIONS: Final[Mapping[str, Situation]] = {
    "handshake": _after_handshake,
    "read": _after_read,
    "text": _after_text,
    "fin": _after_fin,
    "close": _after_close,
}


# ---- extra segments ------------------------------------------------------------------------------


def pure_ack(segment: Segment) -> bool:
    """An ACK and nothing else."""
    return segment.flags & ~Flags.PSH == Flags.ACK and not segment.payload


def _raises_window(moment: Moment, arrival: Arrival) -> bool:
    """Whether all that is new in it is more room: nothing of the stream, no other ACK."""
    segment, sent = arrival.segment, moment.theirs()
    if not sent or not pure_ack(segment):
        return False
    last, of_target = sent[-1], arrival.numbers.of_target
    nxt = max(of_target(one.seq) + one.length for one in sent)
    same = of_target(segment.seq) == nxt and segment.ack == last.ack
    return same and (last.has(Flags.SYN) or segment.window >= last.window)


def _raises_it_again(moment: Moment, arrival: Arrival) -> bool:
    sent = moment.theirs()
    return bool(sent) and arrival.segment.window > sent[-1].window


def _like_the_last(moment: Moment, arrival: Arrival) -> bool:
    segment, sent = arrival.segment, moment.theirs()
    alike = sent and (sent[-1].seq, sent[-1].ack) == (segment.seq, segment.ack)
    return bool(alike) and pure_ack(segment) and pure_ack(sent[-1])


# ---- answers that are missing --------------------------------------------------------------------


def _challenge(moment: Moment, text: SegmentText) -> bool:
    """Whether the ACK that is waited for answers a RST, a SYN or an old ACK (RFC 5961 3 to 5)."""
    last, conn = moment.last_of_tester(), moment.conn
    waits = text.flags & ~text.maybe == Flags.ACK and not text.data and "len" not in text.fields
    if last is None or not waits or conn.numbers.iss is None:
        return False
    segment, (seq, ack) = last.segment, conn.numbers.from_tester(last.segment)
    if segment.has(Flags.RST):
        return conn.taken.end < seq < conn.taken.end + max(1, conn.tcb.rcv_wnd)
    if not conn.tcb.snd_una:  # it is not synchronized
        return False
    old = segment.has(Flags.ACK) and ack < conn.tcb.snd_una
    fresh = conn.closed and not segment.has(Flags.ACK)  # it may open the next connection
    return old or (segment.has(Flags.SYN) and not fresh)


# ---- fields that differ --------------------------------------------------------------------------

Differs = Callable[[Connection, SegmentText, Arrival, frozenset[str]], bool]


def _rst_with_ack(
    _: Connection, text: SegmentText, arrival: Arrival, fields: frozenset[str]
) -> bool:
    flags = arrival.segment.flags
    return fields == {"flags"} and text.flags == Flags.RST and flags == Flags.RST | Flags.ACK


def _without_urg(
    _: Connection, text: SegmentText, arrival: Arrival, fields: frozenset[str]
) -> bool:
    free = Flags.URG | Flags.PSH | text.maybe
    alike = text.flags & ~free == arrival.segment.flags & ~free
    lacks = Flags.URG in text.flags and not arrival.segment.has(Flags.URG)
    return lacks and alike and fields <= {"flags", "urg"}


def _no_octet(
    conn: Connection, text: SegmentText, arrival: Arrival, fields: frozenset[str]
) -> bool:
    """A probe of a shut window without text, at the number before or at the next one."""
    segment, seq = arrival.segment, arrival.field("seq")
    una = conn.tcb.snd_una
    shut = conn.edge is not None and conn.edge <= una and fields <= {"len", "seq"}
    return shut and "len" in fields and pure_ack(segment) and seq in (una - 1, una)


@dataclass(frozen=True, slots=True)
class Quirk:
    """A row: its name, what is let by, and what an RFC says of it. One check, by its kind."""

    name: str
    doc: str
    rfc: str
    after: str = ""
    extra: Callable[[Moment, Arrival], bool] | None = None
    missing: Callable[[Moment, SegmentText], bool] | None = None
    field: Differs | None = None
    again: Callable[[Moment, Arrival], bool] | None = None  # whether one event has one more


QUIRKS: Final[Mapping[str, Quirk]] = {
    quirk.name: quirk
    for quirk in (
        Quirk(
            "window-update-after-read",
            "an ACK that only raises the window, after a read",
            "RFC 9293 3.8.6.2.2: a receiver avoids small updates (MUST-39)",
            after="read",
            extra=_raises_window,
            again=_raises_it_again,
        ),
        Quirk(
            "second-ack-of-syn-ack",
            "the ACK of the tester's SYN,ACK once more, before anything else",
            "RFC 9293 3.10.7.3: one ACK is sent",
            after="handshake",
            extra=_like_the_last,
        ),
        Quirk(
            "no-challenge-ack",
            "no answer to a RST in the window, a SYN or an old ACK, where an ACK is due",
            "RFC 5961 3.2, 4.2, 5.2",
            missing=_challenge,
        ),
        Quirk(
            "rst-carries-ack",
            "a RST,ACK where a RST is due",
            "RFC 9293 3.10.7.1: <SEQ=SEG.ACK><CTL=RST> answers what has an ACK",
            field=_rst_with_ack,
        ),
        Quirk(
            "no-urgent",
            "text without URG where it is due",
            "RFC 9293 3.8.5: the urgent mechanism must be there (MUST-30)",
            field=_without_urg,
        ),
        Quirk(
            "empty-probe",
            "a probe of a shut window that carries no octet",
            "RFC 9293 3.8.6.1: at least one octet of new data",
            field=_no_octet,
        ),
    )
}


def fields_of(differences: Sequence[Difference]) -> frozenset[str]:
    """The names of the fields that differ."""
    return frozenset(one.field for one in differences)


def problem(one: Tolerance) -> str:
    """What is wrong with a tolerance; empty when nothing is."""
    if not one.segment:
        known = ", ".join(QUIRKS)
        return "" if one.name in QUIRKS else f"{one.name} is none of: {known}"
    if one.name in QUIRKS:
        return f"{one.name} has a meaning of its own and takes no segment"
    if one.after not in SITUATIONS:
        return f"after {one.after or 'nothing'} is none of: {', '.join(SITUATIONS)}"
    try:
        parse_segment(one.segment)
    except NotationError as error:
        return f"{one.segment} is no segment: {error.flaws[0].message}"
    return ""
