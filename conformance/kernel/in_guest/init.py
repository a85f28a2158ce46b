"""The first process of a guest: mounts, runs one command, tells how it ended, halts.

Rules:

- Standard library only and few imports: it starts before every command, at half the host's speed,
  and with ``-I -S``.
- It never spins. In virtual time a loop that does not sleep stops the clock; one that waits in
  ``poll`` costs nothing. So the virtual deadline is a timeout of that ``poll``: it is due at once
  when everything else hangs.
- What the command writes goes through a pipe to a console of the guest, which is a pipe of the
  host's: only so it comes out in order and while it runs. (A file of the host would be written
  when it is closed.) A command on a terminal gets the console itself.
- How it ended is a file in the directory of the run, written last; if there is none, the guest
  did not get there.

- The command begins at a fixed second after the boot: what came before, which reads the host's
  directories, costs it nothing. That second is far from those that a kernel gives a meaning of
  their own: 0 is none in many places (a recent time stamp), and after 300 s jiffies wrap.
- What is sent to the target is taken in before ``send`` is back, on kernels too that leave it to a
  thread of their own once that one runs.

That second is the only argument; ``job.json`` in the directory of the run says the rest.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any, Final, NoReturn

JOB: Final = "job.json"
STATUS: Final = "status.json"
BEGUN: Final = "begun"  # is there once the command is about to run
HERE: Final = "/run/conformance"  # the directory of the run, as the guest has it
TEMPORARY: Final = "/dev/shm"  # of the guest's own: in its memory, gone with it
OUT, ERR = "/dev/tty1", "/dev/tty2"

_RDONLY, _NOSUID, _NODEV, _REMOUNT = 1, 2, 4, 32
_POWER_OFF: Final = 0x4321FEDC
_SET_TIMERSLACK, _ABSTIME = 29, 1
_CHUNK: Final = 1 << 16
_LONG: Final = 1e6  # seconds; poll takes no more than 24 days at a time
_KERNEL_THREADS: Final = 64  # the first numbers; of one processor there are fewer
_LIBC: Final = ctypes.CDLL(None, use_errno=True)

# The guest's own, over the host's: none of these may be seen through the file system.
OWN: Final = ("/dev", "/proc", "/run", "/sys")
_MOUNTS: Final = (
    ("sysfs", "/sys", 0, ""),
    ("tracefs", "/sys/kernel/tracing", 0, ""),
    ("devtmpfs", "/dev", 0, ""),
    ("devpts", "/dev/pts", 0, "ptmxmode=0666"),
    ("tmpfs", TEMPORARY, _NOSUID | _NODEV, "mode=1777"),
)


def main() -> NoReturn:
    """Do it all; whatever fails here is told as far as it can be, then the guest halts."""
    status: dict[str, Any] = {"problem": "the guest's first process failed"}
    try:
        _mount("tmpfs", "/run", _NOSUID | _NODEV, "mode=755")
        os.mkdir(HERE)
        _mount("hostfs", HERE, 0, os.path.dirname(__file__))
        _mount("proc", "/proc", 0, "")
        with open(f"{HERE}/{JOB}", encoding="utf-8") as file:
            job = json.load(file)
        _surroundings(job)
        os.close(os.open(f"{HERE}/{BEGUN}", os.O_CREAT))
        until(int(sys.argv[1]))
        status = _run(job)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        status = {"problem": f"the guest's first process failed: {error.strerror}{where}"}
    except BaseException:
        sys.excepthook(*sys.exc_info())  # a bug of ours: into the kernel's log
        raise
    finally:
        _end(status)


def _mount(kind: str, where: str, flags: int, data: str) -> None:
    if _LIBC.mount(b"none", os.fsencode(where), kind.encode(), flags, os.fsencode(data)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), where)


def _surroundings(job: dict[str, Any]) -> None:
    """File systems, the loopback device, the name, links that programs expect in /dev."""
    for kind, where, flags, data in _MOUNTS:
        if kind == "devpts" or where == TEMPORARY:
            os.makedirs(where, exist_ok=True)
        try:
            _mount(kind, where, flags, data)
        except OSError as error:
            # A kernel that somebody else built may lack tracefs; mounted already is as good.
            if error.errno not in (errno.ENODEV, errno.EBUSY, errno.ENOENT):
                raise
    for folder in job["writable"]:
        _mount("hostfs", folder, 0, folder)
    for name, place in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"),
                        ("stderr", "fd/2")):  # fmt: skip
        if not os.path.lexists(f"/dev/{name}"):
            os.symlink(place, f"/dev/{name}")
    _loopback()
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 5):
        _softirqs_first()
    for name, value in job["sysctl"].items():
        with open("/proc/sys/" + name.replace(".", "/"), "w", encoding="utf-8") as file:
            file.write(value)


def _loopback() -> None:
    """Bring ``lo`` up: SIOCSIFFLAGS with IFF_UP."""
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 1))


def _softirqs_first() -> None:
    """Let ksoftirqd run before all else.

    Before 6.5 ksoftirqd_running() leaves every softirq to that thread once it is awake. At an
    ordinary priority it has no turn while a player with a real-time one is busy: the calls of a
    case come before the segments that it sent first.
    """
    foremost = os.sched_param(os.sched_get_priority_max(os.SCHED_FIFO))
    for pid in range(2, _KERNEL_THREADS):
        with suppress(FileNotFoundError), open(f"/proc/{pid}/comm", encoding="ascii") as file:
            if file.read().startswith("ksoftirqd/"):
                os.sched_setscheduler(pid, os.SCHED_FIFO, foremost)


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def until(second: int) -> None:
    """Sleep until this second of the monotonic clock, to the nanosecond; not if it has passed."""
    _LIBC.prctl(_SET_TIMERSLACK, 1, 0, 0, 0)
    due = _Time(second, 0)
    while _LIBC.clock_nanosleep(time.CLOCK_MONOTONIC, _ABSTIME, ctypes.byref(due), None) == (
        errno.EINTR
    ):
        pass
    _LIBC.prctl(_SET_TIMERSLACK, 0, 0, 0, 0)  # as it was


# ---- the command ---------------------------------------------------------------------------------


def _run(job: dict[str, Any]) -> dict[str, Any]:
    """Run the command to its end or to the virtual deadline."""
    began = time.monotonic()
    ends = _Ends(job["terminal"], job["size"])
    child = os.fork()
    if child == 0:
        _become(job, ends)
    ends.started()
    woken = _on_child()
    status = _serve(ends, child, woken, began + job["virtual"] if job["virtual"] else None)
    if "signal" not in status and "exit" not in status:
        status["late"] = True
    status["virtual"] = round(time.monotonic() - began, 6)
    return status


class _Ends:
    """Where the command's output goes: each a pipe and a console, or a console alone."""

    def __init__(self, terminal: list[bool], size: list[int]) -> None:
        self.theirs: list[int] = []
        self.pumps: dict[int, int] = {}  # what is read, where it is written
        self.pipes: list[int] = []
        for name, is_terminal in zip((OUT, ERR), terminal, strict=True):
            console = os.open(name, os.O_RDWR | os.O_NOCTTY)
            _raw(console, size, translate=is_terminal)
            if is_terminal:
                self.theirs.append(console)
                continue
            read, write = os.pipe()
            self.theirs.append(write)
            self.pipes.append(write)
            self.pumps[read] = console

    def started(self) -> None:
        """The command has its ends; ours of them are closed, or its end would never be seen."""
        for pipe in self.pipes:
            os.close(pipe)


