"""What a command ends with. Every exit status of this program is a member here, and nowhere else.

A signal's status is 128 and its number, as a shell has it. The pytest plugin ends a session as
pytest does, but for ``BUG``.
"""

from __future__ import annotations

import textwrap
from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """One status; ``means`` says it to a user."""

    means: str

    def __new__(cls, value: int, means: str) -> Exit:
        """A number that carries its meaning."""
        one = int.__new__(cls, value)
        one._value_, one.means = value, means
        return one

    EXPECTED = 0, "all was as expected"
    FAILED = (
        1,
        "a case failed, was blocked or stayed inconclusive; something regressed (`compare`), "
        "survived (`mutate`), is not spelt as it is committed (`fmt --check`) or was set aside "
        "(`--strict`)",
    )
    WRONG = (
        2,
        "faults in a case, a record or the arguments; nothing was judged, because nothing was "
        "selected or all of it skipped",
    )
    BROKEN = 3, "the target or this machine failed"
    BUG = 70, "a bug of conformance itself, no verdict"  # EX_SOFTWARE of sysexits.h
    HUNG_UP = 129, "ended by SIGHUP"
    INTERRUPTED = 130, "ended by Ctrl-C"
    UNREAD = 141, "nobody reads the output"  # as a program that SIGPIPE ended
    TERMINATED = 143, "ended by SIGTERM"

    @classmethod
    def found(cls, anything: object) -> Exit:
        """``FAILED`` where a command has something to say against what it looked at."""
        return cls.FAILED if anything else cls.EXPECTED


_WIDTH: Final = 96


def told() -> str:
    """All of them, as ``--help`` ends."""
    lines = ["exit status:"]
    for one in Exit:
        start = f"  {one:>3}  "
        lines += textwrap.wrap(
            one.means.replace("`", ""),
            _WIDTH,
            initial_indent=start,
            subsequent_indent=" " * len(start),
        )
    return "\n".join(lines)
