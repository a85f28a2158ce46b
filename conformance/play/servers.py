"""Which servers would be all the application that a case needs, where nobody makes its calls.

A stack that runs nothing but servers on agreed ports can still be asked much: the harness answers
the calls of such a case itself, since the server makes them anyway. It reads what comes, or writes
for as long as it may.

Rules:

- One listener, and no FIN of the tester: what the server would do then is not in the case.
- Nothing is asked of a window, which depends on when the server reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import inf

from conformance.case.calls import arguments
from conformance.case.lengths import DEFAULT_WINDOW
from conformance.case.lint import every_step
from conformance.case.model import Case
from conformance.case.step import FIRST_CONNECTION, Step
from conformance.case.verbs.call import Call, OfCall
from conformance.case.verbs.send import Send
from conformance.case.verbs.state import InState
from conformance.notation.call import CallText, Count, Errno
from conformance.notation.expr import Range
from conformance.notation.segment import SegmentText
from conformance.tcp.flags import Flags
from conformance.tcp.options.wscale import WSCALE


class Server(StrEnum):
    """What runs on a port."""

    DISCARD = "discard"  # reads and forgets (RFC 863)
    ECHO = "echo"  # writes what it reads (RFC 862)
    CHARGEN = "chargen"  # writes, without end and as fast as it may (RFC 864), the stream function


def served_by(case: Case) -> frozenset[Server]:
    """The servers that each would do as the case's application; empty if it needs another."""
    steps = list(every_step(case.all_steps))
    calls = [step for step in steps if isinstance(step, OfCall)]
    listens = sum(step.value.name == "listen" for step in calls)
    if listens != 1 or any(map(_depends, steps)):
        return frozenset()
    found = set()
    if all(_takes(step.value) or _reads(step) for step in calls):
        found.add(Server.DISCARD)
    if all(_takes(step.value) for step in calls) and not any(map(_brings_text, steps)):
        found.add(Server.ECHO)
    if _has_endless_text(case, calls):
        found.add(Server.CHARGEN)
    return frozenset(found)


def _depends(step: Step) -> bool:
    """Whether what follows depends on more than the server."""
    if isinstance(step, Send):
        return Flags.FIN in step.value.flags
    return any("win" in segment.fields for segment in step.patterns)


def _takes(call: CallText) -> bool:
    plain = call.name == "accept" or (call.name == "listen" and not call.args)
    return plain and not isinstance(call.result, Errno)


def _reads(step: OfCall) -> bool:
    """Whether the call reads as many octets as it says, and returns at once."""
    count = _count(step, "recv", {"all": 1})
    return bool(count) and step.value.result == Count(count)


def _count(step: OfCall, name: str, more: dict[str, int | str]) -> int:
    """The octets that the call of this name reads or writes; 0 for any other call."""
    if not isinstance(step, Call) or step.value.name != name:
        return 0
    args = arguments(step.value)[1]
    count = args.pop("count", 0)
    return count if isinstance(count, int) and args == more else 0


def _brings_text(step: Step) -> bool:
    if not isinstance(step, Send):
        return False
    return step.value.data is not None or "len" in step.value.fields


# ---- chargen -------------------------------------------------------------------------------------


def _has_endless_text(case: Case, calls: Sequence[OfCall]) -> bool:
    """Whether text is sent once the connection is taken, and no window ever lets all of it out."""
    *others, last = calls
    count = _count(last, "send", {})
    if not count or not all(_takes(step.value) for step in others):
        return False
    steps = [step for step in case.all_steps if not isinstance(step, InState)]
    at = next((at for at, step in enumerate(steps) if step is last), 0)
    match steps[max(at - 2, 0) : at]:
        case [Send(), Call(value=CallText(name="accept"))]:
            pass
        case _:
            return False
    sends = [step for step in every_step(case.all_steps) if isinstance(step, Send)]
    shift = max(_shift(step.value) for step in sends)
    return all(
        step.conn == FIRST_CONNECTION and _let_out(step.value, shift) < count for step in sends
    )


def _let_out(segment: SegmentText, shift: int) -> float:
    """How many of the target's octets the window lets out; any number if it cannot be told."""
    if Flags.RST in segment.flags:
        return 0
    window = _constant(segment, "win", DEFAULT_WINDOW)
    if Flags.SYN in segment.flags:
        return window  # RFC 7323 2.2: never scaled
    return _constant(segment, "ack", inf) - 1 + window * (1 << shift)


def _shift(segment: SegmentText) -> int:
    """The window scaling that the segment offers; the most there is if it cannot be told."""
    options = segment.options.options if segment.options else ()
    return 14 if segment.raw_options or any(one.kind == WSCALE.kind for one in options) else 0


def _constant(segment: SegmentText, name: str, otherwise: float) -> float:
    value = segment.fields.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, Range) or value.high is not None or value.low.names:
        return inf
    return value.low.value(dict[str, int]().__getitem__)  # it has no names
