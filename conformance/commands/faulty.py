"""``conformance mutate [FAULT...]``: which wrong TCPs does the set of cases let pass?

The set is played on the reference with one named fault each (:mod:`conformance.sim.faults`), each
in a process of its own, as many at once as there are processors. Only cases that pass the place of
the fault are played (:mod:`conformance.commands.hunts`). The first that does not pass, or that
remarks on what only a SHOULD asks for, kills it. A stack that crashes or hangs is killed by the
case that it fell in.
"""

from __future__ import annotations

import json
import os
import signal
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from conformance.commands import altered
from conformance.commands.altered import apart, with_edits
from conformance.commands.choice import chosen, each_once
from conformance.commands.hunts import ISN_OF, WRONG, Hunt, hunts
from conformance.commands.output import note, say
from conformance.errors import CaseError
from conformance.exits import Exit
from conformance.notation.scanner import suggest
from conformance.sim.changes import drawn
from conformance.sim.faults import WrongTcp
from conformance.sim.faults import faults as all_faults
from conformance.targets.base import Job

_LIKELIEST = 100  # cases that are played once more, with a SYN at the end of the numbers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class End:
    """How one fault ended: the case that killed it, and how; both empty where it survives."""

    fault: WrongTcp
    case: str = ""
    how: str = ""


def faults(args: Namespace) -> int:
    """Say what survives: 0 when nothing does that an observer could tell, 1 when something does."""
    known = drawn(args.changes) if args.changes else all_faults()
    wanted = named(args.faults, known, "fault")
    if args.list:
        for fault in wanted:
            say(f"{fault.name}: {fault.about}")
        return Exit.EXPECTED
    killed = survived = excused = 0
    for end in play(hunts(wanted, jobs_of(args.cases))):
        killed += bool(end.case)
        excused += not end.case and bool(end.fault.equivalent)
        survived += not end.case and not end.fault.equivalent
        _tell(end, as_json=args.json)
    told = f"{len(wanted)} wrong TCPs: {killed} found, {survived} not"
    note(told + (f", {excused} that no observer can tell from a right one" if excused else ""))
    return Exit.found(survived)


def named(names: Sequence[str], known: Mapping[str, T], kind: str) -> list[T]:
    """Those of the names; all if there are none. CaseError for a name that is none."""
    for name in names:
        if name not in known:
            raise CaseError(f"unknown {kind} {name!r}: {suggest(name, known) or 'see --list'}")
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


def jobs_of(paths: Sequence[str]) -> list[Job]:
    """The cases over IPv4, then over IPv6."""
    jobs = [Job(case, ip) for case in each_once(chosen(paths)) for ip in (4, 6)]
    return sorted(jobs, key=lambda job: job.ip)


def _tell(end: End, *, as_json: bool) -> None:
    fault = end.fault
    if as_json:
        row = {"fault": fault.name, "about": fault.about, "killed_by": end.case, "how": end.how}
        say(json.dumps({**row, "equivalent": fault.equivalent}))
    elif end.case:
        say(f"found     {fault.name}: by {end.case} ({end.how})")
    elif fault.equivalent:
        say(f"is right  {fault.name}: {fault.equivalent}")
    else:
        say(f"SURVIVES  {fault.name}: {fault.about}")


def play(hunting: Sequence[Hunt]) -> Iterator[End]:
    """Each fault's end, as it comes."""
    for hunt, lines, end in apart(hunting, _hunt):
        fault = hunt.fault
        *_, last = lines or [""]
        if last.startswith("{"):
            told = json.loads(last)
            yield End(fault, told["case"], told["how"])
        else:
            yield End(fault, last or "the first case", f"the stack {end}")


def _hunt(hunt: Hunt, pipe: int) -> None:
    """Play until a case finds the fault. Each case is named before it is played, the last killed it
    if nothing more is said: the process has died, or SIGPROF ended a loop without end.
    """
    kinds = with_edits([hunt.fault.edit])
    plays = [(job, ISN_OF[job.ip]) for job in hunt.jobs]
    plays += [(job, "syn") for job in hunt.jobs[:_LIKELIEST]]
    told = {"case": "", "how": ""}
    for job, isn in plays:
        record = played(kinds.Reference(kinds.ISNS[isn]), job, pipe)
        if record.verdict.outcome in WRONG or record.verdict.reason:
            told = {"case": record.id, "how": reason(record)}
            break
    os.write(pipe, json.dumps(told).encode() + b"\n")


def played(target: Any, job: Job, pipe: int) -> Any:
    """The record of a job that is named in the pipe first, and that SIGPROF bounds."""
    os.write(pipe, f"{job.case.id} IPv{job.ip}\n".encode())
    signal.setitimer(signal.ITIMER_PROF, altered.HANGS)
    return target.play(job)


def reason(record: Any) -> str:
    """Why it did not pass, in a line."""
    failure = record.verdict.failure
    return f"{record.verdict.outcome}: {failure.message if failure else record.verdict.reason}"
