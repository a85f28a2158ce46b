"""Is a target wired right? Step by step, from the program's start to a fresh stack between cases.

Each step says in a few words what happened. What a step stands on has to hold before it; a program
that breaks the protocol ends the proof with its sentence. At the end stand the abilities: those of
which every step held, those that no step can show and are taken on trust, and what the target file
claims beyond them, which is a fault of the file. A call that is not there is told once. Where the
wiring is right and TCP is not, the step holds and says so: that is for the cases to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from conformance.errors import TargetError
from conformance.play.profile import Ability, Part
from conformance.targets.check.calls import LISTENS, Calls
from conformance.targets.check.hostile import frames, requests
from conformance.targets.check.options import options
from conformance.targets.check.servers import over_six, serves
from conformance.targets.check.stack import CheckedStack
from conformance.targets.check.wire_tester import Failed, Missing, Otherwise
from conformance.targets.files.model import ClockKind, Control, TargetFile, WireKind
from conformance.targets.kinds.glue import check
from conformance.targets.kinds.programs import Programs

Told = tuple[str, bool, str]
_HINTS: Final = {  # what the target file may say of a call that is not there
    "abort": ": lacks: [ABORT] if it has none",
    "shutdown": ": lacks: [HALF-CLOSE] if it has none",
}
_ON_TRUST: Final = frozenset({Ability.ICMP, Ability.PATH})  # only a case shows them


class _Step(NamedTuple):
    """``shows``: the ability that it is a part of; ``vital``: all that comes stands on it."""

    name: str
    take: Callable[[], str]
    shows: Ability | None = None
    vital: bool = False


def probe(file: TargetFile) -> Iterator[Told]:
    """Each step: what it is, whether it held, what happened. Raises what ``open_file`` does."""
    check(file)
    programs = Programs(file)
    try:
        stack = CheckedStack(file, programs)
        try:
            yield from _proof(stack)
        finally:
            stack.close()
    finally:
        programs.close()


def _proof(stack: CheckedStack) -> Iterator[Told]:
    """All steps; the first that breaks the protocol is the last."""
    tried, failed = set[Ability | None](), set[Ability | None]()
    missing: dict[str, Ability | None] = {}  # each call that is not there, told once
    for step in _plain(stack) if stack.file.control is Control.NONE else _agent(stack):
        told = lacks = ""
        try:
            told = step.take()
        except Missing as what:
            if what.call in missing:
                continue
            missing[what.call] = step.shows
            lacks = f"{what}{_HINTS.get(what.call, '')}"
        except Failed as what:
            lacks = str(what)
        except Otherwise as what:
            told = f"wired; the stack does otherwise: {what}"
        except TargetError as error:
            yield step.name, False, str(error)
            return
        wrong = "; ".join(filter(None, (lacks, stack.odd())))
        yield step.name, not wrong, wrong + stack.last_words() if wrong else told
        if step.vital and lacks:
            return
        tried.add(step.shows)
        if wrong and step.shows not in missing.values():
            failed.add(step.shows)
    if stack.finished:
        yield "checksums", True, f"{stack.finished} were left to hardware, and are filled in here"
    told_already = {one for one in missing.values() if one} - failed
    yield _abilities(stack.file.abilities, tried - failed - told_already, told_already)


def _plain(stack: CheckedStack) -> Iterator[_Step]:
    yield _Step("the program starts", stack.wired)
    yield _Step("its address is answered for", stack.neighbour)
    yield _Step("a SYN to a closed port is reset", stack.closed)
    for server, port in stack.file.serves.items():
        yield _Step(f"{server} on port {port}", partial(serves, stack, server, port))
    first = next(iter(stack.file.serves.values()))
    yield _Step("what nobody acknowledges is sent again", partial(stack.sent_again, first))
    if Ability.IPV6 in stack.file.abilities:
        yield _Step("the same over IPv6", partial(over_six, stack), Ability.IPV6)


def _agent(stack: CheckedStack) -> Iterator[_Step]:
    claimed, calls = stack.file.abilities, Calls(stack)
    yield _Step("it starts and speaks the protocol", stack.starts, vital=True)
    yield _Step("it takes its addresses", stack.use, vital=True)
    yield _Step("it knows its neighbour", stack.neighbour)
    yield _Step("a SYN to a closed port is reset", stack.closed)
    yield _Step("listen, a handshake, accept", calls.handshake, Ability.CALLS, vital=True)
    yield _Step("recv", calls.recv, Ability.CALLS)
    yield _Step("send", calls.send, Ability.CALLS)
    if Ability.STATE in claimed:
        yield _Step("state", calls.state, Ability.STATE)
    if Ability.INFO in claimed:
        yield _Step("info", calls.info, Ability.INFO)
    yield _Step("shutdown and close", calls.close, Ability.CALLS)
    if Ability.STATE in claimed:
        yield _Step("state without a handle", calls.time_wait, Ability.STATE)
    if Part.ABORT not in stack.file.lacks:
        yield _Step("abort", calls.abort, Ability.CALLS)
    yield _Step("send of a text", calls.text, Ability.CALLS)
    if Part.HALF_CLOSE not in stack.file.lacks:
        yield _Step("the other shutdowns", calls.shutdowns, Ability.CALLS)
    yield _Step("socket and bind", calls.bound)
    if Ability.ACTIVE_OPEN in claimed:
        yield _Step("connect", calls.connect, Ability.ACTIVE_OPEN)
    yield _Step("what nobody acknowledges is sent again", partial(stack.sent_again, LISTENS))
    yield _Step("calls that a stack need not have", calls.optional)
    if stack.file.clock is ClockKind.VIRTUAL:
        yield _Step("advance", calls.advance, Ability.VIRTUAL_TIME)
    if stack.file.options:
        yield _Step("options", partial(options, stack), Ability.OPTIONS)
    yield _Step("a fresh stack for the next case", calls.fresh)
    if Ability.IPV6 in claimed:
        yield _Step("the same over IPv6", calls.over_six, Ability.IPV6)
    yield _Step("what is no request", partial(requests, stack))
    if stack.file.wire is WireKind.FD:  # a card drops what is no frame by itself
        yield _Step("what is no frame", partial(frames, stack))


def _abilities(
    claimed: frozenset[Ability], held: set[Ability | None], excused: set[Ability]
) -> Told:
    """Which were shown; one that is not for a call that was told to be missing fails no more."""
    shown, trusted = claimed & held, claimed & _ON_TRUST
    missing = claimed - shown - trusted
    told = _listed(shown) or "none"
    told += f"; on trust: {_listed(trusted)}" if trusted else ""
    told += f"; not shown: {_listed(missing)}" if missing else ""
    return "abilities", missing <= excused, told


def _listed(abilities: frozenset[Ability]) -> str:
    return " ".join(sorted(abilities))
