"""What the harness costs on this machine, measured and never remembered.

Every figure is measured when it is printed; with it stand the date and the machine. The live
figures need the ``linux`` target: where it cannot be had, the others are printed, and the reason.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Final

from conformance.case.load import load
from conformance.case.model import Case
from conformance.case.step import Step
from conformance.case.verbs.expect import Expect
from conformance.case.verbs.send import Send
from conformance.commands import bench_start
from conformance.commands.choice import chosen, each_once, keyword, shipped
from conformance.commands.measure import (
    COMMAND,
    Figure,
    Stopwatch,
    ended_as,
    output_of,
    peak,
    play_all,
)
from conformance.commands.output import note, say, say_json
from conformance.commands.soak import soak
from conformance.errors import CaseError, EnvironmentProblem
from conformance.exits import Exit
from conformance.play.estimate import least
from conformance.play.record import Record, What
from conformance.play.verdict import Outcome
from conformance.targets import open_target, targets_of
from conformance.targets.base import Job, outcome_of
from conformance.targets.names import Chosen, sentence, vocabulary
from conformance.targets.runs.schedule import play
from conformance.targets.runs.selection import choose

_SMALL: Final = "smoke/handshake"
_WHOLE: Final = "smoke/handshake-and-close"
_KINDS: Final = 20  # cases that the reaction is measured with


def bench(args: Namespace) -> int:
    """Measure and print."""
    cases = each_once(chosen([]))
    if not cases:
        raise CaseError("no cases came with this installation: nothing to measure with")
    if args.soak:
        return _report(args, soak(args))
    if args.report:
        from conformance.commands.bench_report import site

        return _report(args, site(cases, 10 if args.quick else 1))
    if args.target:
        return _report(args, _targets(args, cases))
    return _report(args, _figures(cases, 10 if args.quick else 1))


def _figures(cases: Sequence[Case], share: int) -> Iterator[Figure]:
    yield from _without_a_wire(cases, share)
    try:
        yield from _live(cases, share)
    except EnvironmentProblem as problem:
        note(f"conformance: no live figures: {sentence(problem)}")


def _targets(args: Namespace, cases: Sequence[Case]) -> Iterator[Figure]:
    from conformance.commands.bench_target import figures

    wanted = keyword(args.keyword) if args.keyword else None
    for name in targets_of(args.target):
        yield from figures(name, cases, wanted, quick=args.quick)


def _report(args: Namespace, figures: Iterable[Figure]) -> int:
    """Print each figure as it is measured; for another program, all of them at the end."""
    facts = machine()
    if args.json:
        say_json({"machine": facts, "figures": [asdict(figure) for figure in figures]})
        return Exit.EXPECTED
    for name, value in facts.items():
        say(f"{name:<10}  {value}")
    say("")
    for figure in figures:
        say(
            f"{figure.name:<27}  {_number(figure.value):>8} {figure.unit:<8}  {figure.how}".rstrip()
        )
        sys.stdout.flush()
    return Exit.EXPECTED


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def machine() -> dict[str, str]:
    """What the figures depend on."""
    model = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        model = next(names, "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %z"),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": f"{cores} x {model or platform.machine()}",
        "python": platform.python_version(),
        "user": "root" if os.geteuid() == 0 else "not root",
    }


# ---- without a wire ------------------------------------------------------------------------------


def _without_a_wire(cases: Sequence[Case], share: int) -> Iterator[Figure]:
    walls = [_help() for _ in range(max(3, 20 // share))]
    yield Figure("--help", statistics.median(walls) * 1000, "ms", f"median of {len(walls)}")
    yield from bench_start.reading(_SMALL, max(3, 20 // share))
    with Stopwatch() as clock:
        found, _ = load([shipped()], None, vocabulary())
    yield Figure("collection", clock.wall * 1000, "ms", f"{len(found)} cases, fragments too")
    with open_target("reference") as target:
        plan = choose(map(Chosen, cases), target.profile, known=target.deviations)
        with Stopwatch() as clock:
            records = play_all(target, plan.jobs)
    rate = len(records) / clock.wall
    yield Figure("reference", rate, "cases/s", f"{len(records)} cases in {clock.wall:.2f} s")


def _help() -> float:
    with Stopwatch() as clock:
        output_of([*COMMAND, "--help"], "--help")
    return clock.wall


# ---- live ----------------------------------------------------------------------------------------


def _live(cases: Sequence[Case], share: int) -> Iterator[Figure]:
    by_id = {case.id: case for case in cases}
    missing = [id for id in (_SMALL, _WHOLE) if id not in by_id]
    if missing:
        raise CaseError(f"the shipped cases have no {' and no '.join(missing)}")
    yield from _reaction(cases, 400 // share)
    yield from bench_start.playing(_SMALL, max(3, 20 // share))
    yield from _cost(by_id[_SMALL], 100 // share)
    with open_target("linux") as target:
        jobs = [Job(by_id[_WHOLE]) for _ in range(200 // share)]
        with Stopwatch() as clock:
            records = play_all(target, jobs)
        ended = ended_as(map(outcome_of, records))
        yield Figure(f"{len(jobs)} handshake-and-close", clock.wall, "s", f"live, at once; {ended}")
    yield from _everything(cases)
    yield _memory()


def _reaction(cases: Sequence[Case], times: int) -> Iterator[Figure]:
    """Cases in which one of our segments answers another, the shortest of them, one at a time."""
    with open_target("linux") as target:
        prompt = [case for case in cases if any(answering(case))]
        prompt.sort(key=lambda case: least(case, target.profile))
        jobs = [Job(case) for case in prompt[:_KINDS]]
        rounds = max(1, times // len(jobs)) if jobs else 0
        records = [record for _ in range(rounds) for record in play_all(target, jobs, 1)]
    answers = sorted(took * 1e6 for record in records for took in reactions(record))
    if answers:
        how = f"kernel's stamp of what came to our answer, {len(answers)} answers, one case at once"
        yield Figure("reaction, median", statistics.median(answers), "us", how)
        yield Figure("reaction, p99", answers[int(len(answers) * 0.99)], "us", "the same")


def answering(case: Case) -> Iterator[Step]:
    """The segments of ours that answer one of the target, which answered one of ours."""
    kinds = [type(step) for step in case.all_steps]
    for i, step in enumerate(case.all_steps[2:], 2):
        if kinds[i - 2 : i + 1] == [Send, Expect, Send] and step.after is None:
            yield step


def reactions(record: Record) -> Iterator[float]:
    """The times from what came to our answer, where the answer had nothing else to wait for."""
    answers = list(answering(record.case))
    told = [entry for entry in record.entries if entry.what is not What.STATE]
    for came, sent in pairwise(told):
        answer = sent.what is What.SENT and any(sent.step is step for step in answers)
        if answer and came.what is What.RECEIVED:
            yield sent.at - came.at


def _cost(case: Case, times: int) -> Iterator[Figure]:
    """One by one; the processor's time is known when the children have ended."""
    with Stopwatch() as clock, open_target("linux") as target, Stopwatch() as inner:
        records = play_all(target, [Job(case) for _ in range(times)], 1)
    own = sum(record.length for record in records)
    how = f"{times} times {case.id}, one at a time"
    yield Figure(
        "a live case, wall", (inner.wall - own) / times * 1000, "ms", f"beside waits; {how}"
    )
    yield Figure("a live case, processor", clock.cpu / times * 1000, "ms", f"with children; {how}")