def _raw(console: int, size: list[int], *, translate: bool) -> None:
    """No echo, no translation of what is written, unless a terminal shall show it."""
    import fcntl
    import struct
    import termios

    mode: list[Any] = termios.tcgetattr(console)
    mode[0] = 0
    mode[1] = termios.OPOST | termios.ONLCR if translate else 0
    mode[3] = 0
    termios.tcsetattr(console, termios.TCSANOW, mode)
    fcntl.ioctl(console, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))


def _become(job: dict[str, Any], ends: _Ends) -> NoReturn:
    """In the child: the command itself."""
    try:
        os.setsid()
        os.dup2(os.open(job["stdin"], os.O_RDONLY), 0)
        for descriptor, end in enumerate(ends.theirs, 1):
            os.dup2(end, descriptor)
        os.closerange(3, 64)
        os.chdir(job["cwd"])
        os.execvpe(job["argv"][0], job["argv"], job["environment"])
    except OSError as error:
        name = error.filename or job["argv"][0]
        os.write(2, f"conformance: {os.fsdecode(name)}: {error.strerror} in the guest\n".encode())
    os._exit(127)


def _on_child() -> int:
    """A descriptor that becomes readable when some child ends."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return read


def _serve(ends: _Ends, child: int, woken: int, deadline: float | None) -> dict[str, Any]:
    """Carry output and reap, until the command has ended and its output is out."""
    status = _reap(child)  # it may have ended before the handler was there
    poll = select.poll()
    for descriptor in (woken, *ends.pumps):
        poll.register(descriptor, select.POLLIN)
    open_ends = dict(ends.pumps)
    while not status:
        left = _LONG if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return {}
        for descriptor, _ in poll.poll(1000 * min(left, _LONG)):
            if descriptor == woken:
                os.read(woken, 512)
                status = status or _reap(child)
            elif not _pump(descriptor, open_ends[descriptor]):
                poll.unregister(descriptor)
                del open_ends[descriptor]
    for descriptor, console in open_ends.items():  # what is left; a daemon may hold the pipe open
        os.set_blocking(descriptor, False)
        while _pump(descriptor, console):
            pass
    return status


def _pump(source: int, console: int) -> bool:
    """Carry on what has come; false when there is no more."""
    try:
        data = os.read(source, _CHUNK)
    except BlockingIOError:
        return False
    left = data
    while left:
        left = left[os.write(console, left) :]
    return bool(data)


def _reap(child: int) -> dict[str, Any]:
    """Collect all that have ended; how the command did, if it has."""
    status: dict[str, Any] = {}
    while True:
        try:
            pid, code = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == child and os.WIFSIGNALED(code):
            status = {"signal": os.WTERMSIG(code)}
        elif pid == child:
            status = {"exit": os.WEXITSTATUS(code)}


def _end(status: dict[str, Any]) -> NoReturn:
    """Kill what is left, write everything out, say how it ended, halt."""
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    os.sync()
    path = f"{HERE}/{STATUS}"
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(status, file)
    os.rename(path + ".new", path)
    _LIBC.reboot(_POWER_OFF)
    os._exit(1)  # not reached: the first process must not end


if __name__ == "__main__":
    main()
