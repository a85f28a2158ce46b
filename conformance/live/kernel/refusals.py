"""Why a namespace does not have a sysctl as it was asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from conformance.errors import EnvironmentProblem

_OCTAL: Final = re.compile(r"0[0-7]+")
_LACKS: Final = (
    "not in this kernel, or not loaded",
    "not permitted in a namespace",
    "read-only in a namespace",
)
_REASONS: Final = {
    **dict(zip(("ENOENT", "EPERM", "EACCES"), _LACKS, strict=True)),
    "EINVAL": "not a value it takes",
}


class SettingRefused(EnvironmentProblem):
    """The target's kernel does not let its namespace have this setting.

    ``lacks``: it has not got it, or may not have it here; else it does not take the value.
    """

    def __init__(self, name: str, value: str, reason: str) -> None:
        super().__init__(f"The target's kernel refuses {name}: {reason}.")
        self.name, self.value, self.reason = name, value, reason
        self.lacks = reason in _LACKS


def refusal(answer: Mapping[str, Any], value: str) -> str | None:
    """Why a sysctl is not what it was set to, or None."""
    if "errno" in answer:
        return _REASONS.get(answer["errno"], str(answer["errno"]))
    read = str(answer.get("text")).split()
    if list(map(_plain, read)) != list(map(_plain, value.split())):
        return f"it reads {answer.get('text')} after {value} was written"
    return None


def _plain(word: str) -> str | int:
    """A number however it is spelt: 0x3, 03 and 3 are one to a kernel."""
    if _OCTAL.fullmatch(word):
        return int(word, 8)
    try:
        return int(word, 0)
    except ValueError:
        return word
