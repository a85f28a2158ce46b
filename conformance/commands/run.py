"""The command that plays cases and says how each ended.

Nothing is kept of a case that has been told, but for what the reporter wants at the end.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from conformance import files
from conformance.commands import kernel_options
from conformance.commands.captures import Captures
from conformance.commands.choice import chosen
from conformance.commands.output import in_color, note, say
from conformance.commands.request import Wish
from conformance.errors import CaseError, ConformanceError, EnvironmentProblem, TargetError
from conformance.play.record import Record
from conformance.report import jsonlines
from conformance.report.failure import explain
from conformance.report.summary import Summary, case_object, summary_object
from conformance.report.table import Table
from conformance.report.terminal import Live, Plain, Reporter
from conformance.targets import REMOTE, Wishes, open_target
from conformance.targets.base import Job, Target
from conformance.targets.deviations import Draft
from conformance.targets.names import Chosen, requirement_text, sentence
from conformance.targets.runs.schedule import Plan, beforehand, play
from conformance.visible import visible

Sink = Callable[[Record], None]


def run(args: Namespace) -> int:
    """Play what the arguments select; the exit status."""
    wish = Wish.of(args)
    asked = chosen(args.paths)
    session = _Session(
        args.json,
        args.at_once,
        Wishes(
            args.seed,
            args.own_network,
            args.interface,
            tuple(args.address),
            tuple(args.tester_address),
            tuple(args.append),
        ),
        Captures(Path(args.pcap)) if args.pcap else None,
    )
    try:
        with ExitStack() as stack:
            session.sinks = [stack.enter_context(sink) for sink in _sinks(args, session)]
            names = wish.targets(asked)
            kernel_options.check(names, args.append, args.console)
            if console := kernel_options.console(args.console):
                session.wishes = replace(session.wishes, console=stack.enter_context(console))
            if session.wishes.link and not any(name.startswith(REMOTE) for name in names):
                raise CaseError("--interface and the addresses are for --target ssh:HOST")
            for name in names:
                play = session.play if len(names) == 1 else session.visit
                play(name, wish, asked)
    except KeyboardInterrupt:
        note(f"\ninterrupted: {session.overall.outcomes.total()} of {session.total} were played")
        return 130
    return session.end(wish.nothing(asked))


# ---- one run -------------------------------------------------------------------------------------


class _Json:
    """One line of JSON a case; the last line is the run's, not a target's."""

    def begin(self, total: int) -> None:
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
    wishes: Wishes = field(default_factory=Wishes)
    captures: Captures | None = None
    sinks: list[Sink] = field(default_factory=list)
    overall: Summary = field(default_factory=Summary)
    total: int = 0
    damaged: int = 0
    table: Table = field(default_factory=Table)
    refused: dict[str, ConformanceError] = field(default_factory=dict)  # targets that failed whole

    def visit(self, name: str, wish: Wish, asked: Sequence[Chosen]) -> None:
        """Play on one target; where it cannot be or is lost, the others play all the same."""
        try:
            self.play(name, wish, asked)
        except (EnvironmentProblem, TargetError) as error:
            self.refused[name] = error
            if self.json:
                told = {"type": "target", "target": name, "error": sentence(error)}
                say(json.dumps(told))
            else:
                note(f"{name} is not played to the end: {sentence(error)}")

    def play(self, name: str, wish: Wish, asked: Sequence[Chosen]) -> None:
        """Play all that is selected on one target."""
        began = time.monotonic()
        with open_target(name, self.wishes) as target:
            if target.warning:
                note(f"conformance: {target.warning}")
            plan = wish.plan(asked, target.profile)
            self.total += len(plan.jobs)
            self.overall.left_out += len(plan.slow)
            if not plan.jobs and not plan.slow:
                return
            summary = Summary(left_out=len(plan.slow))
            reporter = self._reporter()
            reporter.begin(len(plan.jobs))
            if told := beforehand(plan.jobs, target.profile):
                reporter.note(told)
            try:
                self._play(target, plan, reporter, summary)
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
            reporter.note(f"{record.id} no longer passes: the run has damaged the target\n{told}")

    def _reporter(self) -> Reporter:
        if self.json:
            return _Json()
        if sys.stdout.isatty():
            return Live(sys.stdout, explain=self._explain())
        return Plain(sys.stdout, explain=self._explain())

    def _explain(self) -> Callable[[Record], str]:
        if self.captures is None:
            return partial(explain, requirement_text=requirement_text, color=in_color())
        captures = self.captures

        def told(record: Record) -> str:
            return explain(
                record,
                requirement_text=requirement_text,
                color=in_color(),
                capture=str(captures.path(record)),
            )

        return told

    def end(self, nothing: CaseError) -> int:
        """The exit status; a run that selected nothing is a mistake, ``nothing`` says of what."""
        if not self.total and not self.overall.left_out and not self.refused:
            raise nothing
        if len(self.table.targets) > 1:
            told = json.dumps(self.table.object()) if self.json else self._side_by_side()
            say(told, painted=True)
        status = 3 if self.damaged or self.refused else self.overall.exit_status
        if self.json:
            say(json.dumps({**summary_object(self.overall), "exit_status": status}))
        if self.overall.all_skipped and not self.json:
            note("conformance: nothing was judged: every case was skipped")
        for name, error in self.refused.items():  # said when it happened, and long scrolled away
            note(f"conformance: {name}: {sentence(error)}")
        return status

    def _side_by_side(self) -> str:
        return "\n" + self.table.text(color=in_color())


# ---- what else is written ------------------------------------------------------------------------


def _sinks(args: Namespace, session: _Session) -> Iterator[Any]:
    if args.record:
        yield _recording(Path(args.record))
    if session.captures is not None:
        yield _captures(session.captures)
    if args.observed:
        yield _draft(Path(args.observed))


@contextmanager
def _recording(path: Path) -> Iterator[Sink]:
    """Write each record as lines of JSON, when its case has ended.

    So what is there holds whole runs after any end: of a disk that is full, too.
    """
    with _begun("--record", path):
        grown = files.Growing(path)

    def write(record: Record) -> None:
        with _named(path):
            grown.append(jsonlines.dump(record).encode())

    with grown:
        yield write


@contextmanager
def _captures(captures: Captures) -> Iterator[Sink]:
    """Write each record as a capture of its own, named as the record is."""
    from conformance.report.pcapng import pcapng

    with _begun("--pcap", captures.folder):
        captures.folder.mkdir(parents=True, exist_ok=True)
        files.try_to_write_in(captures.folder)

    def write(record: Record) -> None:
        path = captures.path(record)
        with _named(path):
            files.write(path, pcapng(record))

    yield write


@contextmanager
def _draft(path: Path) -> Iterator[Sink]:
    """Write what failed as a file of deviations, at the end of a run that was not interrupted."""
    with _begun("--observed", path):
        files.try_to_write(path)
    draft = Draft()
    yield draft.add
    with _named(path):
        files.write_text(path, draft.text())


@contextmanager
def _begun(option: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = files.reason(error)
        raise CaseError(f"{option} {path} cannot be written: {why}") from None


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be written: {files.reason(error)}") from None
