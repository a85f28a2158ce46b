"""Where a target's glue program is built, whether it is there, and how to get it.

Each target file has a directory of its own in the user's cache, told apart by the file's path.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from conformance import files, processes
from conformance.errors import EnvironmentProblem
from conformance.kernel import trust
from conformance.kernel.store import cache
from conformance.targets.files.model import TargetFile

GLUE: Final = Path(__file__).resolve().parents[2] / "glue"  # what glue programs stand on
BUILDING: Final = 3600.0  # seconds for all of ``build:``
_ASKING: Final = 30.0  # seconds for dpkg-query, which takes a tenth of one
HOME: Final = Path(__file__).resolve().parents[1]  # the target files that come with the package


def folder(path: Path, name: str) -> Path:
    """``{cache}`` of the target file at ``path``."""
    home = path.parent.resolve()  # one directory, by whatever way it was named
    if home != HOME:
        name = f"{name}-{zlib.crc32(os.fsencode(home / path.name)):08x}"
    return cache() / "targets" / name


def site(file: TargetFile) -> Path:
    """Where ``pip:`` puts the packages."""
    return folder(file.path, file.name) / "site"


def missing(file: TargetFile) -> str:
    """What is not there of what the glue program needs; empty when it can be started."""
    for place in _own(file):
        if not files.exists(place):
            made = bool(file.build) and place.is_relative_to(folder(file.path, file.name))
            return f"{file.name} is not built" if made else f"{file.name} lacks {place}"
    if file.command:
        program = file.command[0]
        if "/" not in program and shutil.which(program) is None:
            return f"{file.name} needs the program {program}"
        if "/" in program and not os.access(program, os.X_OK):
            if files.exists(program):
                return f"{file.name} cannot start: {program} may not be executed: chmod +x"
            return f"{file.name} cannot start: {program} is not there"
    return ""


def _own(file: TargetFile) -> list[Path]:
    """The places below the file or its cache that its words name."""
    homes = (file.path.absolute().parent, folder(file.path, file.name))
    words = [*file.command]
    for value in file.environment.values():
        words += value.split(os.pathsep)
    return [Path(word) for word in words for home in homes if Path(word).is_relative_to(home)]


def stale(file: TargetFile) -> str:
    """The source that is newer than what was built of it; empty when none is."""
    home = folder(file.path, file.name)
    results = [place for place in _own(file) if place.is_relative_to(home) and files.is_file(place)]
    if not results:
        return ""
    oldest = min(place.stat().st_mtime for place in results)
    newer = (source for source in _sources(file, home) if source.stat().st_mtime > oldest)
    return str(next(newer, ""))


def _sources(file: TargetFile, home: Path) -> Iterator[Path]:
    """What ``build:`` names outside of the cache, and the headers beside it."""
    for word in file.build:
        source = Path(word)
        if not source.is_absolute() or source.is_relative_to(home):
            continue
        if files.is_directory(source):
            yield from filter(Path.is_file, sorted(source.iterdir()))
        elif files.is_file(source) and not os.access(source, os.X_OK):
            yield source
            yield from sorted(source.parent.glob("*.h"))


def require(file: TargetFile) -> None:
    """Raise EnvironmentProblem, which says how to get it, when the glue cannot be started."""
    check_trust(file)
    problem = missing(file)
    if problem:
        raise EnvironmentProblem(f"{problem}: {remedy(file)}" if remedy(file) else problem)


def check_trust(file: TargetFile) -> None:
    """Raise EnvironmentProblem where another could have put there what the file names."""
    trust.require(cache(), folder(file.path, file.name))
    for place in _own(file):
        trust.require(cache(), place, below=True)


def remedy(file: TargetFile) -> str:
    """How to get what is missing, in commands."""
    steps = packages(file)
    if file.build:
        steps.append(f"conformance target build {shown(file)}")
    elif file.pip:
        steps.append(shlex.join(["pip", "install", *file.pip]))
    return ", then ".join(steps)


def packages(file: TargetFile) -> list[str]:
    """The command that installs the Debian packages that are not there, if there are any."""
    absent = _absent(file.packages)
    return [shlex.join(["apt-get", "install", *absent])] if absent else []


def _absent(wanted: Sequence[str]) -> list[str]:
    """Those that are not installed; all where nobody can tell."""
    words = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted]
    try:
        done = processes.run(
            words,
            _ASKING,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return list(wanted)
    there = done.stdout.decode(errors="replace").splitlines()
    return [name for name in wanted if f"{name} installed" not in there]


def shown(file: TargetFile) -> str:
    """The target as a person names it on a command line."""
    return file.name if file.path.absolute().parent == HOME else str(file.path)


def build(file: TargetFile) -> None:
    """Run the file's ``build:``; what it prints goes to the standard error.

    Raises EnvironmentProblem with the packages that may be missing when it fails.
    """
    place = folder(file.path, file.name)
    try:
        trust.make(cache(), place)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EnvironmentProblem(
            f"{place} cannot be made: {reason}; XDG_CACHE_HOME names another place"
        ) from None
    hint = "".join(f"; it needs: {step}" for step in packages(file))
    try:
        done = processes.run(
            file.build,
            BUILDING,
            cwd=file.path.absolute().parent,
            env={**os.environ, **file.environment},
            stdin=subprocess.DEVNULL,
            stdout=2,
            umask=files.mask() | 0o022,  # what others could write is never executed
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentProblem(
            f"{file.name} is not built: {file.build[0]} has not ended within {BUILDING:g} s"
        ) from None
    except OSError as error:
        # Where a directory of PATH may not be searched, execvp() says that, not what is missing.
        there = "/" in file.build[0] or shutil.which(file.build[0])
        reason = os.strerror(error.errno if there and error.errno else errno.ENOENT).lower()
        raise EnvironmentProblem(f"{file.build[0]} cannot be run: {reason}{hint}") from None
    if done.returncode:
        status = f"status {done.returncode}" if done.returncode > 0 else "a signal"
        raise EnvironmentProblem(
            f"{file.name} is not built: {file.build[0]} ended with {status}{hint}"
        )
    if problem := missing(file):
        raise EnvironmentProblem(f"the build ended well, and yet {problem}")
