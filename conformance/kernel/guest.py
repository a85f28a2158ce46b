"""A command in a guest, or several at the same time: started, listened to, and ended in any case.

Rules:

- The guest is one process group of its own. However the run ends, Ctrl-C and a fault of ours
  included, the group is killed and the directory of the run removed; if we are killed, the kernel
  kills the guest (PDEATHSIG).
- Output is carried on as it comes, octet by octet. Input is a file that is there in full before
  the start: time in the guest does not wait for somebody who types.
- The directory of the run is where its process works, so that no name of the moment is on its
  command line or in it; with a seed, its clock and its addresses are the same each time too.
- Pinned to one processor, which no other guest has where there are enough: an unpinned guest is
  two to five times slower, it changes between its processes at every system call.
- The memory is a file: on a tmpfs that has room for it and may be executed from, else TMPDIR.
- Two watchdogs. Virtual time is watched by the guest's first process: a hang there lets time race,
  so hours pass in moments. Wall time is watched here: time in the guest may also stand still.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conformance import files, processes
from conformance.errors import CaseError, ConformanceError, EnvironmentProblem, TargetError
from conformance.kernel import fence, gcov, trust, words
from conformance.kernel.folders import is_hidden, temporary
from conformance.kernel.in_guest import init
from conformance.kernel.room import memory, processor
from conformance.kernel.store import BuiltKernel, cache, checked

_MORE: Final = 16  # megabytes of room beside the memory
MEMORY: Final = 512  # megabytes; the file is sparse, 1500 cases in a row use 250
PREFIX: Final = "conformance-guest-"
_ITS_OWN: Final = f"it has file systems of its own in {', '.join(init.OWN)}"
_PIPE: Final = 1 << 20
_LOG_KEPT: Final = 1 << 18
_LOG_OF_START: Final = 1 << 16
_PDEATHSIG: Final = 1
_LONG: Final = 1e6  # seconds; a selector takes no more than 24 days at a time
_NO_RANDOMIZE: Final = 0x0040000


@dataclass(frozen=True, slots=True)
class GuestBounds:
    """What a guest may use; None is as much as it likes."""

    wall: float | None = 1800.0
    virtual: float | None = 10 * 86400.0  # a hang gets there in a second
    memory: int = MEMORY
    by_options: bool = False  # of kernel exec, which are named where a bound is met

    def hint(self, option: str) -> str:
        """How the user may have more of it."""
        return f"; {option} gives it more" if self.by_options else ""


@dataclass(frozen=True, slots=True)
class GuestCommand:
    """What to run in the guest."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = field(default_factory=lambda: _here())
    writable: Sequence[Path] = ()
    stdin: Path | None = None
    bounds: GuestBounds = GuestBounds()
    seed: int | None = None
    append: Sequence[str] = ()  # parameters of the kernel
    files: Mapping[str, bytes] = field(default_factory=dict)  # are there as init.HERE/name
    console: Callable[[bytes], None] | None = None  # is told what the kernel says
    counters: Path | None = None  # where a kernel that counts adds what ran
    out: Callable[[bytes], None] | None = None  # takes the standard output in place of ours


def _here() -> Path:
    """Where the command begins."""
    here = files.here()
    if here is None:
        raise EnvironmentProblem("A guest starts where you are, and that directory is gone.")
    return here


def run(kernel: BuiltKernel, command: GuestCommand) -> int:
    """Run the command in a guest of this kernel, its output going to ours; its exit status.

    As a shell has it, 128 and the number for a signal. Raises TargetError where the guest itself
    failed or was stopped by a watchdog, EnvironmentProblem where this machine cannot hold it.
    """
    (ended,) = run_all(kernel, [command])
    if isinstance(ended, TargetError):
        raise ended
    return ended


def run_all(kernel: BuiltKernel, commands: Sequence[GuestCommand]) -> list[int | TargetError]:
    """Run each command in a guest of its own, all at the same time; how each ended, in order."""
    checked(kernel)
    for command in commands:
        _check_places(command)
        words.check(kernel, command.append)
    with contextlib.ExitStack() as stack:
        guests = []
        for command in commands:
            folder = stack.enter_context(temporary(PREFIX))
            _write_job(folder, command)
            number = stack.enter_context(processor())
            guests.append(stack.enter_context(_start(kernel, command, folder, number)))
        _listen(guests)
        return [_judge(guest) for guest in guests]


# ---- before --------------------------------------------------------------------------------------


