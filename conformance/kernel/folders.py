"""Directories of one run: gone after it, however it ends.

Rules:

- While the run goes on, a file in it is locked; the lock ends with the process. So what SIGKILL
  leaves is removed by the next run of the same user. (A process number may be another's by then,
  or one of another container.)
- The name is the first free number. No guest sees it, nor would it be the same again.
- What belongs to another user is never looked into.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO, Final

from conformance.errors import EnvironmentProblem
from conformance.kernel import init

LOCK: Final = "lock"  # says which process it was, for people


@contextlib.contextmanager
def temporary(prefix: str) -> Iterator[Path]:
    """One that a guest may be told of."""
    with contextlib.ExitStack() as stack:
        home = Path("/tmp")
        try:
            home = _home()
            folder = stack.enter_context(numbered(home, prefix))
        except OSError as error:
            raise EnvironmentProblem(
                f"A guest needs a temporary directory, and {home} cannot be written: "
                f"{error.strerror}."
            ) from None
        yield folder


def is_hidden(place: Path) -> bool:
    """Whether a guest cannot see it: it has file systems of its own there."""
    return any(place.is_relative_to(own) for own in init.OWN)


def _home() -> Path:
    """TMPDIR, unless the guest has its own there."""
    home = Path(tempfile.gettempdir()).resolve()
    return Path("/tmp") if is_hidden(home) else home


@contextlib.contextmanager
def numbered(home: Path, prefix: str) -> Iterator[Path]:
    """The first free one there; raises OSError where none can be made."""
    for left in home.glob(f"{prefix}*"):
        _sweep(left)
    folder = next(path for n in count() if _made(path := home / f"{prefix}{n}"))
    try:
        lock = _lock(folder)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    with lock:
        try:
            yield folder.resolve()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _made(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return False
    return True


def _lock(folder: Path) -> IO[str]:
    """The file, locked before anyone can see it."""
    new = folder / f"{LOCK}.new"
    lock = new.open("w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.write(str(os.getpid()))
    lock.flush()
    new.rename(folder / LOCK)
    return lock


def _sweep(folder: Path) -> None:
    """Remove it if it is this user's and its process is gone."""
    # Gone by now, or of another process that is at this very work: no matter of ours.
    with contextlib.suppress(OSError):
        if folder.lstat().st_uid != os.geteuid():
            return
        with (folder / LOCK).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat()):
                shutil.rmtree(folder, ignore_errors=True)
