"""What stands in a file that is written whole at the end, until that end.

Rules:

- From the beginning on it says that the run did not end; the end puts the whole in its place. So
  after any end, of SIGKILL too, nobody takes the file of an earlier run for that of this one.
- What is no regular file (a pipe, ``/dev/stdout``) is written once, at the end.
- A file that is somebody's work, and is merged into (``--observed``), is left as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from conformance import files
from conformance.errors import CaseError

RUN: Final = "The run did not end: what it came to is not known."
RECORDS: Final = "The report did not end: what the runs came to is not known."
COMPARISON: Final = "The comparison did not end: what it came to is not known."


def begin(option: str, path: Path, text: str) -> None:
    """Have the text stand there; CaseError where nothing can be written."""
    try:
        files.try_to_write(path)
        if files.is_replaced(path):
            files.write_text(path, text)
    except OSError as error:
        raise CaseError(f"{option} {path} cannot be written: {files.reason(error)}") from None
