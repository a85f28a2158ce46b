"""What nobody foresaw: a bug of the harness. It is no verdict, so it has an exit status of its own.

What a machine has run out of is no bug: :func:`owned` knows those. The traceback of a bug is kept
in a file that nobody else could have made or can read; what is said is two lines.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from conformance import __version__
from conformance.errors import ConformanceError, EnvironmentProblem, Owner
from conformance.exits import Exit

_MACHINE: Final = {
    errno.EMFILE: "ulimit -n allows no more",
    errno.ENFILE: "",
    errno.ENOMEM: "",
    errno.ENOSPC: "",
    errno.EDQUOT: "",
    errno.EIO: "",
}


def owned(error: Exception) -> EnvironmentProblem | None:
    """The machine's part in it, where that is all: it has no more files, memory or room."""
    if isinstance(error, MemoryError):
        return EnvironmentProblem("This machine has no more memory for it.")
    if not isinstance(error, OSError) or error.errno not in _MACHINE:
        return None
    place = f" ({error.filename})" if error.filename else ""
    hint = _MACHINE[error.errno]
    return EnvironmentProblem(
        f"This machine cannot go on: {os.strerror(error.errno).lower()}{place}"
        + (f"; {hint}" if hint else "")
    )


def told(error: BaseException, words: Sequence[str]) -> str:
    """The two lines; ``words`` are the command line that led to it."""
    what = _first_line(error)
    kept = _keep(error, words)
    return f"conformance: a bug of conformance, which says nothing about the TCP: {what}\n{kept}"


def _first_line(error: BaseException) -> str:
    lines = [*str(error).splitlines(), ""]
    return f"{type(error).__name__}: {lines[0][:200]}".removesuffix(": ")


def _keep(error: BaseException, words: Sequence[str]) -> str:
    import tempfile
    import traceback

    text = "".join(
        [
            f"conformance {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n",
            f"{list(words)}\n\n",
            *traceback.format_exception(error),
        ]
    )
    path = ""
    try:
        descriptor, path = tempfile.mkstemp(prefix="conformance-bug-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as problem:
        if path:
            with suppress(OSError):
                os.unlink(path)
        return f"its traceback cannot be kept ({problem.strerror or problem}); {_place(error)}"
    return f"its traceback is kept in {path}: please report it with that"


def _place(error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return f"it was in {frames[-1].filename}:{frames[-1].lineno}" if frames else "nobody saw where"


class Bug(ConformanceError):
    """What is said of one, where others go on."""

    exit_status = Exit.BUG
    owner = Owner.HARNESS


class Bugs:
    """The bugs of a session; of those that are alike one traceback is kept."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._alike: dict[str, str] = {}

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Raise Bug for what nobody foresaw, EnvironmentProblem for what the machine lacks."""
        try:
            yield
        except ConformanceError:
            raise
        except Exception as error:  # noqa: BLE001 - as in the command line
            raise owned(error) or Bug(self._once(error)) from None

    def _once(self, error: Exception) -> str:
        mark = f"{type(error).__name__} {_place(error)}"
        if mark not in self._alike:
            self._alike[mark] = told(error, sys.argv)
            self.told.append(self._alike[mark])
        return self._alike[mark]
