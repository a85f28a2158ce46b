"""What the tests of the harness's side share: target files around the liar, and who is left."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from conformance.case.load import load
from conformance.case.model import Case
from conformance.play.profile import Ability
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.files.model import ClockKind, Control, ResetKind, TargetFile, WireKind
from conformance.targets.kinds.glue import open_file

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1] / "cases"
ABLE: Final = frozenset(
    {Ability.CALLS, Ability.STATE, Ability.ACTIVE_OPEN, Ability.IPV6, Ability.ICMP, Ability.INFO}
)
VIRTUAL, REAL, CALL, PROCESS = ClockKind.VIRTUAL, ClockKind.REAL, ResetKind.CALL, ResetKind.PROCESS
MARK: Final = "CONFORMANCE_TEST_MARK"
BOUND: Final = 60.0  # seconds; nothing here takes one, only a failure waits so long


def cases(*places: str) -> list[Case]:
    """The shipped cases below these places."""
    found, faults = load([ROOT / place for place in places], ROOT)
    assert not faults
    return found


def liar(
    *faults: str,
    clock: ClockKind = VIRTUAL,
    reset: ResetKind = PROCESS,
    wire: WireKind = WireKind.FD,
    program: str = "liar.py",
    prefix: Sequence[str] = (),
    abilities: frozenset[Ability] = ABLE,
    control: Control = Control.AGENT,
    options: dict[str, str] | None = None,
) -> TargetFile:
    """The reference behind a glue program, with these faults; every process of it is marked."""
    return TargetFile(
        path=HERE / "liar.yaml",
        name="liar",
        command=(*prefix, sys.executable, str(HERE / program), *faults),
        clock=clock,
        reset=reset,
        wire=wire,
        control=control,
        abilities=abilities,
        options=options or {},
        msl=120.0,
        response=0.9,
        environment={MARK: uuid4().hex},
    )


def play(file: TargetFile, jobs: Sequence[Job]) -> list[tuple[Job, Record]]:
    """Every job on the target of this file, to its end; nothing of it is left then."""
    ended: list[tuple[Job, Record]] = []
    with open_file(file) as target:
        target.run(jobs, lambda job, record: ended.append((job, record)))
    assert left(file) == []
    assert sorted(map(_key, jobs)) == sorted(_key(job) for job, _ in ended)
    return ended


def _key(job: Job) -> tuple[str, int]:
    return job.case.id, job.ip


def outcome(file: TargetFile, id: str = "smoke/handshake", ip: int = 4) -> tuple[Outcome, str]:
    """How one case ends on it, and why."""
    (case,) = (one for one in cases(id.partition("/")[0]) if one.id == id)
    ((_, record),) = play(file, [Job(case, ip)])
    assert record.verdict is not None
    return record.verdict.outcome, record.verdict.reason


def left(*files: TargetFile) -> list[str]:
    """The processes of the files' programs, and of theirs, that still run."""
    marks = {f"{MARK}={file.environment[MARK]}".encode() for file in files}
    return [words for words, environment in _processes() if marks & {*environment.split(b"\0")}]


def none_left(*files: TargetFile) -> bool:
    """Whether all of them end by themselves."""
    deadline = time.monotonic() + BOUND
    while left(*files) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not left(*files)


def _processes() -> Iterator[tuple[str, bytes]]:
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and int(place.name) != os.getpid():
            try:
                environment = (place / "environ").read_bytes()
                words = (place / "cmdline").read_bytes().replace(b"\0", b" ")
                yield words.decode(errors="replace"), environment  # they may be anybody's
            except OSError:
                continue
