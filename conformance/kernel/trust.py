"""Whether what lies in the cache may be executed: only if nobody else could have put it there.

Rules:

- From the cache's own directory down to the file, everything belongs to this user or to root, is
  no link and cannot be written by a group or by everybody.
- What is above is the user's own choice. A binary that is named by its path is, too.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from conformance.errors import EnvironmentProblem

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_ELSEWHERE: Final = "XDG_CACHE_HOME names another place"


def problem(cache: Path, place: Path) -> str:
    """Why what is there may not be executed; empty when it may, or when it is no part of the cache.

    What does not exist is no problem, nor is anything below it.
    """
    if not place.is_relative_to(cache):
        return ""
    for part in [cache, *(cache / one for one in _steps(place.relative_to(cache)))]:
        try:
            facts = os.lstat(part)
        except OSError:
            return ""
        if facts.st_uid not in (os.geteuid(), 0):
            return f"{part} belongs to another user (uid {facts.st_uid}); {_ELSEWHERE}"
        if stat.S_ISLNK(facts.st_mode):
            return f"{part} is a link, and others may decide where it leads; {_ELSEWHERE}"
        if facts.st_mode & _OTHERS:
            return f"{part} can be written by others: chmod go-w {part}, if nobody has"
    return ""


def _steps(place: Path) -> list[Path]:
    return [one for one in (*reversed(place.parents), place) if one != Path()]


def require(cache: Path, place: Path) -> None:
    """Raise EnvironmentProblem, in words, for what may not be executed."""
    if told := problem(cache, place):
        raise EnvironmentProblem(f"Nothing of the cache is executed: {told}.")


def make(cache: Path, place: Path) -> None:
    """Have the directory, which nobody else can write; OSError, EnvironmentProblem."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    for part in [cache, *(cache / one for one in _steps(place.relative_to(cache)))]:
        try:
            part.mkdir()
        except FileExistsError:
            continue
        part.chmod(0o755)  # whatever the umask
    require(cache, place)