def _check_places(command: GuestCommand) -> None:
    """Raise CaseError for a directory that the guest would not have."""
    for place in command.writable:
        if not files.is_directory(place):
            there = files.exists(place)
            lacks = "it is no directory" if there else "there is no such directory"
            raise CaseError(f"{place} cannot be written by a guest: {lacks}")
        if is_hidden(place.resolve()):
            raise CaseError(f"{place} cannot be written by a guest: {_ITS_OWN}")
    if is_hidden(command.cwd.resolve()):
        raise CaseError(f"a guest cannot be started in {command.cwd}: {_ITS_OWN}")


def _write_job(folder: Path, command: GuestCommand) -> None:
    (folder / "python").symlink_to(os.path.realpath(sys.executable))
    (folder / "init.py").symlink_to(os.path.realpath(init.__file__))
    environment = {
        **command.environment,
        "TMPDIR": init.TEMPORARY,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if command.seed is not None:
        environment["PYTHONHASHSEED"] = str(command.seed % (1 << 32))
    terminal = [os.isatty(1) and command.out is None, os.isatty(2) and command.out is None]
    size = shutil.get_terminal_size() if any(terminal) else os.terminal_size((80, 24))
    job = {
        "argv": list(command.argv),
        "environment": environment,
        "cwd": str(command.cwd.resolve()),
        "writable": [str(place.resolve()) for place in command.writable],
        "stdin": str(command.stdin.resolve()) if command.stdin else os.devnull,
        "terminal": terminal,
        "size": [size.lines, size.columns],
        "virtual": command.bounds.virtual,
        "sysctl": {} if command.seed is None else {"kernel.randomize_va_space": "0"},
    }
    (folder / init.JOB).write_text(json.dumps(job), encoding="utf-8")
    for name, content in command.files.items():
        (folder / name).write_bytes(content)


# ---- the process ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _start(
    kernel: BuiltKernel, command: GuestCommand, folder: Path, number: int
) -> Iterator[_Guest]:
    """The guest, running; killed at the end with all that is its."""
    reads, (out, err, log) = _pipes()
    fenced = not fence.lacking()
    begins = time.time_ns() if command.seed is None else words.pinned()
    environment = _environment(kernel, command, folder, fenced=fenced)
    libc = ctypes.CDLL(None)
    writable = [place.resolve() for place in command.writable]
    if command.counters is not None:
        writable.append(command.counters.resolve())

    def prepare() -> None:
        os.sched_setaffinity(0, {number})
        if fenced:
            fence.enter(folder, writable, command.bounds.memory + _MORE)
        libc.personality(_NO_RANDOMIZE)  # where its own heap is moves the guest's memory
        libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    try:
        process = subprocess.Popen(
            words.command_line(kernel, command.bounds.memory, begins, command.append),
            executable=kernel.binary,
            cwd=folder,
            stdin=err,  # as words has them
            stdout=out,
            stderr=log,
            env=environment,
            start_new_session=True,
            preexec_fn=prepare,
        )
    except subprocess.SubprocessError:
        raise EnvironmentProblem("The guest's process cannot be fenced in.") from None
    except OSError as error:
        raise EnvironmentProblem(
            f"The kernel {kernel.binary} cannot be started: {error.strerror}."
        ) from None
    finally:
        for descriptor in (out, err, log):
            os.close(descriptor)
    guest = _Guest(process, reads, command, folder)
    try:
        yield guest
    finally:
        guest.kill()


def _pipes() -> tuple[list[int], list[int]]:
    """Three that the guest writes to: the ends to read from, and its own."""
    pipes = [os.pipe() for _ in range(3)]
    for read, _ in pipes:
        with contextlib.suppress(OSError):  # a small pipe is slower, no worse
            fcntl.fcntl(read, fcntl.F_SETPIPE_SZ, _PIPE)
    return [read for read, _ in pipes], [write for _, write in pipes]


def _environment(
    kernel: BuiltKernel, command: GuestCommand, folder: Path, *, fenced: bool
) -> dict[str, str]:
    """All that the guest's process has of it; what it counts goes where the command says."""
    environment = {
        "TMPDIR": memory(folder, command.bounds.memory, fenced=fenced),
        "PATH": os.defpath,
    }
    if command.seed is not None:
        environment["CONFORMANCE_SEED"] = str(command.seed)
    if command.counters is not None:
        environment |= gcov.environment(kernel, command.counters.resolve())
    return environment


