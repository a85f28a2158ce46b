"""A conversation driven by hand: a test plays the target and the clock, event by event.

A case is text that goes through the loader, so that a test reads as a case does. Actions that
need no thought are answered at once (a segment leaves when it is due, a call returns, a state is
what the step asks for); ``hold`` leaves a kind of action to the test.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from conformance.case.load import load_case
from conformance.case.model import Case
from conformance.case.verbs.state import InState
from conformance.notation.segment import parse_segment
from conformance.play import actions, events
from conformance.play.actions import Action
from conformance.play.conversation import Conversation
from conformance.play.craft import build
from conformance.play.profile import Profile
from conformance.play.record import Addressing
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.play.view import Connection, Numbers
from conformance.steps import RUNNERS
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

PROFILE: Final = Profile("hand", msl=10.0, options=frozenset({"nodelay"}))
START: Final = 100.0
ISS: Final = 0xFFFFFFFE  # the target's; it wraps with the second octet

FRAGMENTS: Final = {
    # The connection is open after one arrival, the SYN,ACK.
    "open": """\
title: Open
steps:
  - send:   SYN seq=0
  - expect: SYN,ACK seq=0 ack=1
  - send:   ACK seq=1 ack=1
""",
    "listening": """\
title: Listening
steps:
  - call: listen() = l
""",
}


def write_case(root: Path, steps: str, *, head: str = "", given: str = "open") -> Case:
    """A case of these steps (the lines of a YAML list) through the loader."""
    (root / "fragments").mkdir(exist_ok=True)
    for name, text in FRAGMENTS.items():
        (root / "fragments" / f"{name}.yaml").write_text(text)
    start = f"given: {given}\n" if given else ""
    lines = "".join(f"  {line}\n" for line in steps.strip("\n").split("\n"))
    file = root / "case.yaml"
    file.write_text(f"title: A case\n{head}{start}steps:\n{lines}")
    (case,) = load_case(file, root)
    return case


class Hand:
    """One conversation, the clock and the target's side of the wire."""

    def __init__(
        self, case: Case, profile: Profile = PROFILE, *, hold: Iterable[str] = (), ip: int = 4
    ) -> None:
        self.talk = Conversation(case, profile, RUNNERS, Addressing(ip=ip))
        self.now = START
        self.hold = set(hold)
        self.done: list[Action] = []
        self.state: State | None = None  # None: what the step asks for
        self.iss = {"a": ISS}
        self._todo = self.talk.start(self.now)
        self._answer()

    # ---- the target --------------------------------------------------------------------------

    def open(self, segment: str = "SYN,ACK seq=0 ack=1") -> Hand:
        """Play the target of ``given: open``, ten milliseconds away."""
        self.come(segment, after=0.01)
        return self

    def come(
        self, text: str, after: float = 0.0, *, conn: str = "a", at: float | None = None
    ) -> None:
        """A segment of the target arrives; with ``at`` it was then, and is told only now."""
        if at is None:
            self._until(self.now + after, with_end=False)
        self.feed(events.Arrived(self.now if at is None else at, self.segment(text, conn)))

    def segment(self, text: str, conn: str = "a", **changed: object) -> Segment:
        """The target's segment that the text describes, in the target's numbers."""
        ours = self.talk.connections[conn]
        iss = self.iss.get(conn, ISS)
        mirror = Connection("", ours.target_port, ours.tester_port, Numbers(iss, ours.numbers.irs))
        found = build(parse_segment(text), mirror, mirror.lookup, self.now)
        return replace(found, **changed)  # type: ignore[arg-type]

    def feed(self, event: events.Event) -> None:
        """Feed one event now, whatever its stamp says."""
        self._todo += self.talk.feed(event, self.now)
        self._answer()

    # ---- the clock ---------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with a Tick whenever the conversation asked for one."""
        self._until(self.now + seconds, with_end=True)

    def _until(self, until: float, *, with_end: bool) -> None:
        """A Tick at ``until`` itself comes last: what happens then happens before it."""
        while (wake := self.talk.wake) is not None and (
            wake < until or (with_end and wake == until)
        ):
            self.now = max(self.now, wake)
            self.feed(events.Tick(self.now))
        self.now = max(self.now, until)

    def jump(self, seconds: float) -> None:
        """Let time pass unseen, as when the harness got no processor."""
        self.now += seconds

    def finish(self) -> Verdict:
        """Let time pass until the verdict."""
        for _ in range(10_000):
            if self.talk.verdict is not None:
                return self.talk.verdict
            assert self.talk.wake is not None, "it waits for an answer that nobody gives"
            self._until(max(self.talk.wake, self.now), with_end=True)
        raise AssertionError("it does not end")

    # ---- actions -----------------------------------------------------------------------------

    def _answer(self) -> None:
        while self._todo:
            action = self._todo.pop(0)
            self.done.append(action)
            if type(action).__name__ not in self.hold:
                self._todo += self.talk.feed(self._event(action), self.now)

    def _event(self, action: Action) -> events.Event:
        match action:
            case actions.SendSegment() | actions.SendIcmp():
                return events.Sent(self.now, action.number)
            case actions.MakeCall(number):
                return events.CallReturned(self.now, number, self.now, number)
            case actions.SetOption(number):
                return events.OptionSet(self.now, number)
            case actions.ReadState(number):
                step = self.talk.step
                asked = step.value if isinstance(step, InState) else State.CLOSED
                return events.StateRead(self.now, number, self.state or asked)

    def last(self, kind: type[Action]) -> Action:
        """The last action of this kind."""
        return next(action for action in reversed(self.done) if isinstance(action, kind))

    @property
    def sent(self) -> list[Segment]:
        """Every segment that the tester sent."""
        return [action.segment for action in self.done if isinstance(action, actions.SendSegment)]

    # ---- the verdict -------------------------------------------------------------------------

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it goes on."""
        return self.talk.verdict.outcome if self.talk.verdict is not None else None

    def passes(self) -> None:
        """It ends well."""
        verdict = self.finish()
        assert verdict.outcome is Outcome.PASS, verdict

    def fails(self, message: str, outcome: Outcome = Outcome.FAIL) -> Failure:
        """It ends so, with this message; what it had to say."""
        verdict = self.finish()
        assert verdict.outcome is outcome, verdict
        assert verdict.failure is not None
        assert verdict.failure.message == message
        return verdict.failure
