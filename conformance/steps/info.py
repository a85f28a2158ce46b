"""``info: {...}``: what the target's TCP tells of a connection comes to be this.

Times are told in microseconds, the state of congestion avoidance by its name. ``cwnd`` and
``ssthresh`` count segments, as in Linux.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

from conformance.case.told import TIMES, show_one
from conformance.case.verbs.info import Info
from conformance.notation.amount import Amount
from conformance.play.conversation import Conversation, Flow
from conformance.play.verdict import Difference, Outcome, Stopped, case_is_wrong
from conformance.steps.telling import Question, note, reach, whole


def run(play: Conversation, step: Info) -> Flow:
    """Ask for the fields until they are as they should be."""
    shown = yield from _ask(play, step)
    note(play, step, f"info of {_socket(play, step)}: {', '.join(shown)}")


def holds(play: Conversation, step: Info) -> Generator[float | None, None, bool]:
    """Whether they come to be so within the step's bound; nothing is noted."""
    try:
        yield from _ask(play, step)
    except Stopped as stopped:
        if stopped.outcome is not Outcome.FAIL:
            raise
        play.ready = max(play.ready, play.now)  # what comes next was not asked before
        return False
    return True


def _socket(play: Conversation, step: Info) -> str:
    name = step.of or play.sockets.last(step.conn)
    if not name:
        raise case_is_wrong(f"no call has given connection {step.conn} a socket")
    return name


def _ask(play: Conversation, step: Info) -> Generator[float | None, None, list[str]]:
    name = _socket(play, step)
    handle = play.sockets[name].handle
    shown: list[str] = []

    def hold(told: Mapping[str, str]) -> list[Difference]:
        shown[:] = [f"{field} {_shown(field, told[field])}" for field in step.value]
        return [
            Difference(field, show_one(wanted), _shown(field, told[field]))
            for field, wanted in step.value.items()
            if not _right(play, field, wanted, told[field])
        ]

    question = Question("info", {"socket": handle}, tuple(step.value), f"tcp_info of {name}")
    yield from reach(play, step, question, hold)
    return shown


def _right(play: Conversation, field: str, wanted: Amount | str, value: str) -> bool:
    if isinstance(wanted, str):
        return value == wanted
    return wanted.holds(whole(field, value), play.profile.unit)


def _shown(field: str, value: str) -> str:
    return f"{whole(field, value) / 1000:g}ms" if field in TIMES else value[:40]
