"""Directories of one run: gone after it, however it ends.

Rules:

- A keeper, a small process, waits for the end of the run's process and removes it then, after
  SIGKILL too.
- While the run goes on, a file in it is locked; the lock ends with the process. So what is left
  where the keeper was killed as well is removed by the next run of the same user. (A process number
  may be another's by then, or one of another container.)
- Nobody can tell the name in advance, and nobody else may look in. No guest sees it.
- What belongs to another user is never looked into.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from conformance.errors import EnvironmentProblem
from conformance.kernel.in_guest import init

# Its input ends with who has started it; what still writes there is about to end as well.
_KEEP: Final = """
trap '' INT TERM HUP
read nothing
for again in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$0" && exit; sleep 1; done
"""
LOCK: Final = "lock"  # says which process it was, for people


@contextlib.contextmanager
def temporary(prefix: str) -> Iterator[Path]:
    """One that a guest may be told of."""
    with contextlib.ExitStack() as stack:
        home = Path("/tmp")
        try:
            home = _home()
            folder = stack.enter_context(reserved(home, prefix))
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
def reserved(home: Path, prefix: str) -> Iterator[Path]:
    """One there; raises OSError where none can be made."""
    for left in home.glob(f"{prefix}*"):
        _sweep(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=home)).resolve()
    try:
        with _lock(folder), _kept(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _kept(folder: Path) -> Iterator[None]:
    """Have it removed when this process ends, however it does."""
    import subprocess

    with subprocess.Popen(
        ["/bin/sh", "-c", _KEEP, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    ) as keeper:
        try:
            yield
        finally:
            keeper.kill()


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
