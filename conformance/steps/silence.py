"""``silence: 500ms``: nothing comes; with ``of: RST``, nothing that matches comes."""

from __future__ import annotations

from conformance.case.segments import show_segment
from conformance.case.verbs.silence import Silence
from conformance.notation.printer import print_duration
from conformance.notation.segment import SegmentText
from conformance.play.conversation import Conversation, Flow
from conformance.play.match import Unwritten
from conformance.play.record import What
from conformance.play.verdict import Failure, Stopped


def run(play: Conversation, step: Silence) -> Flow:
    """Let the time pass; what comes fails the case, and with ``of`` only what matches."""
    until = play.ready + step.value.seconds(play.profile.unit)
    if step.of is None:
        yield from play.quiet(until)
    else:
        while True:
            _judge(play, step.of, until)
            if play.now >= until:
                break
            yield until
    kept = "" if step.of is None else f" of {show_segment(step.of)}"
    play.note(What.NOTE, f"silence{kept} for {print_duration(step.value)}", step.conn, until)
    play.caused(until)


def _judge(play: Conversation, pattern: SegmentText, until: float) -> None:
    for arrival in list(play.inbox):
        broken = arrival.at <= until and not play.differ(pattern, arrival, Unwritten.LOOSE)
        if broken and not play.tolerating.extra(arrival):
            raise Stopped(
                Failure(
                    "the silence was broken",
                    (f"no {show_segment(pattern)}",),
                    play.text(arrival),
                    slack=until - arrival.at,
                )
            )
