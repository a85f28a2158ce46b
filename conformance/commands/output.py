"""How the commands speak: results on the standard output, everything else on the other."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

from conformance.errors import ConformanceError


class Unwritten(ConformanceError):
    """The standard output cannot be written; a pipe that nobody reads is another matter."""


class _Checked:
    """A stream whose errors have an owner."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: Final = stream

    def write(self, text: str) -> int:
        with _owned():
            return self._stream.write(text)

    def flush(self) -> None:
        with _owned():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _owned() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritten(f"the standard output cannot be written: {error.strerror}") from None


@contextmanager
def checked_stdout() -> Iterator[None]:
    """Tell what fails in writing the standard output from all other failures."""
    stream = sys.stdout
    sys.stdout = cast(TextIO, _Checked(stream))
    try:
        yield
    finally:
        sys.stdout = stream


def forget_stdout() -> None:
    """Have the interpreter's last flush go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def say(text: str) -> None:
    """A line, or lines, of the result."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def note(text: str) -> None:
    """A line about the result."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")


def say_json(value: Any) -> None:
    """The result for another program."""
    say(json.dumps(value, indent=2))


def in_color() -> bool:
    """Whether the result goes to somebody's eyes (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def slow_line(count: int) -> str:
    """What was left out, and how to have it."""
    cases = "1 slow case was" if count == 1 else f"{count} slow cases were"
    return f"{cases} left out; --slow plays them too"
