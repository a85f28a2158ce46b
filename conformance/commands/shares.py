"""Many files of cases, read by several processes where there are several processors.

Reading is most of what ``list`` does, and of what ``run`` does before its first case. A file is
decoded by itself, so each process reads a share. Whatever ends one of them leaves its share to this
process, which then meets what is wrong with it.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import active_count
from typing import Final, NoReturn

from conformance.case.decode import Known
from conformance.case.faults import Fault, ordered
from conformance.case.load import Asked, Files, Read, listed, read
from conformance.case.model import Case

MANY: Final = 100  # files: fewer are read before a process has begun
PATIENCE: Final = 60.0  # seconds of wall time in which a process that reads says nothing
_MOST: Final = 4  # processes: one puts together what all of them read

_Share = tuple[list[Read], dict[str, str]]  # what each of its files holds, and all their texts


def load(
    paths: Iterable[Path], known: Known, sources: dict[str, str]
) -> tuple[list[Case], list[Fault]]:
    """As ``case.load.load``: the cases in the order of their files, and the faults of all."""
    asked, faults = listed(paths)
    count = _readers() if len(asked) >= MANY else 1
    found: dict[int, Read] = {}
    for number, (told, texts) in enumerate(_shares([asked[n::count] for n in range(count)], known)):
        found |= zip(range(number, len(asked), count), told, strict=True)
        sources |= texts
    in_order = [found[number] for number in range(len(asked))]
    cases = [case for of_file, _ in in_order for case in of_file]
    return cases, list(ordered([*faults, *(fault for _, wrong in in_order for fault in wrong)]))


def _readers() -> int:
    """How many processes may read at once."""
    # A process with threads is not ours to fork, and only Linux tells which processors are ours.
    alone = active_count() > 1 or not hasattr(os, "sched_getaffinity")
    return 1 if alone else min(_MOST, len(os.sched_getaffinity(0)))


def _shares(shares: Sequence[Sequence[Asked]], known: Known) -> Iterator[_Share]:
    """What is in each share; the first is read here, while the others are read elsewhere."""
    running = [_started(share, known) for share in shares[1:]]
    try:
        yield _read(shares[0], known)
        for share in shares[1:]:
            yield _told(*running.pop(0)) or _read(share, known)
    finally:
        for pid, pipe in running:
            os.close(pipe)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _read(share: Sequence[Asked], known: Known) -> _Share:
    files = Files()
    return list(read(share, files, known)), files.sources


def _started(share: Sequence[Asked], known: Known) -> tuple[int, int]:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)  # who kills the reader shall not leave us writing for nobody
        _tell(share, known, theirs)
    os.close(theirs)
    return pid, ours


def _tell(share: Sequence[Asked], known: Known, pipe: int) -> NoReturn:
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        with open(pipe, "wb") as out:
            out.write(pickle.dumps(_read(share, known), pickle.HIGHEST_PROTOCOL))
        os._exit(0)
    finally:
        os._exit(1)  # a traceback would be told twice


def _told(pid: int, pipe: int) -> _Share | None:
    """What a process told, where it came to its end; one that falls silent is killed."""
    pieces: list[bytes] = []
    while heard := select.select([pipe], [], [], PATIENCE)[0]:
        pieces.append(os.read(pipe, 1 << 20))
        if not pieces[-1]:
            break
    os.close(pipe)
    if not heard:
        os.kill(pid, signal.SIGKILL)
    ended = os.waitpid(pid, 0)[1] == 0
    share: _Share | None = pickle.loads(b"".join(pieces)) if ended else None
    return share
