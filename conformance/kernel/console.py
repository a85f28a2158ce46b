"""What kernels say, kept in a file or shown: by whole lines, each with the guest that said it.

Rules:

- It is written as it comes, so that it is there when a guest hangs; however a run ends.
- The lines of two guests stand between each other; without the name before them, each guest's
  own are as that kernel said them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from conformance.errors import CaseError, EnvironmentProblem

SHOWN: Final = "-"  # on the standard error


class Console:
    """Where the words of one run's kernels go."""

    def __init__(self, place: str) -> None:
        """Raises CaseError for what cannot be written."""
        self._place, self._stack, self._numbers = place, ExitStack(), count(1)
        try:
            self._stream: IO[bytes] = sys.stderr.buffer if place == SHOWN else self._opened()
        except OSError as error:
            raise CaseError(f"--console {place} cannot be written: {_reason(error)}") from None

    def _opened(self) -> IO[bytes]:
        return self._stack.enter_context(Path(self._place).open("wb", buffering=0))

    def guest(self, name: str = "") -> Callable[[bytes], None]:
        """Takes what one guest says, nothing at its end; with a name, each line is told whose."""
        head = f"{name} {next(self._numbers)}: ".encode() if name else b""
        rest = b""

        def hear(data: bytes) -> None:
            nonlocal rest
            *lines, rest = (rest + data).split(b"\n")
            if not data and rest:
                lines, rest = [rest], b""
            self._write(b"".join(head + line.rstrip(b"\r") + b"\n" for line in lines))

        return hear

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[self._stream.write(data) or 0 :]
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise EnvironmentProblem(f"{self._place} cannot be written: {_reason(error)}") from None

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
