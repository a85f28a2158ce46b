"""How the commands speak: results on the standard output, everything else on the other."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from conformance.visible import visible


def say(text: str, *, painted: bool = False) -> None:
    """A line, or lines, of the result; what was ``painted`` was made visible before."""
    text = text if painted else visible(text)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def note(text: str) -> None:
    """A line about the result, never painted."""
    sys.stdout.flush()
    sys.stderr.write(visible(text) + "\n")


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
