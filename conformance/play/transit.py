"""What lies between the wire and the steps: the network that a case asks for.

Rules:

- The watch rules, and the ISNs, are of the target's segments as it sends them, lost ones too; the
  steps see what comes out of the network, when it comes out.
- A segment of the tester has left when it goes in: bounds count from there. It goes onto the wire
  when it comes out.
- Without ``net:`` nothing is in between, and both are one.
- What the target sends to another host than the connection's is none of the connection's numbers.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.case.icmp import BY_NAME
from conformance.case.net import NetText
from conformance.play import actions, events
from conformance.play.hosts import addressed, foreign
from conformance.play.match import Arrival, Sighting
from conformance.play.network import Fate, NetworkWay
from conformance.play.record import What
from conformance.play.signing import forged, in_words
from conformance.play.verdict import Failure, Stopped
from conformance.play.view import Connection
from conformance.play.watch import Watch, relative
from conformance.tcp.segment import Segment

if TYPE_CHECKING:
    from conformance.play.conversation import Conversation

_LOST = (Fate.LOST, Fate.TOO_BIG)


@dataclass(slots=True, eq=False)
class _Leaving:
    """A segment of the tester, and where it stands in the record; ``entry`` None: not yet."""

    segment: Segment
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class _Coming:
    """A segment of the target, as it was numbered when it was sent."""

    sighting: Sighting
    conn: str
    frame: bytes


class Transit:
    """Both ways of one conversation."""

    def __init__(self, play: Conversation) -> None:
        self._play = play
        self._watch = Watch()
        self._in: NetworkWay[_Coming] = NetworkWay("target")
        self._out: NetworkWay[_Leaving] = NetworkWay("tester")
        self._frames: dict[int, int] = {}  # the entry that waits for a frame, by its action

    def change(self, rules: NetText, sender: str) -> None:
        """Other rules for what this end sends; for both where it is empty."""
        delay = rules.delay
        lag = float(delay.seconds(self._play.profile.unit)) if delay is not None else 0.0
        for way in (self._in, self._out):
            if sender in ("", way.name):
                way.change(rules, lag)

    @property
    def lag(self) -> float:
        """How long something may be on its way, seconds."""
        return max(self._in.lag, self._out.lag)

    @property
    def trip(self) -> float:
        """How long it holds back what goes there and what comes back, seconds."""
        return self._in.lag + self._out.lag

    @property
    def repairs(self) -> bool:
        """Whether segments may be lost, doubled or overtaken, so that a sender repeats some."""
        return self._in.rules.repairs or self._out.rules.repairs

    @property
    def next(self) -> float | None:
        """When something comes out."""
        came, went = self._in.next, self._out.next
        if came is None or went is None:
            return went if came is None else came
        return min(came, went)

    def flush(self) -> None:
        """What comes out by now, on either side."""
        for at, fate, coming in self._in.out(self._play.now):
            self._arrive(at, fate, coming)
        self._leave()

    # ---- of the target -----------------------------------------------------------------------

    def arrived(self, event: events.Arrived) -> None:
        """A segment of the target is on the wire."""
        play, segment = self._play, event.segment
        play.wired(event.at)
        conn = play.ports.of(segment.dport, segment.sport)
        if conn is None:
            told = f"a segment came to port {segment.dport}, which nothing uses"
            raise Stopped(Failure(told))
        own = not foreign(conn, segment.ip.receiver)
        sighting = Sighting(segment, conn.arrived(segment) if own else conn.numbers)
        coming = _Coming(sighting, conn.name, event.frame)
        fate = self._in.enter(coming, segment, event.at, play.addressing.ip)
        if fate in _LOST:
            self._lose(event.at, fate, coming)
        for at, how, one in self._in.out(event.at):
            self._arrive(at, how, one)
        if own:
            self._look(event, coming, conn)
        play.sample()

    def _look(self, event: events.Arrived, coming: _Coming, conn: Connection) -> None:
        """Hold it to what no TCP may do."""
        play, sighting = self._play, coming.sighting
        ip = play.addressing.ip
        seen = relative(event.segment, sighting.numbers, conn, ip, event.at)
        for rule, breach in self._watch.of(conn).look(seen, play.case.unwatched):
            if rule.advice:
                text = f"{breach} ({rule.requirement})"
                play.remark(text, rule.requirement, conn.name, event.at)
                continue
            if all(entry.segment is not event.segment for entry in play.record.entries):
                self._arrive(event.at, Fate.THROUGH, coming)  # it is on its way yet
            text = in_words(event.segment, sighting.numbers, conn, from_target=True)
            raise Stopped(rule.failure(breach, text))

    def _arrive(self, at: float, fate: Fate, coming: _Coming) -> None:
        """It reaches the tester."""
        play = self._play
        arrival = Arrival(at, coming.sighting, coming.conn, len(play.record.entries))
        play.inbox.append(arrival)
        text, segment = play.text(arrival), coming.sighting.segment
        play.note(What.RECEIVED, text, coming.conn, at, segment, coming.frame, network=fate)

    def _lose(self, at: float, fate: Fate, coming: _Coming) -> None:
        """It does not; where it is too big the router says so (RFC 1191, RFC 8201)."""
        play, segment = self._play, coming.sighting.segment
        text = play.text(Arrival(at, coming.sighting, coming.conn))
        frame = coming.frame
        play.note(What.RECEIVED, text, coming.conn, at, segment, frame, lost=True, network=fate)
        if fate is not Fate.TOO_BIG:
            return
        error, mtu = BY_NAME["packet-too-big"], self._in.rules.mtu
        type_, code = error.v4 if play.addressing.ip == 4 else error.v6  # type: ignore[misc]
        number = play.number(at)
        play.act(actions.SendIcmp(number, type_, code, mtu, segment, at, router=True))
        self._frames[number] = len(play.record.entries)
        play.note(What.ICMP, f"packet-too-big, mtu {mtu}, from the router", coming.conn, at)

    # ---- of the tester -----------------------------------------------------------------------

    def launch(
        self, segment: Segment, conn: Connection, due: float
    ) -> Generator[float | None, None, None]:
        """Send a segment and wait until it has left; it is the new cause."""
        play = self._play
        text = in_words(segment, conn.numbers, conn, from_target=False)
        segment = addressed(conn, segment)
        leaving = _Leaving(segment)
        fate = self._out.enter(leaving, segment, due, play.addressing.ip)
        if not foreign(conn, segment.ip.sender):
            lost = fate in _LOST
            conn.launched(segment, play.now, lost=lost, forged=forged(segment, conn))
            if not lost:
                self._watch.tester_sent(segment, conn, play.now)
        if play.step is not None and play.step.label and play.step.by_tester:
            play.labels[play.step.label] = Sighting(segment, conn.numbers, from_target=False)
        at, frame = due, b""
        for number in self._leave(leaving):
            sent = yield from play.answer(number)
            assert isinstance(sent, events.Sent)
            at, frame = sent.at, sent.frame
            play.wired(at)
        leaving.entry = len(play.record.entries)
        play.caused(at)
        play.note(What.SENT, text, conn.name, at, segment, frame, lost=fate in _LOST, network=fate)
        play.sample()

    def _leave(self, mine: _Leaving | None = None) -> list[int]:
        """Put on the wire what comes out by now; the numbers of what leaves with ``mine``."""
        play = self._play
        numbers = []
        for at, _, leaving in self._out.out(play.now):
            number = play.number(at)
            if leaving is mine:
                numbers.append(number)
            elif leaving.entry is not None:
                self._frames[number] = leaving.entry
            play.act(actions.SendSegment(number, leaving.segment, at))
        return numbers

    def sent(self, event: events.Sent) -> bool:
        """Something is on the wire; whether nobody waits to hear of it."""
        entry = self._frames.pop(event.number, None)
        if entry is None:
            return False
        self._play.wired(event.at)
        self._play.record.mark(entry, frame=event.frame)
        return True