def _everything(cases: Sequence[Case]) -> Iterator[Figure]:
    with open_target("linux") as target:
        plan = choose(map(Chosen, cases), target.profile, known=target.deviations)
        ends: list[tuple[float, str, Outcome]] = []  # no record is kept, for a run keeps none
        with Stopwatch() as clock:
            play(
                target,
                plan.jobs,
                lambda _, one: ends.append((one.length, one.id, outcome_of(one))),
            )
    ended = f"{ended_as(outcome for _, _, outcome in ends)}; {len(plan.slow)} slow ones left out"
    yield Figure(f"all {len(ends)} cases", clock.wall, "s", f"live, both IP versions; {ended}")
    longest, id, _ = max(ends, key=lambda end: end[0])
    yield Figure("the longest of them", longest, "s", id)
    yield Figure("memory, all cases", peak() / 1024, "MiB", "peak of our process")


def _memory() -> Figure:
    code = "from conformance.commands.bench import hundred_at_once; hundred_at_once()"
    peak = output_of([sys.executable, "-c", code], "100 cases at once")
    return Figure("memory, 100 at once", float(peak) / 1024, "MiB", "peak of our process")


def hundred_at_once() -> None:
    """Play a hundred cases at once and print this process's peak in KiB."""
    case = next(one.case for one in chosen([_WHOLE]))
    with open_target("linux") as target:
        play_all(target, [Job(case) for _ in range(100)], 100)
    say(str(peak()))
