"""The interpreter: one case against one target, sans-IO.

Rules:

- ``start(now)`` and ``feed(event, now)`` answer with the actions to do, in order; ``wake`` is the
  time at which a Tick is due; ``verdict`` is None until the end. Nothing else goes in or out, so
  the same events give the same verdict.
- A step is a generator. It yields the time until which it has nothing to do (None: until
  something happens) and is resumed after every event, when it looks at what is there.
- What came and was taken by no step fails the case at the next step that lets time pass.
- A bound counts from its cause: the last thing sent, called or received. A call takes time, and
  it is not told when in it the cause came: its beginning counts for what is too early, its end for
  what is too late.
- The harness measures itself (see :mod:`.lateness`): delays of more than ``allowed`` make the case
  inconclusive, whatever it found. So does a failure that smaller ones would explain; and one that a
  late machine would explain is inconclusive until it is seen again, see :mod:`.doubt`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import Any

from conformance.case.lint import every_step
from conformance.case.model import Between, Case
from conformance.case.step import Step
from conformance.case.verbs.allow import Allow
from conformance.case.verbs.state import InState
from conformance.errors import Owner
from conformance.notation.segment import SegmentText
from conformance.play import actions, death, events
from conformance.play.actions import Action
from conformance.play.doubt import weigh
from conformance.play.foreseen import foreseen
from conformance.play.hosts import astray, foreign
from conformance.play.isn import isn_of, numbered
from conformance.play.keys import keys_of
from conformance.play.lateness import Lateness
from conformance.play.match import Arrival, Sighting, Unwritten, differences, find, quoting
from conformance.play.ports import Ports
from conformance.play.profile import Ability, Profile
from conformance.play.record import Addressing, Entry, Record, What
from conformance.play.samples import Samples
from conformance.play.script import allowed, deviations, good_end, script, unseen
from conformance.play.signing import in_words
from conformance.play.sockets import NamedSockets
from conformance.play.tolerating import Tolerating
from conformance.play.transit import Transit
from conformance.play.verdict import Difference, Failure, Outcome, Stopped, Verdict, case_is_wrong
from conformance.play.view import Connection, Numbers
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

Flow = Generator[float | None, None, None]
Runner = Callable[["Conversation", Any], Flow]  # of the verb's own step


class Conversation:
    """One case being played; see the module for its rules.

    ``runners``: the generator function of each verb (``conformance.steps.RUNNERS``).
    """

    def __init__(
        self,
        case: Case,
        profile: Profile,
        runners: Mapping[type[Step], Runner],
        addressing: Addressing | None = None,
    ) -> None:
        self.case = case
        self.profile = profile
        self.addressing = numbered(case, addressing or Addressing())
        self.record = Record(case, profile, self.addressing)
        self.now = self.cause = self.cause_ended = self.ready = 0.0
        self.step: Step | None = None
        self.connections: dict[str, Connection] = {}
        self.ports = Ports()
        self.inbox: deque[Arrival] = deque()
        self.allowances: list[tuple[str, Allow]] = []
        self.freed: dict[str, Step] = {}  # connections of which nothing is judged any more
        self.labels: dict[str, Sighting] = {}
        self.sockets = NamedSockets()
        self.answers: dict[int, events.Event] = {}
        self.pending: dict[int, events.CallPending] = {}
        self.spawned: list[tuple[str, str, int]] = []  # connection, call, its action's number
        self.intervals: dict[str, float] = {}
        self.counted: dict[str, int] = {}  # the kernel's counters as they were read last
        self.tolerating = Tolerating(self)
        self.late = Lateness(profile.min_rto)
        self.unread = 0  # states that were taken for granted
        self.remarks: dict[str, str] = {}  # what it should not have done, and may; the rule
        self.wake: float | None = None
        self.verdict: Verdict | None = None
        self._runners = runners
        self.transit = Transit(self)
        self.launch = self.transit.launch
        self._actions: list[Action] = []
        self._numbered = 0
        self._due: dict[int, float] = {}
        self._wire = 0.0  # when a segment last came or left
        self.woken: dict[int, float] = {}  # the same when a call returned that had to wait
        self._read = Samples()
        self._given = False  # whether the step stands for one of ``given``
        self._deviations = deviations(case, profile)
        self._unseen = list(self._deviations)
        # A target that reports its transitions needs no samples for a path: they would come
        # between reports that are still on their way.
        self.reports = Ability.PATH in profile.abilities
        self.samples = not self.reports and any(
            isinstance(step, InState) and step.via for step in every_step(case.all_steps)
        )
        self.allowed = allowed(case, profile)
        self._flow = self._play()

    # ---- the outside -------------------------------------------------------------------------

    def start(self, now: float) -> list[Action]:
        """Begin at ``now``, seconds on the lab's clock."""
        self.now = self.cause = self.cause_ended = self.ready = self.record.started = now
        self._resume()
        return self._drain()

    def feed(self, event: events.Event, now: float) -> list[Action]:
        """Take one event; the actions it led to. Nothing is done after the verdict."""
        if self.verdict is not None:
            return []
        self.record.events.append((now, event))
        while (at := self.transit.next) is not None and at <= now and self.verdict is None:
            self.now = max(self.now, at)
            self._resume(self.transit.flush)
        self.now = max(self.now, now)
        if self.verdict is None:
            self._resume(lambda: self._take(event))
        return self._drain()

    def abandon(self, outcome: Outcome, reason: str, owner: Owner | None = None) -> None:
        """End the case from outside: skipped, interrupted, no target."""
        if self.verdict is None:
            self._finish(outcome, reason, None, owner)

    def forget(self) -> None:
        """Let go of what refers back to it: where no garbage is collected while cases run, a circle
        would keep the record to the end of them all.
        """
        del self.transit, self.launch, self.tolerating

    def _drain(self) -> list[Action]:
        done, self._actions = self._actions, []
        return done

    def _resume(self, take: Callable[[], None] = lambda: None) -> None:
        try:
            take()
            times = [at for at in (next(self._flow), self.transit.next) if at is not None]
            self.wake = min(times, default=None)
        except StopIteration:
            self._finish(*good_end(self._deviations, self), None)
        except Stopped as stopped:
            self._finish(stopped.outcome, stopped.failure.message, stopped.failure, stopped.owner)

    def _finish(
        self, outcome: Outcome, reason: str, failure: Failure | None, owner: Owner | None = None
    ) -> None:
        step = self.step
        if outcome is Outcome.FAIL and step and self._given and not (failure and failure.death):
            outcome, reason = Outcome.BLOCKED, f"the given steps failed: {reason}"
        self.wake = None
        self._flow.close()
        found = Verdict(outcome, reason, step, failure, *self.allowed.nearest(self.late, outcome),
                        owner=owner, tolerated=tuple(self.tolerating.used),
                        let_by=outcome is Outcome.DEVIATES and not self._deviations,
                        without=tuple(dict.fromkeys(self.remarks.values())))  # fmt: skip
        self.verdict = self.record.verdict = weigh(found, self.late, self.profile, self.now)

    # ---- the flow of steps -------------------------------------------------------------------

    def _play(self) -> Flow:
        for step, given in script(self.case, self._deviations):
            self._given = given
            yield from self.run(step)
        self.step = None
        yield from self.quiet(self.ready + self.profile.settle + self.transit.lag)
        for _, told, number in self.spawned:
            if number in self.answers:
                raise Stopped(Failure(f"{told} returned, and no step joins it", ("it blocks",)))
        for deviation in self._unseen:
            raise Stopped(Failure(unseen(deviation)))

    def run(self, step: Step) -> Flow:
        """Play one step, as part of the flow."""
        self.step = step
        self._unseen = [one for one in self._unseen if one.instead[0] is not step]
        while self.samples and self._read:  # nothing more is done before a sample is told
            yield None
        yield from self._runners[type(step)](self, step)

    # ---- what happens ------------------------------------------------------------------------

    def _take(self, event: events.Event) -> None:
        match event:  # a Tick says no more than what time it is
            case events.Arrived():
                self.transit.arrived(event)
            case events.Sent():
                self._left(event.number, event.at)
                if not self.transit.sent(event):
                    self.answers[event.number] = event
            case events.CallPending():
                self.tolerating.hear(event)
                self._left(event.number, event.at)
                self.pending[event.number] = event
                self.late.was_due(event.at, event.began)
            case events.CallReturned():
                self.tolerating.hear(event)
                self._came_back(event)
                self.answers[event.number] = event
                self.sample()
            case events.StateRead() | events.OptionSet():
                self._left(event.number, event.at)
                self.answers[event.number] = event
                if isinstance(event, events.StateRead):
                    self._sampled(event)
            case events.StateReported():
                if conn := self.ports.of(event.tester_port, event.target_port):
                    self._moved(conn, event.state, event.at)
            case events.Garbage():
                told = f"a frame came that is no segment of the case: {event.reason}"
                raise Stopped(Failure(told, never=True))
            case events.Lost():
                raise Stopped(Failure(event.reason), Outcome.ERROR, event.owner)
            case events.Died():
                raise death.found(event, self.case, begun=bool(self._wire))

    def _left(self, number: int, at: float) -> None:
        due = self._due.pop(number, None)
        if due is not None:
            self.late.was_due(due, at)

    def _came_back(self, event: events.CallReturned) -> None:
        """A call that need not wait returns at once, and one that waits after what woke it."""
        if event.number in self.pending:
            self.woken[event.number] = self._wire
        else:
            self.late.was_due(self._due.pop(event.number, event.started), event.at)

    def remark(self, text: str, rule: str, conn: str, at: float) -> None:
        """Something that the target should not have done, and may."""
        self.remarks[text] = rule
        self.note(What.NOTE, text, conn, at)

    def wired(self, at: float) -> None:
        """A segment came or left."""
        self._wire = at

    def sample(self) -> None:
        """Read the state of each connection, where a path is asked for and not told."""
        if self.samples:
            for conn in filter(self._read.wants, self.connections.values()):
                self.read_state(conn)

    def _sampled(self, event: events.StateRead) -> None:
        conn, again = self._read.told(event.number)
        if not self.reports:
            self._moved(conn, event.state, event.at)
        if again:
            self.read_state(conn)

    def _moved(self, conn: Connection, state: State, at: float) -> None:
        if conn.moved(state):
            self.note(What.STATE, str(state), conn.name, at, state=state)

    # ---- what steps use ----------------------------------------------------------------------

    def conn(self, name: str) -> Connection:
        """The connection of this name; made at its first mention."""
        if name not in self.connections:
            said = self.case.ports.get(name, Between())
            shared = self.conn(said.of) if said.of else None
            nth, to = len(self.connections), self.record.addressing
            tester, target = (shared.tester_port, 0) if shared else (to.port(nth), to.target_port)
            ends = name, tester, said.to or target, Numbers(isn_of(self.case, to, nth))
            self.connections[name] = Connection(*ends, keys=keys_of(self.case, to))
            self.ports.add(self.connections[name])
        return self.connections[name]

    def number(self, due: float | None = None) -> int:
        """A new action's number; with ``due`` its lateness is measured."""
        self._numbered += 1
        if due is not None:
            self._due[self._numbered] = due
        return self._numbered

    def act(self, action: Action) -> None:
        """Have the lab do this."""
        self._actions.append(action)

    def answer(
        self, number: int, deadline: float | None = None
    ) -> Generator[float | None, None, events.Event | None]:
        """Wait for the event that answers an action; None when ``deadline`` passes first."""
        while number not in self.answers:
            if deadline is not None and self.now >= deadline:
                return None
            yield deadline
        return self.answers.pop(number)

    def read_state(self, conn: Connection, due: float | None = None) -> int:
        """Ask for a sample of the connection's state; the number of the answer."""
        number = self.number(due)
        self._read.ask(number, conn)
        ports = conn.target_port, conn.tester_port
        self.act(actions.ReadState(number, *ports, conn.peer or ""))
        return number

    def caused(self, at: float, ready: float | None = None, *, ended: float | None = None) -> None:
        """Something happened that the next bound counts from: at ``at``, or until ``ended``."""
        self.cause, self.cause_ended = at, at if ended is None else ended
        # What was taken out of the inbox may have come long before the step's turn.
        self.ready = max(self.ready, at if ready is None else ready)

    def lookup(self, conn: Connection) -> Callable[[str], int]:
        """The names of expressions, as they stand now for this connection."""
        return lambda name: find(name, self.labels, conn)

    def differ(
        self, text: SegmentText, arrival: Arrival, unwritten: Unwritten = Unwritten.PREDICTED
    ) -> list[Difference]:
        """Every field in which an arrival is not what ``text`` says; empty when it matches."""
        conn = self.connections[arrival.conn]
        try:
            found = differences(quoting(text, self.labels), arrival, self.lookup(conn), unwritten)
            return [*found, *astray(conn, text.ip.receiver, arrival.segment.ip.receiver)]
        except KeyError as error:
            raise case_is_wrong(f"{error.args[0]} has no value here") from error

    def text(self, arrival: Arrival, *, window: bool = False) -> str:
        """The arrival in the notation."""
        conn = self.connections[arrival.conn]
        return in_words(arrival.segment, arrival.numbers, conn, from_target=True, window=window)

    def consume(self, arrival: Arrival, step: Step | None, *, lost: bool = False) -> None:
        """A step took this arrival: the numbers move, it has its label, it is the new cause."""
        self.inbox.remove(arrival)
        self.record.mark(arrival.entry, taken=step, lost=lost)
        conn, segment = self.connections[arrival.conn], arrival.segment
        if not foreign(conn, segment.ip.receiver):
            conn.consumed(segment, arrival.numbers, lost=lost)
        if step is not None and step.label:
            self.labels[step.label] = arrival.sighting
        self.caused(arrival.at)

    def pass_by(self, arrival: Arrival, step: Step | None) -> None:
        """The numbers move, and bounds count on from what they did."""
        kept = self.cause, self.cause_ended, self.ready
        self.consume(arrival, step)
        self.cause, self.cause_ended, self.ready = kept

    def judge(self, until: float, end: float | None = None) -> None:
        """Fail if anything came by then that no step foresaw."""
        for arrival in list(self.inbox):
            if arrival.at <= until and not foreseen(self, arrival):
                self.record.mark(arrival.entry, unforeseen=True)
                told, text = "a segment came that no step foresees", self.text(arrival, window=True)
                slack = (until if end is None else end) - arrival.at
                raise Stopped(Failure(told, ("silence",), text, slack=slack))

    def quiet(self, until: float, end: float | None = None) -> Flow:
        """Let time pass; whatever comes by ``until`` must be allowed.

        ``end`` is the end of the whole silence, where this is only a part of it.
        """
        while True:
            self.judge(until, end)
            if self.now >= until:
                return
            yield until

    def note(
        self,
        what: What,
        text: str,
        conn: str,
        at: float | None = None,
        segment: Segment | None = None,
        frame: bytes = b"",
        **extra: State | bool | str,
    ) -> None:
        """Write an entry of the story."""
        when = (self.now if at is None else at) - self.record.started
        self.record.entries.append(
            Entry(when, what, text, conn, self.step, segment=segment, frame=frame, **extra)  # type: ignore[arg-type]
        )
