"""A fence around a guest's process: whatever its kernel is told to do, it writes where it may.

A guest's root is root over there only, but the guest's kernel opens files of this machine for it,
as the user who started it: to mount one file system again is all it takes. So the process:

- is in a mount namespace of its own (and a user namespace, for who is not root), where everything
  is read-only but the directory of the run and those that may be written;
- has none of root's powers but those over the owners and modes of files, and can get none;
- has its memory in a file system of its own.

All this is done in the child, between fork and exec. Where the machine does not allow it, a guest
is started without; :func:`lacking` says why.
"""

from __future__ import annotations

import ctypes
import functools
import os
import select
import signal
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

MEMORY: Final = "memory"  # in the directory of the run

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_BIND, _REC, _PRIVATE = 0x1000, 0x4000, 0x40000
_NOSUID, _NODEV = 2, 4
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _ATTR_RDONLY = 442, -100, 0x8000, 1
_SET_NO_NEW_PRIVS, _CAPBSET_DROP = 38, 24
# CHOWN, DAC_OVERRIDE, FOWNER, FSETID: what makes root's files root's. Not DAC_READ_SEARCH: it opens
# files by their handles, past all mounts, and DAC_OVERRIDE has the rest of it.
_KEPT: Final = (0, 1, 3, 4)
_CAPABILITIES: Final = 64
_TRY: Final = 10.0  # seconds for a process to try it out
_DONE: Final = b"done"
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


@functools.cache
def lacking() -> str:
    """Why a guest cannot be fenced in on this machine; empty when it can."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _leave()
            _read_only("/")
            os.write(write, _DONE)
        except OSError as error:
            os.write(write, str(error.strerror).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as told:
        came, _, _ = select.select([told], [], [], _TRY)
        reason = told.read() if came else f"it took more than {_TRY:g} s".encode()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "" if reason == _DONE else reason.decode() or "the process that tried it out has failed"


def enter(folder: Path, writable: Sequence[Path], megabytes: int) -> None:
    """Fence in this process, which is about to become the guest's; raises OSError.

    ``folder``: the directory of the run, where it works. The memory may be as large as this.
    """
    places = sorted({folder, *writable}, key=lambda place: len(place.parts))
    places = [place for place in places if not _is_read_only(place)]
    _leave()
    for place in places:
        _mount(str(place), str(place), None, _BIND | _REC, None)
    if Path("/") not in places:
        _read_only("/")
        for place in places:
            _set(str(place), 0, clear=_ATTR_RDONLY)
    size = f"mode=700,size={megabytes}m"
    _mount("none", str(folder / MEMORY), "tmpfs", _NOSUID | _NODEV, size)
    os.chdir(folder)  # as it is from here on
    for capability in set(range(_CAPABILITIES)) - set(_KEPT):
        _LIBC.prctl(_CAPBSET_DROP, capability, 0, 0, 0)  # there may be fewer
    _must(_LIBC.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _leave() -> None:
    """Into a mount namespace of our own, by way of a user namespace where root is another."""
    uid, gid = os.geteuid(), os.getegid()
    if _LIBC.unshare(_NEWNS):
        _must(_LIBC.unshare(_NEWUSER | _NEWNS))
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _mount("none", "/", None, _REC | _PRIVATE, None)


def _is_read_only(place: Path) -> bool:
    """Whether it was already, which is not for us to change."""
    return bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def _read_only(place: str) -> None:
    _set(place, _AT_RECURSIVE, to=_ATTR_RDONLY)


def _set(place: str, flags: int, *, to: int = 0, clear: int = 0) -> None:
    attributes = struct.pack("=QQQQ", to, clear, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    path = os.fsencode(place)
    _must(_LIBC.syscall(_MOUNT_SETATTR, _AT_FDCWD, path, flags, attributes, size))


def _mount(what: str, where: str, kind: str | None, flags: int, data: str | None) -> None:
    words: list[Any] = [os.fsencode(word) for word in (what, where)]
    words += [kind.encode() if kind else None, flags, data.encode() if data else None]
    _must(_LIBC.mount(*words))


def _must(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
