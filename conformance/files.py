"""Reading what a user names, and writing what is a user's: no hang, no half of a file.

Rules:

- Only a regular file is read. A pipe, a device or a directory is an OSError at once, whoever put it
  among the files; nothing is ever waited for.
- A file is written beside its place and renamed into it: it is there whole, or as it was. It keeps
  its mode and its owner, and a link stays a link: what it points to is written. What is no regular
  file (a pipe, ``/dev/null``) cannot be replaced and is written as it is.
- A file that grows as a run goes on grows by whole pieces: one that does not fit is taken back.
- What asks whether something is there gets an answer: what cannot be looked at is not there.

``tempfile`` is imported where a file is written: it brings the random numbers and their hashes, and
whoever only reads cases need not wait for them.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Final

_NO_FILE: Final = "neither a file nor a directory"
_USUAL: Final = 0o666  # the mode of a new file, less what the process masks
_MARK: Final = ".conformance-"  # how the name of a file begins that is not in its place yet


def reason(error: OSError) -> str:
    """Why, in the words of this system."""
    return (error.strerror or str(error)).lower()


# ---- asking --------------------------------------------------------------------------------------


def exists(path: str | Path) -> bool:
    """Whether anything is there; no path is too long to be asked for."""
    return os.path.exists(path)


def is_file(path: str | Path) -> bool:
    """Whether a regular file is there."""
    return os.path.isfile(path)


def is_directory(path: str | Path) -> bool:
    """Whether a directory is there."""
    return os.path.isdir(path)


def here() -> Path | None:
    """The working directory; None when it has been deleted."""
    try:
        return Path.cwd()
    except OSError:
        return None


# ---- reading -------------------------------------------------------------------------------------


@contextmanager
def reading(path: str | Path) -> Iterator[BinaryIO]:
    """A regular file; OSError for anything else, before it is opened and after."""
    _must_be_file(os.stat(path), path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        _must_be_file(os.fstat(descriptor), path)
        yield file


def _must_be_file(facts: os.stat_result, path: str | Path) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, _NO_FILE, str(path))


# Python makes room for all that is asked for, before it looks how much there is.
_PIECE: Final = 1 << 16


def read(path: str | Path, most: int = -1) -> bytes:
    """What is in it, no more than ``most`` octets."""
    with reading(path) as file:
        if most < 0:
            return file.read()
        found = bytearray()
        while piece := file.read(min(most - len(found), _PIECE)):
            found += piece
        return bytes(found)


# ---- writing -------------------------------------------------------------------------------------


def write(path: str | Path, octets: bytes) -> None:
    """Have the file be this, or stay as it was when OSError is raised."""
    with writing(path) as file:
        file.write(octets)


def write_text(path: str | Path, text: str) -> None:
    """The same of a text; what is no character of UTF-8 is an escape in it."""
    write(path, text.encode("utf-8", "backslashreplace"))


def try_to_write(path: str | Path) -> None:
    """Raise the OSError that ``write`` would, as far as it can be known; nothing is changed."""
    place = os.path.realpath(path)
    facts = _facts(place)
    if facts is None:
        try_to_write_in(os.path.dirname(place))
    elif stat.S_ISREG(facts.st_mode):
        _must_be_open(place)
        try_to_write_in(os.path.dirname(place))
    else:
        os.close(os.open(place, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))


def is_replaced(path: str | Path) -> bool:
    """Whether ``write`` puts a file in its place, not octets into a pipe or a device."""
    facts = _facts(os.path.realpath(path))
    return facts is None or stat.S_ISREG(facts.st_mode)


def try_to_write_in(folder: str | Path) -> None:
    """Raise the OSError that making a file there would."""
    import tempfile

    descriptor, name = tempfile.mkstemp(prefix=_MARK, dir=folder)
    try:
        os.write(descriptor, b"?")
    finally:
        os.close(descriptor)
        os.unlink(name)


def _must_be_open(place: str) -> None:
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)


@contextmanager
def writing(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to be filled; it takes its place at the end, unless an exception comes first."""
    place = os.path.realpath(path)
    facts = _facts(place)
    if facts is not None and not stat.S_ISREG(facts.st_mode):
        with _as_it_is(place) as file:
            yield file
        return
    if facts is not None:
        _must_be_open(place)
    import tempfile

    descriptor, beside = tempfile.mkstemp(prefix=_MARK, dir=os.path.dirname(place))
    try:
        with open(descriptor, "wb") as file:
            _like(descriptor, facts)
            yield file
            file.flush()
            if facts is not None:  # what was there must not be lost with the power
                os.fsync(descriptor)
        os.replace(beside, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _facts(place: str) -> os.stat_result | None:
    try:
        return os.stat(place)
    except FileNotFoundError:
        return None


def _like(descriptor: int, facts: os.stat_result | None) -> None:
    """Give it the mode and the owner of the file whose place it takes, or those of a new one."""
    if facts is None:
        os.fchmod(descriptor, _USUAL & ~mask())
        return
    with suppress(PermissionError):  # another's file in a directory of ours becomes ours
        os.fchown(descriptor, facts.st_uid, facts.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(facts.st_mode))


def mask() -> int:
    """What this process takes from the mode of a new file."""
    found = os.umask(0o077)  # the only way to read it
    os.umask(found)
    return found


@contextmanager
def _as_it_is(place: str) -> Iterator[IO[bytes]]:
    """A device or a pipe; a pipe that nobody reads is an OSError, not a wait."""
    descriptor = os.open(place, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "wb") as file:
        os.set_blocking(descriptor, True)
        yield file


class Growing:
    """A file that grows piece by piece; what was there before goes with the first."""

    def __init__(self, path: str | Path) -> None:
        """Open it; OSError where it cannot be written."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, _USUAL)
        os.set_blocking(self._descriptor, True)
        self._regular = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        self._size = 0

    def append(self, piece: bytes) -> None:
        """Add a piece; where OSError is raised the file ends after the one before it."""
        if not self._size:
            self._cut()
        left = memoryview(piece)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            self._cut()
            raise
        self._size += len(piece)

    def _cut(self) -> None:
        if self._regular:
            os.ftruncate(self._descriptor, self._size)
            os.lseek(self._descriptor, self._size, os.SEEK_SET)

    def __enter__(self) -> Growing:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
