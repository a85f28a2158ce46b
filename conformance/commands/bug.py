"""What nobody foresaw: a bug of the harness. It is no verdict, so it has an exit status of its own.

The traceback is kept in a file that nobody else could have made or can read; what is said is two
lines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from conformance import __version__

STATUS: Final = 70  # EX_SOFTWARE of sysexits.h


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
