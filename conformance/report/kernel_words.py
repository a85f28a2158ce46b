"""What was seen of the target beside the segments, put to the entries of the story.

A drop stands beside the segment that was dropped, a reset and a retransmission beside the segment
that came of it. What came of none (it never reached the tester) stands in the story by itself, and
so does what it asked the link, in the story of a failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from conformance.play.asides import Aside, CountersMoved, Dropped, Noticed, ResetSent, Retransmitted
from conformance.play.record import Entry, Record, What
from conformance.tcp.flags import Flags

_SOON: Final = 0.005  # seconds from the kernel's decision to the tester
_SAME: Final = 0.0000015  # seconds; a time since the start is a difference of floats
_BEFORE: Final = 0.000005  # a stamp of the trace is cut to microseconds


def said(aside: Aside) -> str:
    """In a few words."""
    match aside:
        case Dropped(why=why):
            return f"dropped: {why}"
        case ResetSent(why=why):
            return f"reset: {why}" if why else "reset"
        case Retransmitted():
            return "retransmitted"
        case Noticed(what=what):
            return what
        case CountersMoved(counters=counters):
            return ", ".join(f"{name} {value}" for name, value in counters.items())


def beside(record: Record) -> tuple[Mapping[int, str], list[Aside]]:
    """What to say beside which entries, by their place in the record, and what is left over.

    A kernel that older ones are like resets without a reason, which says no more than the RST.
    """
    told: dict[int, list[str]] = {}
    left: list[Aside] = []
    missed = record.verdict is not None and record.verdict.failure is not None
    for aside in record.asides:
        if isinstance(aside, CountersMoved) or (isinstance(aside, ResetSent) and not aside.why):
            continue
        if isinstance(aside, Noticed):  # it tells nothing, but where something else was wanted
            left += [aside] if missed else []
            continue
        at = next((at for at in _places(record, aside) if said(aside) not in told.get(at, [])), -1)
        if at < 0:
            left.append(aside)
        else:
            told.setdefault(at, []).append(said(aside))
    return {at: "; ".join(words) for at, words in told.items()}, left


def counters(record: Record) -> Mapping[str, str]:
    """The counters that were not zero at the end."""
    found: dict[str, str] = {}
    for aside in record.asides:
        if isinstance(aside, CountersMoved):
            found |= aside.counters
    return found


def _places(record: Record, aside: Aside) -> Iterator[int]:
    for at, entry in enumerate(record.entries):
        if _fits(entry, aside, record.started):
            yield at


def _fits(entry: Entry, aside: Aside, started: float) -> bool:
    if isinstance(aside, Dropped):
        return entry.what is What.SENT and abs(started + entry.at - aside.sent) < _SAME
    if (
        entry.what is not What.RECEIVED
        or entry.segment is None
        or isinstance(aside, CountersMoved | Noticed)
    ):
        return False
    if entry.segment.dport != aside.tester_port:
        return False
    if isinstance(aside, ResetSent) and not entry.segment.has(Flags.RST):
        return False
    return -_BEFORE <= started + entry.at - aside.at <= _SOON
