"""``expect: SEGMENT``: the target's next segment is this, within its bounds."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from conformance.case.segments import show_segment
from conformance.case.step import Step
from conformance.case.verbs.expect import Expect
from conformance.notation.expr import exactly
from conformance.notation.printer import print_bounds, print_ratio
from conformance.play.conversation import Conversation, Flow
from conformance.play.foreseen import foreseen
from conformance.play.match import Arrival
from conformance.play.soon import longest
from conformance.play.timing import timed
from conformance.play.verdict import Difference, Failure, Stopped, too_early
from conformance.tcp.flags import Flags


def run(play: Conversation, step: Expect) -> Flow:
    """Take the next segment of the connection, which has to match."""
    arrival = yield from matching(play, step)
    if arrival is not None:
        play.consume(arrival, step)


def matching(play: Conversation, step: Expect) -> Generator[float | None, None, Arrival | None]:
    """Wait for the next segment that no allowance takes, and hold it to the step.

    None where nothing came, and the target's file tolerates that.
    """
    earliest, latest = bounds(play, step)
    latest = play.tolerating.patience(step, step.value, latest)
    arrival = yield from next_arrival(play, step.conn, latest)
    if arrival is None and play.tolerating.missing(step, step.value, latest):
        return None
    if arrival is None:
        timed(play, step, None, earliest, latest)
        message = f"nothing came within {_told(play, step)}"
        raise Stopped(Failure(message, (wanted(play, step),), timed=True))
    found = compare(play, step, arrival)
    if found:
        raise Stopped(
            Failure(
                "another segment came",
                (wanted(play, step),),
                play.text(arrival, window="win" in step.value.fields),
                tuple(found),
            )
        )
    _in_time(play, step, arrival, earliest, latest)
    play.tolerating.took(step.value, arrival)
    return arrival


def next_arrival(
    play: Conversation, conn: str, latest: float
) -> Generator[float | None, None, Arrival | None]:
    """The connection's next arrival that no ``allow`` foresaw; None when ``latest`` passes."""
    while True:
        for arrival in list(play.inbox):
            if arrival.conn != conn:
                continue
            if arrival.at > latest or not _let_by(play, arrival):
                return arrival
        if play.now >= latest:
            return None
        yield latest


def _let_by(play: Conversation, arrival: Arrival) -> bool:
    """Whether an allowance or a tolerance takes it, and not the step itself."""
    step = play.step
    if isinstance(step, Expect) and not compare(play, step, arrival):
        return "win" not in step.value.fields and play.tolerating.early(arrival)
    return foreseen(play, arrival)


def compare(play: Conversation, step: Expect, arrival: Arrival) -> list[Difference]:
    """Every field in which the arrival is not what the step says, and may not be tolerated."""
    found = play.differ(step.value, arrival)
    return [] if found and play.tolerating.field(step.value, arrival, found) else found


def bounds(play: Conversation, step: Step) -> tuple[float, float]:
    """The earliest and the latest time, on the lab's clock, counted from the cause.

    Without a lower bound there is no earliest: what came before its cause was on its way while
    the tester did something else. Without ``within`` it is ``backoff`` that bounds.
    """
    within = step.within
    if within is None:
        return 0.0, play.cause_ended + _longest(play, step)
    low = play.cause + play.profile.least(within.low) if within.low else 0.0
    return low, play.cause_ended + within.high.seconds(play.profile.unit)


def in_time(play: Conversation, step: Step, arrival: Arrival) -> bool:
    """Whether it keeps the bounds of the step, the one of the interval before it among them."""
    earliest, latest = bounds(play, step)
    return earliest <= arrival.at <= latest and _has_grown(play, step, arrival.at - play.cause)


def _has_grown(play: Conversation, step: Step, took: float) -> bool:
    ratio, before = step.grows, play.intervals.get(step.conn)
    return ratio is None or bool(before and ratio.low <= took / before <= ratio.high)


def _longest(play: Conversation, step: Step) -> float:
    """The upper bound of a step that says no ``within``, seconds."""
    ratio, before = step.grows, play.intervals.get(step.conn)
    return before * ratio.high if ratio and before else longest(play, step)


def wanted(play: Conversation, step: Expect) -> str:
    """The step's segment with the numbers that it left out, for a failure."""
    text = step.value
    conn = play.conn(step.conn)
    fields = dict(text.fields)
    fields.setdefault("seq", exactly(0 if Flags.SYN in text.flags else conn.tcb.snd_nxt))
    if Flags.ACK in text.flags:
        fields.setdefault("ack", exactly(conn.taken.end))
    return show_segment(replace(text, fields=fields))


def _told(play: Conversation, step: Step) -> str:
    return print_bounds(step.within) if step.within else f"{_longest(play, step):.4g}s"


def _in_time(
    play: Conversation, step: Expect, arrival: Arrival, earliest: float, latest: float
) -> None:
    timed(play, step, arrival.at, earliest, latest)
    took = arrival.at - play.cause
    if not earliest <= arrival.at <= latest:
        early = arrival.at < earliest
        failure = Failure(
            f"it came too {'early' if early else 'late'}",
            (f"{show_segment(step.value)} within {_told(play, step)}",),
            f"{play.text(arrival)} after {took * 1000:.1f} ms",
            (Difference("time", _told(play, step), f"{took:.4f}s"),),
            timed=not early,
        )
        raise Stopped(too_early(failure, arrival.at, earliest, play.cause) if early else failure)
    ratio, before = step.grows, play.intervals.get(step.conn)
    grown = _has_grown(play, step, took)
    play.intervals[step.conn] = took
    if ratio is not None and not grown:
        was = "there is no interval before it" if not before else f"{took / before:.2f}"
        raise Stopped(
            Failure(
                "the interval has not grown as it should",
                (f"{print_ratio(ratio)} times the interval before",),
                f"{took:.4f}s after {before or 0:.4f}s",
                (Difference("backoff", print_ratio(ratio), was),),
                timed=True,
            )
        )
