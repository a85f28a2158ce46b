"""``conformance mutate [FAULT...]``: which wrong TCPs does the set of cases let pass?

The set is played on the reference with one named fault each (:mod:`conformance.sim.faults`), each
in a process of its own, as many at once as there are processors. Only cases that pass the place of
the fault are played (:mod:`conformance.commands.hunts`); the first that fails kills it. A stack
that crashes or hangs is killed by the case that it fell in.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import select
import signal
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Final, NoReturn

from conformance.commands.choice import chosen, each_once
from conformance.commands.hunts import WRONG, Hunt, hunts
from conformance.commands.output import note, say
from conformance.errors import CaseError
from conformance.notation.scanner import suggest
from conformance.sim.faults import Fault
from conformance.sim.faults import faults as all_faults
from conformance.targets.base import Job

_HANGS: Final = 30  # seconds of a case that never ends, or of a process that falls silent
_ANEW: Final = ("conformance.reference", "conformance.sim", "conformance.targets.kinds.reference")
_CHUNK: Final = 1 << 16
_ENDS: Final[dict[int, str]] = {signal.SIGALRM: "hung", signal.SIGKILL: "fell silent"}


@dataclass(frozen=True, slots=True)
class End:
    """How one fault ended: the case that killed it, and how; both empty where it survives."""

    fault: Fault
    case: str = ""
    how: str = ""


def faults(args: Namespace) -> int:
    """Say what survives: 0 when nothing does that an observer could tell, 1 when something does."""
    wanted = _named(args.faults)
    if args.list:
        for fault in wanted:
            say(f"{fault.name}: {fault.about}")
        return 0
    jobs = [Job(case, ip) for case in each_once(chosen(args.cases)) for ip in (4, 6)]
    jobs.sort(key=lambda job: job.ip)
    killed = survived = excused = 0
    for end in play(hunts(wanted, jobs)):
        killed += bool(end.case)
        excused += not end.case and bool(end.fault.equivalent)
        survived += not end.case and not end.fault.equivalent
        _tell(end, as_json=args.json)
    told = f"{len(wanted)} wrong TCPs: {killed} found, {survived} not"
    note(told + (f", {excused} that no observer can tell from a right one" if excused else ""))
    return int(bool(survived))


def _named(names: Sequence[str]) -> list[Fault]:
    known = all_faults()
    for name in names:
        if name not in known:
            raise CaseError(f"unknown fault {name!r}: {suggest(name, known)}")
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


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


def play(hunting: Iterable[Hunt]) -> Iterator[End]:
    """Each fault's end, as it comes; a process each, as many at once as there are processors."""
    gc.freeze()  # what all of them share stays shared
    queue = list(reversed(list(hunting)))
    running: dict[int, tuple[Fault, int, bytes]] = {}  # by pipe: what, who, what it said
    try:
        while queue or running:
            while queue and len(running) < len(os.sched_getaffinity(0)):
                hunt = queue.pop()
                pipe, pid = _started(hunt)
                running[pipe] = hunt.fault, pid, b""
            ready, _, _ = select.select(list(running), [], [], _HANGS * 4)
            for pipe in ready or list(running):
                fault, pid, said = running[pipe]
                octets = os.read(pipe, _CHUNK) if pipe in ready else b""
                if octets:
                    running[pipe] = fault, pid, said + octets
                    continue
                del running[pipe]
                yield _end(fault, pid, pipe, said)
    finally:
        for pipe, (_, pid, _) in running.items():
            _reap(pid, pipe)


def _end(fault: Fault, pid: int, pipe: int, said: bytes) -> End:
    status = _reap(pid, pipe)
    *_, last = said.decode(errors="replace").splitlines() or [""]
    if last.startswith("{"):
        told = json.loads(last)
        return End(fault, told["case"], told["how"])
    end = _ENDS.get(os.WTERMSIG(status), "crashed")
    return End(fault, last or "the first case", f"the stack {end}")


def _reap(pid: int, pipe: int) -> int:
    """How it ended, by its status; who has not is killed, which changes nobody's end."""
    os.close(pipe)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _started(hunt: Hunt) -> tuple[int, int]:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _hunt(hunt, theirs)
    os.close(theirs)
    return ours, pid


def _hunt(hunt: Hunt, out: int) -> NoReturn:
    """Play until a case finds the fault. Each case is named before it is played, the last killed it
    if nothing more is said: the process has died, or SIGALRM ended a loop without end.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whatever our caller has of its own
    try:
        kinds = with_fault(hunt.fault)
        target = kinds.Reference(kinds.ISNS["wrapping"])
        told = {"case": "", "how": ""}
        for job in hunt.jobs:
            os.write(out, f"{job.case.id} IPv{job.ip}\n".encode())
            signal.alarm(_HANGS)
            record = target.play(job)
            if record.verdict.outcome in WRONG:
                failure = record.verdict.failure
                how = failure.message if failure else record.verdict.reason
                told = {"case": record.id, "how": f"{record.verdict.outcome}: {how}"}
                break
        os.write(out, json.dumps(told).encode() + b"\n")
    finally:
        os._exit(0)  # a traceback would be the fault's own


def with_fault(fault: Fault) -> ModuleType:
    """The target of the reference, imported anew with the fault in it, in this process for good."""
    sys.meta_path.insert(0, _Finder(fault))
    for module in [one for one in sys.modules if one.startswith(_ANEW)]:
        if not module.startswith("conformance.sim.faults"):
            del sys.modules[module]
    return importlib.import_module("conformance.targets.kinds.reference")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the module that has the fault."""

    def __init__(self, fault: Fault) -> None:
        self._name = f"conformance.reference.{fault.place}"
        found = importlib.util.find_spec(self._name)
        assert found is not None
        assert found.origin is not None
        self._loader = _Loader(self._name, found.origin, fault)

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self._loader)


class _Loader(importlib.machinery.SourceFileLoader):
    """Gives its text with the fault in it, never from a cache."""

    def __init__(self, name: str, path: str, fault: Fault) -> None:
        super().__init__(name, path)
        self._fault = fault

    def get_code(self, fullname: str) -> CodeType:
        text = self.get_data(self.path).decode()
        return compile(self._fault.applied(text), self.path, "exec")
