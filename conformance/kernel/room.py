"""Where a guest runs: on a processor of its own, its memory where it may be executed."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from conformance.errors import EnvironmentProblem
from conformance.kernel import fence, words


@contextlib.contextmanager
def processor() -> Iterator[int]:
    """A processor that no other guest of this machine has; any if they all have one."""
    allowed = sorted(os.sched_getaffinity(0))
    random.shuffle(allowed)
    for number in allowed:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
            try:
                claim.bind(f"\0tcp-conformance-guest-{number}")
            except OSError:
                continue
            yield number
            return
    yield allowed[0]


def memory(folder: Path, megabytes: int, *, fenced: bool) -> str:
    """Where the guest's memory can be: in the machine's if that is allowed, else on a disk."""
    if fenced:
        (folder / fence.MEMORY).mkdir()
        return f"{words.FOLDER}/{fence.MEMORY}"
    for place in ("/dev/shm", tempfile.gettempdir(), "/tmp"):
        with contextlib.suppress(OSError):
            facts = os.statvfs(place)
            room = facts.f_bavail * facts.f_frsize >> 20
            if not facts.f_flag & os.ST_NOEXEC and room >= megabytes and os.access(place, os.W_OK):
                return place
    raise EnvironmentProblem(
        f"A guest's memory is a file of {megabytes} MB that is executed from, and neither /dev/shm "
        f"nor TMPDIR has the room or allows it."
    )
