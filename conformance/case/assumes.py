"""What a case asks of a target that a legal TCP need not do, as far as its text tells.

Rules:

- It is a remark and no fault: nobody can tell from the text alone what a target has been set to.
- Only what every way through the case asks for is looked at; a branch of an ``either`` is a
  permission, and what stands after one is judged by what was before it.
- A case that asks on purpose says so: ``assumes: [first-flight]``. What it says and does not ask is
  remarked as well, so that the list stays true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from conformance.case.calls import arguments
from conformance.case.faults import Fault
from conformance.case.model import Case
from conformance.case.plain import literals
from conformance.case.spans import Span
from conformance.case.step import FIRST_CONNECTION, Step
from conformance.case.verbs.call import OfCall
from conformance.case.verbs.collect import Collect
from conformance.case.verbs.expect import Expect
from conformance.case.verbs.state import InState
from conformance.notation.expr import Choice, Expr, Range, Value
from conformance.notation.options import OptionText
from conformance.notation.segment import SegmentText
from conformance.notation.time import Duration
from conformance.tcp.flags import Flags
from conformance.tcp.states import State

LARGEST_BUFFER: Final = 20_000  # octets that any host is asked to receive before it reads
ASSUMPTIONS: Final = {
    "buffer": f"a receive buffer above {LARGEST_BUFFER} octets is more than small stacks have",
    "first-flight": "a TCP may begin with one segment (RFC 5681 3.1: an upper bound)",
    "nagle": "a short segment may wait for the ACK of what is on its way (RFC 9293 3.7.4)",
    "shift": "a window may have no shift, or one of 0 (RFC 7323 2.2)",
    "time-wait": "2MSL counts from the FIN's arrival, by a clock with ticks: leave it some room",
}
_HINTS: Final = {
    "buffer": "ask for less",
    "first-flight": "acknowledge the first",
    "nagle": "set NODELAY",
    "shift": "write wscale *",
    "time-wait": "as in within: 2MSL+1s",
}
_MSS: Final = 1460  # where the tester's SYN does not say what it takes


def remarks(case: Case) -> list[Fault]:
    """What this case asks for and does not say, and what it says and does not ask for.

    A case of Linux alone may ask what Linux does.
    """
    if "LINUX" in case.needs:
        return []
    found = dict(reversed(list(_Walk(case).steps())))  # the first of each
    told = [
        Fault(span, ASSUMPTIONS[name], f"{_HINTS[name]}, or say assumes: [{name}]")
        for name, span in found.items()
        if name not in case.assumes
    ]
    idle = sorted(case.assumes - found.keys())
    return told + [Fault(case.span, f"no step assumes {name}", "it has to go") for name in idle]


@dataclass(slots=True)
class _Sender:
    """What the target's text on one connection has come to."""

    mss: int = _MSS
    seen: set[Value | None] = field(default_factory=set)  # SEG.SEQ of what came
    writes: int = 0  # calls of send since nothing was on its way
    flying: int = 0  # segments of text since the tester sent one
    acknowledged: bool = False  # some text was, so that the window may have grown


@dataclass(slots=True)
class _Walk:
    """The steps in order, and where one asks for too much."""

    case: Case
    nodelay: bool = False
    waits: bool = False  # in TIME-WAIT, as the case has it
    senders: dict[str, _Sender] = field(default_factory=dict)

    def steps(self) -> Iterator[tuple[str, Span]]:
        self.nodelay = self.case.options.get("nagle") == "off"
        if _number(self.case.options.get("rcvbuf", "")) > LARGEST_BUFFER:
            yield "buffer", self.case.span
        for step in self.case.all_steps:
            if isinstance(step, OfCall):
                yield from self._call(step)
            elif isinstance(step, Expect) and not step.by_tester:
                yield from self._expect(step, step.value)
            elif step.by_tester and step.patterns:
                self._send(step, step.patterns[0])
            elif isinstance(step, InState):
                yield from self._state(step)
            elif step.branches or isinstance(
                step, Collect
            ):  # whatever was sent in it is acknowledged
                for sender in (self._of(step), *self.senders.values()):
                    sender.acknowledged, sender.flying, sender.writes = True, 0, 0

    def _call(self, step: OfCall) -> Iterator[tuple[str, Span]]:
        args = arguments(step.value)[1]
        if step.value.name == "send":
            self._of(step).writes += 1
        if step.value.name != "setsockopt":
            return
        self.nodelay |= args.get("name") == "NODELAY"
        if args.get("name") == "RCVBUF" and _number(str(args.get("value"))) > LARGEST_BUFFER:
            yield "buffer", step.span

    def _expect(self, step: Step, text: SegmentText) -> Iterator[tuple[str, Span]]:
        if text.flags & Flags.SYN:
            shifts = [one for one in _options(text) if one.name == "wscale"]
            if any(_least(value) > 0 for one in shifts for value in one.values):
                yield "shift", step.span
        sender, length = self._of(step), _length(text)
        seq = text.fields.get("seq")
        again = seq is not None and (seq in sender.seen or _quoted(seq))
        if not length or again:
            return
        sender.seen |= {seq}
        sender.flying += 1
        if sender.flying < 2:
            return
        if sender.writes > 1 and length < sender.mss:
            yield from () if self.nodelay else [("nagle", step.span)]
        elif not sender.acknowledged:
            yield "first-flight", step.span

    def _send(self, step: Step, text: SegmentText) -> None:
        sender = self._of(step)
        if text.flags & Flags.SYN:
            sizes = [one.values[0] for one in _options(text) if one.name == "mss"]
            sender.mss = next((_least(size) for size in sizes), 536)
        sender.acknowledged |= bool(sender.flying)
        sender.flying = sender.writes = 0

    def _state(self, step: InState) -> Iterator[tuple[str, Span]]:
        over = step.value is State.CLOSED and self.waits and step.within
        if over and _is_bare(over.high):
            yield "time-wait", step.span
        self.waits = step.value is State.TIME_WAIT

    def _of(self, step: Step) -> _Sender:
        return self.senders.setdefault(step.conn or FIRST_CONNECTION, _Sender())


def _options(text: SegmentText) -> tuple[OptionText, ...]:
    return text.options.options if text.options else ()


def _quoted(seq: Value) -> bool:
    """Whether it is the number of a segment that came before."""
    return isinstance(seq, Range) and any(name.endswith(".seq") for name in seq.low.names)


def _is_bare(bound: Duration) -> bool:
    """Whether it is a whole number of MSL, with nothing for a wire or a clock."""
    ((count, unit), *more) = bound.terms
    return not more and unit == "MSL" and count == int(count)


def _length(text: SegmentText) -> int:
    """How much text it may have."""
    length = text.fields.get("len")
    if isinstance(length, Choice):
        return max(literals(length), default=0)
    high = length.high if isinstance(length, Range) else None
    return len(text.data) if text.data is not None else _least(high or length)


def _least(value: object) -> int:
    """The smallest number that it can be, as far as the text tells; 0 where it does not."""
    if isinstance(value, Range):
        value = value.low
    if isinstance(value, Expr) and not value.names:
        return value.value(lambda _: 0)
    return value if isinstance(value, int) else 0


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
