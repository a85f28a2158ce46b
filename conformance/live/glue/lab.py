"""A case's surroundings when its target is a glue program, with the real clock.

Every event of the program carries the program's own stamp, held to the time in which the harness
asked. What it is asked it has to answer soon, if only with the word that the call is pending.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from conformance.errors import TargetError
from conformance.live.clock import now
from conformance.live.frames.arp_nd import Tester
from conformance.live.glue.channel import (
    FIRST_WORD,
    PATIENCE,
    GlueChannel,
    Reply,
    Wire,
)
from conformance.live.glue.frame_lab import FrameLab, FramePlaying
from conformance.live.glue.program import Program
from conformance.live.glue.replies import lacking, read_state, setting_refused
from conformance.play import actions
from conformance.play.conversation import Conversation
from conformance.play.events import CallPending, CallReturned, Event, OptionSet, StateRead

# A request of the beginning, and who judges its answer.
Question = tuple[str, dict[str, int | str], Callable[[Reply], str]]
# What becomes of the reply to an open request that was asked at a time.
_Then = Callable[[Reply, float], None]


@dataclass(slots=True)
class _Asked:
    """An open request; ``patience`` is how long the first answer to it may take, seconds.

    Only a socket call may answer that it waits; its case bounds it then.
    """

    name: str
    then: _Then
    at: float
    patience: float | None
    may_wait: bool


class GlueLab(FrameLab):
    """The surroundings of one case, with a program that makes its calls."""

    def __init__(
        self,
        program: Program,
        glue: GlueChannel,
        wire: Wire | None,
        tester: Tester,
        began: Iterable[Question],
    ) -> None:
        """``began``: what to ask before the case, each with who judges the answer.

        A judge answers why the case has to be skipped, or nothing; it raises TargetError.
        """
        self._speaker = glue
        self._began = deque(began)
        self._asked: dict[int, _Asked] = {}
        self._opened = now()
        super().__init__(program, glue, wire, tester)
        self._go_on()

    def _go_on(self) -> None:
        """Ask the next thing of the beginning, once the one before it was answered."""
        if self.ready or self._asked or self.lost or self.lacks:
            return
        if not self._began:
            self.ready = True
            return
        name, args, judge = self._began[0]
        if self._wire is None and name == "use":
            return

        def then(reply: Reply, _: float) -> None:
            self.lacks = judge(reply)
            self._began.popleft()

        self._ask(name, args, then)

    def _ask(
        self, name: str, args: Mapping[str, int | str], then: _Then, *, may_wait: bool = False
    ) -> None:
        asked = _Asked(name, then, now(), PATIENCE if self.ready else FIRST_WORD, may_wait)
        try:
            self._asked[self._speaker.ask(name, args)] = asked
        except TargetError as error:
            self._lose(error)

    # ---- what the conversation asks for ----------------------------------------------------------

    def call(self, number: int, name: str, args: Mapping[str, int | str]) -> None:
        """Have the program make a socket call; ``poll`` tells what came of it."""

        def then(reply: Reply, asked: float) -> None:
            started, ended = self._speaker.hold_to_time(reply, asked)
            self.lacks = lacking(self._speaker, reply, name, args)
            if self.lacks:
                return
            if reply.pending:
                self._events.append(CallPending(started, number))
            else:
                told = (reply.value, reply.errno, reply.data, reply.text)
                self._events.append(CallReturned(ended, number, started, *told))

        self._ask(name, args, then, may_wait=True)

    def ask_state(self, action: actions.ReadState) -> None:
        """Have the program read a state; ``poll`` tells it."""

        def then(reply: Reply, asked: float) -> None:
            _, ended = self._speaker.hold_to_time(reply, asked)
            self._events.append(StateRead(ended, action.number, read_state(self._speaker, reply)))

        args = {"local": action.target_port, "remote": action.tester_port}
        self._ask("state", args, then)

    def ask_setting(self, number: int, name: str, value: str) -> None:
        """Have the program change a setting; ``poll`` tells what came of it."""

        def then(reply: Reply, asked: float) -> None:
            _, ended = self._speaker.hold_to_time(reply, asked)
            self._events.append(OptionSet(ended, number, setting_refused(reply)))

        self._ask("set", {"name": name, "value": value}, then)

    # ---- what comes ------------------------------------------------------------------------------

    def _listen(self) -> None:
        self._speaker.hold_to_watch()
        replies = self._speaker.replies()
        if self._speaker.wordless:
            self._deaf(self._speaker.filenos()[1])
        for reply in replies:
            asked = self._asked[reply.number]
            if not asked.may_wait:
                self._speaker.must_be_final(reply, asked.name)
            asked.patience = None  # who has to wait says so, and then waits
            if not reply.pending:
                del self._asked[reply.number]
            asked.then(reply, asked.at)
        self._go_on()

    @property
    def deadline(self) -> float | None:
        if not self.ready and not self._asked:
            return self._opened + FIRST_WORD  # its wire is not there yet
        due = [one.at + one.patience for one in self._asked.values() if one.patience is not None]
        return min(due, default=None)

    def overdue(self) -> None:
        """Nothing came by the deadline."""
        late = [one for one in self._asked.values() if one.patience is not None]
        what = "it has no wire"
        if late:
            first = min(late, key=lambda one: one.at)
            what = f"it has not answered {first.name} within {first.patience:g} s"
        self._lose(self._trouble(what, hung=bool(late)))

    def close(self) -> None:
        super().close()
        self._speaker.forget()


class GluePlaying(FramePlaying):
    """One conversation in a program's lab."""

    lab: GlueLab

    def __init__(
        self, talk: Conversation, lab: GlueLab, settings: Mapping[str, str], name: str
    ) -> None:
        """``settings``: abstract names to the program's."""
        super().__init__(talk, lab, name)
        self._settings = settings

    def _read(self, action: actions.ReadState) -> Event | None:
        self.lab.ask_state(action)
        return None

    def _set(self, action: actions.SetOption) -> Event | None:
        self.lab.ask_setting(action.number, self._settings[action.name], action.value)
        return None
