"""make, in a tree: where it is, what it says, and how it fails.

Rules:

- Each build has a log of its own; the newest are kept.
- Where ccache is, it compiles: a second build, of a tree with one change, takes seconds.
- Whatever happens, no compiler goes on.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from conformance import processes
from conformance.agent.agent import die_with_parent
from conformance.errors import EnvironmentProblem
from conformance.kernel import store, trust

Say = Callable[[str], None]  # told where the build is, in a few words

FRAGMENT: Final = Path(__file__).with_name("kernel.config")
_NEEDED: Final = (
    "UML_TIME_TRAVEL_SUPPORT", "HOSTFS", "TMPFS", "PROC_SYSCTL", "NO_HZ_IDLE", "HIGH_RES_TIMERS",
    "NET_NS", "USER_NS", "VETH", "PACKET", "INET", "IPV6", "INET_TCP_DIAG", "EPOLL", "FUTEX",
)  # fmt: skip
_LINES: Final = 12
_WARNING: Final = re.compile(r"(\S+?):\d+:(?:\d+:)? warning: ")
_BELONGS: Final = re.compile(r" +\d* \||\S+?:\d+:(?:\d+:)? note: ")
_LOGS: Final = 20  # that are kept
_ASKING: Final = 60.0  # seconds for a compiler to answer; it takes a hundredth of one
_SILENT: Final = 1800.0  # seconds that make may say nothing; a link takes less than a minute


def ask(words: list[str], **how: Any) -> subprocess.CompletedProcess[bytes]:
    """Run what takes a moment; EnvironmentProblem when it hangs."""
    try:
        return processes.run(words, _ASKING, **how)
    except subprocess.TimeoutExpired:
        raise EnvironmentProblem(
            f"A kernel cannot be built: {words[0]} does not answer within {_ASKING:g} s."
        ) from None


def _ccache_works(folder: Path) -> bool:
    """Whether ccache is there and may write its cache."""
    if shutil.which("ccache") is None:
        return False
    (folder / "tried.c").write_text("int tried;\n", encoding="utf-8")
    tried = ask(
        ["ccache", "gcc", "-c", "tried.c", "-o", "tried.o"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return tried.returncode == 0


def first_line(*command: str) -> str:
    """What a tool says first."""
    done = ask(list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return done.stdout.decode(errors="replace").partition("\n")[0]


def _new_log() -> Path:
    """An empty log; the oldest go."""
    folder = store.cache() / "logs"
    path = folder / f"build-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        trust.make(store.cache(), folder)
        for old in sorted(folder.glob("build-*.log"))[: 1 - _LOGS]:
            with suppress(FileNotFoundError):
                old.unlink()
        path.write_bytes(b"")
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be written: {error.strerror}.") from None
    return path


class Builder:
    """Runs make in a tree, tells how far it is, and what it said when it fails.

    ``log``: where all that make says is kept.
    """

    def __init__(self, tree: Path, say: Say) -> None:
        self._tree, self._say = tree, say
        self.log = _new_log()
        compiler = "ccache gcc" if _ccache_works(tree.parent) else "gcc"
        self._compilers = [f"CC={compiler}", f"HOSTCC={compiler}"]

    def configure(self) -> None:
        """All off, then what is wanted, as far as this version has it."""
        self._say("configuring")
        self._make("allnoconfig", KCONFIG_ALLCONFIG=str(FRAGMENT))
        config = (self._tree / ".config").read_text(encoding="utf-8")
        on = set(re.findall(r"^CONFIG_(\w+)=y$", config, re.MULTILINE))
        missing = [symbol for symbol in _NEEDED if symbol not in on]
        if missing:
            raise EnvironmentProblem(
                f"This kernel cannot be configured for virtual time: it has no "
                f"CONFIG_{', CONFIG_'.join(missing)}."
            )

    def compile(self) -> None:
        """The long part."""
        self._make("linux")
        if not (self._tree / "linux").is_file():
            raise EnvironmentProblem(f"make made no kernel; its log is {self.log}.")

    def warnings(self, changed: Collection[str] | None) -> list[str]:
        """The compiler's, each with the lines that belong to it; in these files, or anywhere."""
        found: list[str] = []
        wanted = False
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            if of := _WARNING.match(line):
                wanted = changed is None or os.path.normpath(of[1]) in changed
            elif not _BELONGS.match(line):
                wanted = False
            if wanted:
                found.append(line)
        return found

    def _make(self, goal: str, **variables: str) -> None:
        jobs = len(os.sched_getaffinity(0))
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("ARCH", "CROSS_COMPILE", "KBUILD_OUTPUT", "MAKEFLAGS", "LOCALVERSION")
        }
        # The tree is somewhere else each time; that makes no other object.
        variables |= {"CCACHE_BASEDIR": str(self._tree), "CCACHE_NOHASHDIR": "1"}
        files, began = 0, time.monotonic()
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                ["make", "ARCH=um", f"-j{jobs}", "LOCALVERSION=", *self._compilers, goal],
                cwd=self._tree,
                env={**environment, **variables, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            ) as make,
            _ended(make),
        ):
            for line in self._lines(make):
                log.write(line)
                if line.startswith((b"  CC ", b"  AS ")):
                    files += 1
                    took = time.monotonic() - began
                    self._say(f"compiling: {files} files in {took:.0f} s")
        if make.returncode:
            self._fail(goal)

    def _lines(self, make: subprocess.Popen[bytes]) -> Iterator[bytes]:
        """What make says, line by line; EnvironmentProblem when it says nothing for too long."""
        assert make.stdout is not None
        rest = b""
        while select.select([make.stdout], [], [], _SILENT)[0]:
            data = os.read(make.stdout.fileno(), 1 << 16)
            if not data:
                yield from [rest] if rest else []
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from (line + b"\n" for line in lines)
        raise EnvironmentProblem(
            f"The kernel cannot be built: make has said nothing for {_SILENT:g} s; its log is "
            f"{self.log}."
        )

    def _fail(self, goal: str) -> None:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [at for at, line in enumerate(lines) if "error: " in line or "***" in line]
        first = errors[0] if errors else max(len(lines) - _LINES, 0)  # other jobs went on after it
        told = "\n".join(f"  {line}" for line in lines[first : first + _LINES])
        raise EnvironmentProblem(
            f"The kernel cannot be built: make {goal} failed; its log is {self.log}, it says\n"
            f"{told}"
        )


@contextmanager
def _ended(make: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever happens, no compiler goes on."""
    import signal

    try:
        yield
    except BaseException:
        os.killpg(make.pid, signal.SIGKILL)
        raise
