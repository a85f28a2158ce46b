"""What one conversation lets by, and what it keeps of it.

Rules:

- A tolerance comes after the case: what a step or an ``allow`` foresees is theirs. But an extra
  segment that was there before the tester sent what it would have answered is none of its answers.
- One event, one extra segment: a read has one update; each one more has to raise the window.
- Where an extra segment took the place of the answer that looks like it, the answer itself is the
  one too many when it comes.
- Of an answer that is missing, later steps quote the numbers that it should have had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case.lint import every_step
from conformance.case.step import Step
from conformance.notation.segment import SegmentText, parse_segment
from conformance.play import events
from conformance.play.match import Arrival, Sighting, Unwritten
from conformance.play.profile import Ability, Tolerance
from conformance.play.record import What
from conformance.play.tolerances import (
    QUIRKS,
    SITUATIONS,
    Made,
    Moment,
    Passed,
    Quirk,
    fields_of,
    pure_ack,
)
from conformance.play.verdict import Difference
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

if TYPE_CHECKING:
    from conformance.play.conversation import Conversation

_MOST = 64  # segments back from the moment
_REFUSED = Flags.SYN | Flags.RST  # whatever text they carry is not taken
_Key = tuple[str, int, int]  # the connection, SEG.SEQ and SEG.ACK


class Tolerating:
    """The tolerances of the target, as one conversation uses them; ``used`` are their names."""

    def __init__(self, play: Conversation) -> None:
        self.used: dict[str, str] = {}
        self._play = play
        self._rows = [(one, _quirk(one, play)) for one in play.profile.tolerances]
        self._calls: dict[int, tuple[str, Made]] = {}
        self._spent: dict[tuple[str, str], float] = {}  # the event that had its segment
        self._owed: dict[_Key, tuple[Tolerance, float]] = {}

    # ---- what happens ------------------------------------------------------------------------

    def calls(self, number: int, name: str, conn: str) -> None:
        """A call is made on a connection."""
        if self._rows:
            self._calls[number] = conn, Made(name, self._play.now, None)

    def hear(self, event: events.CallPending | events.CallReturned) -> None:
        """It waits, or has returned."""
        if event.number not in self._calls:
            return
        conn, made = self._calls[event.number]
        returned = isinstance(event, events.CallReturned)
        began = event.started if isinstance(event, events.CallReturned) else event.at
        self._calls[event.number] = conn, Made(made.name, began, event.at if returned else None)

    # ---- an extra segment --------------------------------------------------------------------

    def early(self, arrival: Arrival) -> bool:
        """Let an extra segment by that came before what it would have answered was sent."""
        sent = self._rows and self._sent_since(arrival)
        return bool(sent) and self.extra(arrival)

    def extra(self, arrival: Arrival) -> bool:
        """Let a segment by that no step foresees, if it is tolerated."""
        if not self._rows:
            return False
        found, event = self._of(arrival)
        if found is not None:
            self._spent[found.name, arrival.conn] = event
        else:
            found, until = self._owed.pop(_key(arrival), (None, 0.0))
            if found is None or arrival.at > until or not pure_ack(arrival.segment):
                return False
        self._play.pass_by(arrival, self._play.step)
        self._play.record.mark(arrival.entry, tolerated=found.name)
        self._use(found)
        return True

    def took(self, text: SegmentText, arrival: Arrival) -> None:
        """A step takes this one: with a field that differs, or in the place of its own answer."""
        if not self._rows:
            return
        different = self._play.differ(text, arrival)
        if different and (one := self._field(text, arrival, different)):
            self._play.record.mark(arrival.entry, tolerated=one.name)
            self._use(one)
        found, event = self._of(arrival)
        if found is not None and "win" not in text.fields:
            self._spent[found.name, arrival.conn] = event
            self._owed[_key(arrival)] = found, arrival.at + self._play.profile.patience

    def _of(self, arrival: Arrival) -> tuple[Tolerance | None, float]:
        """The tolerance that lets it by, and the event that it follows."""
        if not any(quirk.extra for _, quirk in self._rows):
            return None, 0.0
        moment = self._moment(arrival)
        for one, quirk in self._rows:
            event = SITUATIONS[quirk.after](moment) if quirk.extra and quirk.after else None
            if event is None or quirk.extra is None or not quirk.extra(moment, arrival):
                continue
            spent = self._spent.get((one.name, arrival.conn)) == event
            if not spent or (quirk.again and quirk.again(moment, arrival)):
                return one, event
        return None, 0.0

    # ---- an answer that is missing, a field that differs ---------------------------------------

    def missing(self, step: Step, text: SegmentText, latest: float) -> bool:
        """Whether it is tolerated that by ``latest`` nothing came of what the step waits for."""
        one = self._missing(step, text, latest)
        if one is None:
            return False
        self._use(one)
        if step.label:
            self._play.labels[step.label] = self._unsent(step, text)
        told = f"tolerated: nothing came ({one.name})"
        self._play.note(What.NOTE, told, step.conn, latest)
        self._play.caused(latest)
        return True

    def may_miss(self, step: Step, text: SegmentText) -> bool:
        """The same, asked before it is decided."""
        return self._missing(step, text, self._play.now) is not None

    def patience(self, step: Step, text: SegmentText, latest: float) -> float:
        """Until when the step waits: shorter than any timer, where nothing may come.

        The ACK of text may be held back, so that has all its time.
        """
        if not self.may_miss(step, text) or self._of_text(step.conn):
            return latest
        profile = self._play.profile
        return min(latest, self._play.cause_ended + min(profile.patience, profile.min_rto) / 2)

    def _of_text(self, conn: str) -> bool:
        last = self._at(conn, self._play.now).last_of_tester()
        return last is not None and bool(last.segment.payload and not last.segment.flags & _REFUSED)

    def _missing(self, step: Step, text: SegmentText, at: float) -> Tolerance | None:
        if not any(quirk.missing for _, quirk in self._rows) or self._quotes_stamps(step.label):
            return None
        moment = self._at(step.conn, at)
        fit = (one for one, quirk in self._rows if quirk.missing and quirk.missing(moment, text))
        return next(fit, None)

    def _unsent(self, step: Step, text: SegmentText) -> Sighting:
        """What was due, for the steps that quote it."""
        conn = self._play.connections[step.conn]
        seq = conn.numbers.target_number(conn.tcb.snd_nxt)
        ack = conn.numbers.tester_number(conn.taken.end)
        ports = conn.target_port, conn.tester_port
        return Sighting(Segment(*ports, text.flags, seq, ack), conn.numbers)

    def _quotes_stamps(self, label: str) -> bool:
        """Whether a step quotes what nobody can make up."""
        steps = every_step(self._play.case.all_steps) if label else ()
        return any(f"{label}.TS" in step.text for step in steps)

    def field(self, text: SegmentText, arrival: Arrival, different: list[Difference]) -> bool:
        """Whether all that differs is tolerated."""
        return self._field(text, arrival, different) is not None

    def _field(
        self, text: SegmentText, arrival: Arrival, different: list[Difference]
    ) -> Tolerance | None:
        conn, fields = self._play.connections[arrival.conn], fields_of(different)
        for one, quirk in self._rows:
            if quirk.field and quirk.field(conn, text, arrival, fields):
                return one
        return None

    # ---- the moment --------------------------------------------------------------------------

    def _moment(self, arrival: Arrival) -> Moment:
        return self._at(arrival.conn, arrival.at, arrival.entry)

    def _at(self, name: str, at: float, entry: int | None = None) -> Moment:
        play, wire = self._play, self._wire(name, at, entry)
        calls = [made for conn, made in self._calls.values() if conn == name]
        alone = Ability.CALLS not in play.profile.abilities
        return Moment(at, play.connections[name], wire, calls, alone, play.profile.patience)

    def _wire(self, name: str, at: float, upto: int | None) -> list[Passed]:
        """The last of what passed before; what the tester sent at that very time did not."""
        start, found = self._play.record.started, list[Passed]()
        last, entries = at - start, self._play.record.entries
        for number in range(len(entries) - 1, -1, -1):
            one, mine = entries[number], entries[number].what is What.SENT
            if one.segment is None or one.conn != name or number == upto or (mine and one.lost):
                continue
            before = one.at < last or upto is None or (number < upto and not mine)
            if before and one.at <= last:
                found.append(Passed(start + one.at, mine, one.segment))
            if _opens(one.segment) or len(found) == _MOST:
                break
        found.reverse()
        found.sort(key=lambda one: one.at)  # it is stable
        return found

    def _sent_since(self, arrival: Arrival) -> bool:
        last = arrival.at - self._play.record.started
        for one in reversed(self._play.record.entries):
            if one.what is What.SENT and one.conn == arrival.conn:
                return one.at >= last
        return False

    def _use(self, one: Tolerance) -> None:
        self.used[one.name] = one.because


def _opens(segment: Segment) -> bool:
    return segment.flags & (Flags.SYN | Flags.ACK) == Flags.SYN


def _key(arrival: Arrival) -> _Key:
    return arrival.conn, arrival.segment.seq, arrival.segment.ack


def _quirk(one: Tolerance, play: Conversation) -> Quirk:
    """The row of the table, or the one that the author's own segment makes."""
    if not one.segment:
        return QUIRKS[one.name]
    text = parse_segment(one.segment)

    def fits(_: Moment, arrival: Arrival) -> bool:
        return not play.differ(text, arrival, Unwritten.FREE)

    return Quirk(one.name, one.segment, "", after=one.after, extra=fits)
