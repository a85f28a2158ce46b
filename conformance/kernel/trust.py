"""Whether what lies in the cache may be executed: only if nobody else could have put it there.

Rules:

- From the cache's own directory down to the file, and all below where that is a directory, belongs
  to this user or to root and cannot be written by a group or by everybody.
- A link on the way, above the cache too, belongs to one of the two, and so does what it leads to.
- A binary that is named by its path is the user's own choice.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Final

from conformance.errors import EnvironmentProblem

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_ELSEWHERE: Final = "XDG_CACHE_HOME names another place"
_LINKS: Final = 40  # as many as the kernel follows
_EVERYBODY: Final = "4294967295"  # user numbers that a machine has, where none is left out


def problem(cache: Path, place: Path, *, below: bool = False) -> str:
    """Why what is there may not be executed; empty when it may, or when it is no part of the cache.

    What does not exist is no problem, nor is anything below it. ``below``: all that is in it too.
    """
    place, cache = Path(os.path.abspath(place)), Path(os.path.abspath(cache))
    if not place.is_relative_to(cache):
        return ""
    way = [cache, *(cache / one for one in _steps(place.relative_to(cache)))]
    with suppress(OSError):
        found = chain(_of_links(cache), map(_of_one, way), _of_all(place) if below else ())
        return next(filter(None, found), "")
    return ""


def _of_one(part: Path) -> str:
    """What is wrong with it, as a link and as what that leads to."""
    for facts in (os.lstat(part), os.stat(part)):
        link = stat.S_ISLNK(facts.st_mode)
        if facts.st_uid not in (os.geteuid(), 0):
            what = "is a link of" if link else "belongs to"
            return f"{part} {what} another user (uid {facts.st_uid}); {_ELSEWHERE}"
        if facts.st_mode & _OTHERS and not link:
            return f"{part} can be written by others: chmod go-w {part}, if nobody has"
    return ""


def _of_all(place: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(place):
        for name in (*folders, *names):
            with suppress(FileNotFoundError):  # a link to nothing
                yield _of_one(Path(folder, name))


def _of_links(cache: Path) -> Iterator[str]:
    """Above the cache only links matter: whoever owns one says where it leads."""
    owners = _owners_of_links()
    for link in _links(cache.parent):
        owner = os.lstat(link).st_uid
        if owner not in owners:
            yield f"{link} is a link of another user (uid {owner}); {_ELSEWHERE}"


def _links(path: Path, most: int = _LINKS) -> Iterator[Path]:
    """The links that are followed on the way to it."""
    for one in (*reversed(path.parents), path):
        if one.is_symlink() and most:
            yield one
            yield from _links(one.parent / os.readlink(one), most - 1)


def _owners_of_links() -> set[int]:
    """This user and root, who is nobody in a user namespace that leaves him out."""
    owners = {os.geteuid(), 0}
    with suppress(OSError, ValueError):
        mapped = Path("/proc/self/uid_map").read_text(encoding="ascii").split()
        if mapped[-1:] != [_EVERYBODY]:
            owners.add(int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="ascii")))
    return owners


def _steps(place: Path) -> list[Path]:
    return [one for one in (*reversed(place.parents), place) if one != Path()]


def require(cache: Path, place: Path, *, below: bool = False) -> None:
    """Raise EnvironmentProblem, in words, for what may not be executed."""
    if told := problem(cache, place, below=below):
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
