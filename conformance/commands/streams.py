"""The standard streams of a command, whatever they are: closed, full, in an encoding that is small.

Rules:

- What fails in writing the standard output is told from all other failures: :class:`Unwritten`.
- What cannot be written to the standard error is lost; the exit status says the rest.
- A stream that is closed is none that the next file could become.
- A character that the stream's encoding lacks is written as an escape.
- So is what a terminal would obey and no reader would see, whoever wrote it; on a terminal the
  colours stay.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Final, TextIO, cast

from conformance.errors import ConformanceError
from conformance.visible import visible, visible_on_terminal


class LostOutput(ConformanceError):
    """The standard output cannot be written; a pipe that nobody reads is another matter."""


class _Stream:
    """A text stream that has a way to write every character."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: Final = stream
        self._visible = visible_on_terminal if stream.isatty() else visible

    def write(self, text: str) -> int:
        text = self._visible(text)
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            escaped = text.encode(encoding, "backslashreplace").decode(encoding)
            return self._stream.write(escaped)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Output(_Stream):
    """The standard output: its errors have an owner."""

    def write(self, text: str) -> int:
        with _owned():
            return super().write(text)

    def flush(self) -> None:
        with _owned():
            self._stream.flush()


class _Errors(_Stream):
    """The standard error: what it cannot take goes nowhere."""

    def write(self, text: str) -> int:
        with self._lenient():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._lenient():
            self._stream.flush()

    @contextmanager
    def _lenient(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError:
            _forget(self._stream)


@contextmanager
def _owned() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LostOutput(f"the standard output cannot be written: {error.strerror}") from None


@contextmanager
def checked() -> Iterator[None]:
    """Have both streams as the rules say."""
    _fill_closed()
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast(TextIO, _Output(out)), cast(TextIO, _Errors(err))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err


def _fill_closed() -> None:
    """Give each descriptor that is closed to what can be read to its end at once, not written."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)  # the lowest that is free
    if sys.stdin is None:
        sys.stdin = cast(TextIO, _opened(0, "r"))
    if sys.stdout is None:
        sys.stdout = cast(TextIO, _opened(1, "w"))
    if sys.stderr is None:
        sys.stderr = cast(TextIO, _opened(2, "w"))


def _opened(number: int, mode: str) -> IO[str]:
    return open(number, mode, encoding="utf-8", closefd=False, buffering=1)


def forget_stdout() -> None:
    """Have the interpreter's last flush go nowhere."""
    _forget(sys.stdout)


def _forget(stream: TextIO) -> None:
    with suppress(OSError):  # no descriptor of this process: no last flush either
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
