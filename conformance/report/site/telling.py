"""A record as what a site keeps of it: its ladder is drawn here, and the record let go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from conformance import __version__
from conformance.case.spans import Span
from conformance.case.step import Step
from conformance.play.asides import CountersMoved
from conformance.play.played import way
from conformance.play.record import Record, What
from conformance.play.verdict import Outcome, Verdict
from conformance.report import kernel_words
from conformance.report.causes import cause_of
from conformance.report.jsonlines import Loaded, placeless
from conformance.report.ladder import moment, rows
from conformance.report.pcapng import pcapng
from conformance.report.run_again import run_again
from conformance.report.site.ladder import picture
from conformance.report.site.model import Move, Play, ToldRecord
from conformance.report.site.timers import timers

CUT: Final = "the recording was cut off"


def told(record: Record, loaded: Loaded | None = None, run: int = 0) -> ToldRecord:
    """The record; ``loaded`` is what it was judged from again, if it was."""
    names = record.case.names
    record = placeless(record)
    case = record.case
    verdict, note = _verdict(record, loaded)
    failure = verdict.failure
    play = Play(
        record.id,
        case.id,
        record.profile.name,
        way(record.addressing.ip, record.addressing.isn),
        run,
        verdict.outcome,
        verdict.reason,
        record.started,
        record.length,
        run_again(record),
        verdict.reason if note else cause_of(record),
        picture(rows(record), failure.expected if failure else ()),
        failure,
        loaded.step if loaded else _place(verdict.step, names),
        tuple(moves_of(record)),
        record.reruns,
        note,
        tuple(_words(record)),
        kernel_words.counters(record),
        timers(record.timings),
        capture=pcapng(record) if any(entry.segment for entry in record.entries) else b"",
    )
    return ToldRecord(
        play,
        record.profile,
        case.path,
        case.title,
        case.sources,
        case.about,
        case.all_verifies,
        tuple(_facts(record)),
        loaded.conformance if loaded else __version__,
    )


def _place(step: Step | None, names: Mapping[str, str]) -> Span | None:
    if step is None:
        return None
    return replace(step.span, path=names.get(step.span.path, step.span.path))


def untold(loaded: Loaded, why: str, run: int) -> ToldRecord:
    """One whose story cannot be told today: its verdict stands, its ladder does not."""
    then = loaded.verdict or Verdict(Outcome.ERROR, CUT)
    play = Play(
        loaded.id,
        loaded.case,
        loaded.profile.name,
        way(loaded.addressing.ip, loaded.addressing.isn),
        run,
        then.outcome,
        then.reason,
        loaded.started,
        loaded.events[-1][0] - loaded.started if loaded.events else 0.0,
        cause=then.reason,
        failure=then.failure,
        place=loaded.step,
        reruns=loaded.reruns,
        note=f"Its story cannot be told: {why}",
    )
    return ToldRecord(
        play,
        loaded.profile,
        loaded.path,
        loaded.title,
        loaded.sources,
        version=loaded.conformance,
    )


def _words(record: Record) -> Iterator[tuple[str, str, str]]:
    for aside in record.asides:
        if not isinstance(aside, CountersMoved):
            at = moment(aside.at - record.started).strip()
            yield at, kernel_words.said(aside), getattr(aside, "where", "")


def _verdict(record: Record, loaded: Loaded | None) -> tuple[Verdict, str]:
    """The verdict as it was written, and what is to be said of it."""
    now = record.verdict or Verdict(Outcome.ERROR, "it never ended")
    if loaded is None:
        return now, ""
    then = loaded.verdict
    if then is None:
        cut = Verdict(Outcome.ERROR, CUT)
        return cut, f"{CUT}: what is here is all that was written of it."
    if (now.outcome, now.reason) == (then.outcome, then.reason):
        return now, ""  # its failure has the last words of a program, which its events hold
    other = f"{now.outcome}: {now.reason}".removesuffix(": ")
    return then, f"Judged again today it is another verdict: {other}"


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    case = record.case
    if case.needs:
        yield "needs", ", ".join(sorted(case.needs))
    for name, settings in (("options", case.options), ("sysctl", case.sysctl)):
        if settings:
            yield name, ", ".join(f"{key}={value}" for key, value in settings.items())
    if case.isn is not None:
        yield "tester's ISN", f"{case.isn:#x}"
    if case.unwatched:
        yield "unwatched", ", ".join(sorted(case.unwatched))
    if case.assumes:
        yield "assumes", ", ".join(sorted(case.assumes))


def moves_of(record: Record) -> Iterator[Move]:
    """The states of each connection, two by two, as the record tells them."""
    last: dict[str, str] = {}
    for entry in record.entries:
        if entry.what is What.STATE and entry.state is not None:
            state = str(entry.state)
            if entry.conn in last:
                yield last[entry.conn], state
            last[entry.conn] = state
