"""The command that plays cases and says how each ended.

Nothing is kept of a case that has been told, but for what the reporter wants at the end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from conformance.commands import kernel_options
from conformance.commands.captures import Captures
from conformance.commands.choice import chosen
from conformance.commands.output import in_color, note, say
from conformance.commands.request import Request
from conformance.commands.written import Sink, begin, sinks
from conformance.errors import CaseError, ConformanceError, EnvironmentProblem, TargetError
from conformance.exits import Exit
from conformance.live.clock import now
from conformance.play.estimate import least
from conformance.play.record import Record
from conformance.report.progress import Forecast, Running, running
from conformance.report.summary import Summary, case_object, summary_object
from conformance.report.table import Table
from conformance.report.terminal import Lines, Reporter, Screen
from conformance.targets import Wanted, is_remote, open_target
from conformance.targets.base import Job, Target, refusal
from conformance.targets.names import Chosen, job_id, requirement_text, sentence
from conformance.targets.runs.schedule import beforehand, play
from conformance.targets.runs.selection import Plan
from conformance.visible import visible

_PER_CORE: Final = 64  # cases at once, at the most


def run(args: Namespace) -> int:
    """Play what the arguments select; the exit status."""
    begin(args)
    request = Request.of(args)
    asked = chosen(args.paths)
    session = _Session(
        args.json,
        args.at_once,
        Wanted(
            args.seed,
            args.own_network,
            args.interface,
            tuple(args.address),
            tuple(args.tester_address),
            tuple(args.append),
        ),
        Captures(Path(args.pcap)) if args.pcap else None,
        whole=request.all_of(args.paths),
        strict=args.strict,
    )
    try:
        with ExitStack() as stack:
            session.sinks = [
                stack.enter_context(sink) for sink in sinks(args, session.captures, session.broken)
            ]
            names = request.targets(asked)
            kernel_options.check(names, args.append, args.console)
            around = kernel_options.surroundings(args.surroundings, names)
            session.wanted = replace(session.wanted, surroundings=around)
            if console := kernel_options.console(args.console):
                session.wanted = replace(session.wanted, console=stack.enter_context(console))
            if args.code_coverage is not None or args.of is not None:
                from conformance.commands.code_coverage import counted

                wanted = session.wanted
                counting = stack.enter_context(
                    counted(args.code_coverage, args.of, names, wanted, json=args.json)
                )
                session.sinks.append(counting.take)
                session.wanted = replace(wanted, counters=counting.counters)
            if session.wanted.link and not any(map(is_remote, names)):
                raise CaseError("--interface and the addresses are for --target ssh:HOST")
            for name in names:
                play = session.play if len(names) == 1 else session.visit
                play(name, request, asked)
            session.say_nothing(request.nothing(asked))
    except KeyboardInterrupt:
        note(f"\ninterrupted: {session.overall.outcomes.total()} of {session.total} were played")
        return Exit.INTERRUPTED
    return session.end(request.nothing(asked))


def unused(target: Target, summary: Summary, *, whole: bool) -> list[str]:
    """Of a whole run: what it never had to tolerate, which has to go from the file."""
    names = [one.name for one in target.profile.tolerances if not summary.tolerated[one.name]]
    gone = "was not used: it has to go from the target file"
    return [f"tolerance {name} {gone}" for name in names] if whole else []


# ---- one run -------------------------------------------------------------------------------------


class _Json:
    """One line of JSON a case; the last line is the run's, not a target's."""

    def begin(self, total: int, forecast: Forecast | None = None) -> None:
        pass

    def running(self, now: Running) -> None:
        pass

    def ended(self, record: Record, seconds: float) -> None:
        say(json.dumps(case_object(record)))

    def note(self, text: str) -> None:
        note(text)

    def finish(self, summary: Summary) -> None:
        pass


@dataclass(slots=True)
class _Session:
    """What a run has come to so far, over all its targets."""

    json: bool
    at_once: int | None
    wanted: Wanted = field(default_factory=Wanted)
    captures: Captures | None = None
    sinks: list[Sink] = field(default_factory=list)
    overall: Summary = field(default_factory=Summary)
    total: int = 0
    damaged: int = 0
    table: Table = field(default_factory=Table)
    whole: bool = False  # all of the shipped set was asked for
    strict: bool = False  # a rule that no MUST demands must not be set aside either
    broken: list[str] = field(default_factory=list)  # why not all was played to its end
    refused: dict[str, ConformanceError] = field(default_factory=dict)  # targets that failed whole

    def visit(self, name: str, request: Request, asked: Sequence[Chosen]) -> None:
        """Play on one target; where it cannot be or is lost, the others play all the same."""
        try:
            self.play(name, request, asked)
        except (EnvironmentProblem, TargetError) as error:
            self.refused[name] = error
            self.broken.append(f"{name} is not played to the end: {sentence(error)}")
            if self.json:
                told = {"type": "target", "target": name, "error": sentence(error)}
                say(json.dumps(told))
            else:
                note(f"{name} is not played to the end: {sentence(error)}")

    def play(self, name: str, request: Request, asked: Sequence[Chosen]) -> None:
        """Play all that is selected on one target."""
        began = time.monotonic()
        with open_target(name, self.wanted) as target:
            if target.warning:
                note(f"conformance: {target.warning}")
            plan = request.plan(asked, target.profile, target.deviations)
            self.total += len(plan.jobs)
            self.overall.left_out += len(plan.slow)
            if not plan.jobs and not plan.slow:
                return
            summary = Summary(left_out=len(plan.slow))
            reporter = self._reporter()
            reporter.begin(len(plan.jobs), self._forecast(plan, target))
            if not target.profile.virtual:
                target.watch = lambda talks: reporter.running(running(talks, now()))
            if told := beforehand(plan.jobs, target.profile):
                reporter.note(told)
            try:
                self._play(target, plan, reporter, summary)
                for told in unused(target, summary, whole=self.whole and not plan.slow):
                    reporter.note(told)
            finally:  # interrupted or not, the moving line must end and the story be told
                summary.seconds = time.monotonic() - began
                self.overall.seconds += summary.seconds
                reporter.finish(summary)

    def _play(self, target: Target, plan: Plan, reporter: Reporter, summary: Summary) -> None:
        before = time.monotonic()

        def done(_: Job, record: Record) -> None:
            nonlocal before
            took, before = time.monotonic() - before, time.monotonic()
            summary.add(record)
            self.overall.add(record)
            self.table.add(record)
            for sink in self.sinks:
                sink(record)
            reporter.ended(record, took if target.profile.virtual else record.length)

        def again(_: Job, record: Record) -> None:
            reason = record.verdict.reason if record.verdict else ""
            reporter.note(visible(f"{record.id} is played again alone: {reason}"))

        damaged = play(target, plan.jobs, done, self.at_once, again)
        self.damaged += len(damaged)
        for record in damaged:
            told = self._explain()(record)
            self.broken.append(f"{record.id} no longer passes: the run has damaged the target")
            reporter.note(f"{record.id} no longer passes: the run has damaged the target\n{told}")

    def _reporter(self) -> Reporter:
        if self.json:
            return _Json()
        if sys.stdout.isatty():
            return Screen(sys.stdout, explain=self._explain(), clock=time.monotonic)
        return Lines(sys.stdout, explain=self._explain(), clock=time.monotonic)

    def _forecast(self, plan: Plan, target: Target) -> Forecast:
        profile = target.profile
        needed = {
            job_id(job, profile.name): 0.0 if refusal(job, profile) else least(job.case, profile)
            for job in plan.jobs
        }
        at_once = self.at_once or _PER_CORE * len(os.sched_getaffinity(0))
        return Forecast(needed, at_once, virtual=profile.virtual)

    def _explain(self) -> Callable[[Record], str]:
        captures = self.captures

        def told(record: Record) -> str:
            from conformance.report.failure import explain  # draws ladders: for failures alone

            return explain(
                record,
                requirement_text=requirement_text,
                color=in_color(),
                capture="" if captures is None else str(captures.path(record)),
            )

        return told

    @property
    def _selected(self) -> bool:
        return bool(self.total or self.overall.left_out or self.refused)

    def say_nothing(self, nothing: CaseError) -> None:
        """Have the reports say what the exit status says: that nothing was judged."""
        if not self._selected:
            self.broken.append(sentence(nothing))
        elif self.overall.all_skipped:
            self.broken.append("nothing was judged: every case was skipped")

    def end(self, nothing: CaseError) -> int:
        """The exit status; a run that selected nothing is a mistake, ``nothing`` says of what."""
        if not self._selected:
            raise nothing
        if len(self.table.targets) > 1:
            told = json.dumps(self.table.object()) if self.json else self._side_by_side()
            say(told, painted=True)
        status = Exit.BROKEN if self.damaged or self.refused else self.overall.exit_status
        if self.strict and not status and (aside := self.overall.without):
            rules = ", ".join(f"{rule} ({count})" for rule, count in aside.most_common())
            note(f"conformance: --strict: set aside, in so many cases: {rules}")
            status = Exit.FAILED
        if self.json:
            say(json.dumps({**summary_object(self.overall), "exit_status": status}))
        if self.overall.all_skipped and not self.json:
            note("conformance: nothing was judged: every case was skipped")
        for name, error in self.refused.items():  # said when it happened, and long scrolled away
            note(f"conformance: {name}: {sentence(error)}")
        return status

    def _side_by_side(self) -> str:
        return "\n" + self.table.text(color=in_color())