class _Guest:
    """A running guest as the host sees it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reads: list[int],
        command: GuestCommand,
        folder: Path,
    ) -> None:
        self._process = process
        self.command, self.folder = command, folder
        self.sinks = dict(zip(reads, (1, 2, 0), strict=True))  # the kernel's own words are kept
        self.log = b""
        wall = command.bounds.wall
        self.deadline = float("inf") if wall is None else time.monotonic() + wall
        self.late = False

    @property
    def code(self) -> int:
        """How its process ended."""
        return self._process.returncode or 0

    def wait(self) -> None:
        """All its output has ended, so it is about to."""
        left = min(self.deadline - time.monotonic(), _LONG)
        self.late = not processes.ended(self._process, max(left, 0.0))

    def carry(self, source: int) -> bool:
        """Carry on what has come; false at the end."""
        data = os.read(source, _PIPE)
        sink = self.sinks[source]
        if not sink:
            self._hear(data)
        elif sink == 1 and self.command.out is not None:
            self.command.out(data)
        else:
            _write(sink, data)
        return bool(data)

    def _hear(self, data: bytes) -> None:
        """Keep what the kernel says; raises CaseError where it does not take a parameter."""
        self.log = (self.log + data)[-_LOG_KEPT:]
        if self.command.console is not None:
            self.command.console(data)
        if not self.command.append or len(self.log) > _LOG_OF_START:
            return
        if refused := words.refused(self.log.decode(errors="replace"), self.command.append):
            raise CaseError(f"the kernel refuses what is appended: {refused}")

    def kill(self) -> None:
        """End it and all its processes now; harmless when it has ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for read in self.sinks:
            os.close(read)
        self.sinks = {}


def _write(sink: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(sink, data) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        name = {1: "output", 2: "error"}[sink]
        raise ConformanceError(f"the standard {name} cannot be written: {error.strerror}") from None


def _listen(guests: Sequence[_Guest]) -> None:
    """Carry on what they say until each has ended or has reached its bound of wall time."""
    with selectors.DefaultSelector() as selector:
        for guest in guests:
            for read in guest.sinks:
                os.set_blocking(read, False)
                selector.register(read, selectors.EVENT_READ, guest)
        while selector.get_map():
            running = {key.data for key in selector.get_map().values()}
            pause = min(guest.deadline for guest in running) - time.monotonic()
            for key, _ in selector.select(min(max(pause, 0.0), _LONG)):
                if not key.data.carry(key.fd):
                    selector.unregister(key.fd)
            for guest in running:
                if guest.deadline <= time.monotonic():
                    guest.late = True
                    for read in guest.sinks:
                        if read in selector.get_map():
                            selector.unregister(read)
    for guest in guests:
        if not guest.late:
            guest.wait()


# ---- after ---------------------------------------------------------------------------------------


def _judge(guest: _Guest) -> int | TargetError:
    """The command's exit status, or what became of the guest in one sentence."""
    log, bounds = guest.log.decode(errors="replace"), guest.command.bounds
    if guest.late:
        return TargetError(
            f"The guest was stopped after {bounds.wall:g} s of wall time: its command hangs while "
            f"time stands still there, or needs longer{bounds.hint('--wall')}.{_keep(log)}"
        )
    try:
        status: dict[str, Any] = json.loads((guest.folder / init.STATUS).read_bytes())
    except FileNotFoundError:
        begun = (guest.folder / init.BEGUN).exists()
        return TargetError(_end_of(guest.code, log, begun) + _keep(log))
    if "problem" in status:
        return TargetError(f"The guest did not start: {status['problem']}.{_keep(log)}")
    if status.get("late"):
        return TargetError(
            f"The guest was stopped after {bounds.virtual:g} s of virtual time: its command "
            f"hangs{bounds.hint('--virtual')}.{_keep(log)}"
        )
    if "signal" in status:
        if "Out of memory" in log:
            return TargetError(
                f"The guest ran out of memory: {bounds.memory} MB are not enough for this command"
                f"{bounds.hint('--memory')}."
            )
        return 128 + int(status["signal"])
    return int(status["exit"])


def _end_of(code: int, log: str, begun: bool) -> str:
    """Why a guest is gone that did not say how its command ended, if that had begun."""
    if panic := re.search(r"Kernel panic - not syncing: (.*)", log):
        return f"The guest's kernel panicked: {panic[1].strip()}."
    if code < 0:
        return f"The guest's kernel was ended by {signal.Signals(-code).name}."
    if begun:
        return "The guest was halted or restarted from within before its command had ended."
    last = [line for line in log.splitlines() if line.strip()]
    return f"The guest ended without running its command: {last[-1].strip() if last else code}."


def _keep(log: str) -> str:
    """Keep what the kernel said, and say where."""
    path = cache() / "guest.log"
    if trust.problem(cache(), path):
        return ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, log)
    except OSError:
        return ""
    return f" What the kernel said is in {path}."
