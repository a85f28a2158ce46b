"""What is wrong with a step wherever it stands, whatever stands before it.

A segment that nobody can send, or that cannot be seen in what the target sends; times of nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.case import ip
from conformance.case.step import Step
from conformance.case.verbs.expect import Expect
from conformance.case.verbs.send import Send
from conformance.notation.expr import Any, Range, Value
from conformance.notation.printer import print_flags
from conformance.notation.segment import SegmentText
from conformance.notation.time import Duration
from conformance.tcp.addresses import OTHER
from conformance.tcp.flags import Flags, names

Flaw = tuple[str, str, str]


def flaws(step: Step) -> Iterator[Flaw]:
    """Each with the word that it is about, and a hint."""
    for segment in step.patterns:
        if step.by_tester:
            yield from _bounded(step)
            yield from _inexact(step, segment)
        else:
            yield from _unseen(segment)
    yield from _times(step)


def _bounded(step: Step) -> Iterator[Flaw]:
    grows = isinstance(step, Expect) and step.backoff is not None
    there = {"within": step.within is not None, "backoff": grows}
    for name in step.excludes.get("from", ()):
        if there[name]:
            message = f"{name}: bounds what the target sends, and this one is ours"
            yield name, message, "use after: with send"


def _unseen(segment: SegmentText) -> Iterator[Flaw]:
    written = [] if segment.raw_options is None else ["raw"]
    for name in ("checksum", "offset", "reserved"):
        written += [] if getattr(segment, name) is None else [name]
    for name in (*written, *ip.unseen(segment.ip)):
        message = f"{name}: is only for a segment that the tester sends"
        yield name, message, "every segment of the target is watched for a broken header"


def _inexact(step: Step, segment: SegmentText) -> Iterator[Flaw]:
    options = segment.options
    perhaps = [*names(segment.maybe)]
    perhaps += [one.name for one in options.options if one.optional] if options else []
    if segment.others:
        message = "the tester sends these flags or those, not some of several"
        yield print_flags(segment.flags), message, "write one of them"
    for name in perhaps:
        yield name, f"the tester sends {name} or it does not", "leave out the ?"
    if segment.ip.receiver == OTHER:
        hint = "ip: {to: other} is what the target sends it"
        yield "to", "the tester plays the third host itself", hint
    for name in _open_names(segment):
        message = f"the tester sends one {name}, neither * nor a range"
        yield name, message, "leave it out for what a sound TCP would send"
    if isinstance(step, Send) and step.cut and Flags.SYN in segment.flags:
        yield "cut", "cut: a SYN is one segment", "send its text after it"
    if options is not None and options.more:
        yield "", "the tester sends these options and no others: leave out '...'", ""


def _open_names(segment: SegmentText) -> Iterator[str]:
    yield from (name for name, value in segment.fields.items() if _open(value))
    for option in segment.options.options if segment.options else ():
        if isinstance(option.body, Any) or any(map(_open, option.values)):
            yield option.name
    yield from ip.inexact(segment.ip)


def _times(step: Step) -> Iterator[Flaw]:
    if step.passes is not None and _zero(step.passes):
        yield "", f"{step.verb} of no time does nothing", "such as 500ms"
    within = step.within.high if step.within is not None else None
    for name, length in (("within", within), ("for", step.lasts)):
        if length is not None and _zero(length):
            yield name, f"{name}: no time checks nothing", "such as 500ms"


def _open(value: Value) -> bool:
    return not isinstance(value, Range) or value.high is not None


def _zero(duration: Duration) -> bool:
    return all(count == 0 for count, _ in duration.terms)
