"""Building a kernel for virtual time: once, without root, whole or not at all.

Rules:

- What is missing is named, with its package, before anything starts.
- Everything happens in a temporary directory. What comes out is asked what it is, started once,
  and only then put into the cache, by one rename. A build that fails or is interrupted leaves
  nothing but its log.
- Where ccache is, it compiles: a second build, of a tree with one change, takes seconds.
- The configuration is ``allnoconfig`` and what TCP needs (``kernel.config``): three minutes on two
  processors, and a start of a third of a second. What a version does not have is left out;
  what nothing works without must be there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from conformance import processes
from conformance.agent.agent import die_with_parent
from conformance.errors import EnvironmentProblem
from conformance.kernel import guest, store
from conformance.kernel.edits import edits
from conformance.kernel.folders import reserved
from conformance.kernel.source import Source

Say = Callable[[str], None]  # told where the build is, in a few words

HZ: Final = 250
_FRAGMENT: Final = Path(__file__).with_name("kernel.config")
_TOOLS: Final = (
    ("gcc", "gcc"),
    ("ld", "binutils"),
    ("make", "make"),
    ("flex", "flex"),
    ("bison", "bison"),
    ("bc", "bc"),
    ("tar", "tar"),
    ("xz", "xz-utils"),
)
_NEEDED: Final = (
    "UML_TIME_TRAVEL_SUPPORT", "HOSTFS", "TMPFS", "PROC_SYSCTL", "NO_HZ_IDLE", "HIGH_RES_TIMERS",
    "NET_NS", "USER_NS", "VETH", "PACKET", "INET", "IPV6", "INET_TCP_DIAG", "EPOLL", "FUTEX",
)  # fmt: skip
_LINES: Final = 12
_ASKING: Final = 60.0  # seconds for a compiler to answer; it takes a hundredth of one
_SILENT: Final = 1800.0  # seconds that make may say nothing; a link takes less than a minute


def build(argument: str, say: Say, *, name: str = "", hz: int = HZ) -> store.BuiltKernel:
    """Build the kernel of a version, a tarball or a tree and put it into the cache.

    Raises CaseError for what is no kernel, EnvironmentProblem where it cannot be built.
    """
    if name:
        store.check_name(name)
    source = Source.of(argument)
    check_tools()
    began = time.monotonic()
    with _temporary() as folder, store.workplace() as place:
        tree = folder / "linux"
        tree.mkdir()
        say("copying the source" if source.is_tree else "unpacking the source")
        source.fill(tree)
        made = [path for edit in edits(hz) for path in edit.apply(tree)]
        builder = _Builder(tree, say)
        builder.configure()
        builder.compile()
        facts = {
            **store.ask(tree / "linux"),
            "source": str(source.place.resolve()),
            "edits": sorted(set(made)),
            "compiler": _first_line("gcc", "--version"),
            "recipe": _recipe(source, hz),
            "seconds": round(time.monotonic() - began, 1),
        }
        _fill(place, tree, facts)
        say("starting it once")
        _try(store.BuiltKernel(facts["release"], place / store.BINARY, facts))
        return store.put(place, name or store.fitting(facts["release"]))


def built_already(argument: str, hz: int = HZ) -> store.BuiltKernel | None:
    """The kernel that a build of a tarball would make again, if it is there; never for a tree."""
    source = Source.of(argument)
    if source.is_tree:
        return None
    wanted = _recipe(source, hz)
    return next((one for one in store.kernels() if one.facts.get("recipe") == wanted), None)


def _recipe(source: Source, hz: int) -> str:
    """What a kernel is made of: the source, the changes, the configuration."""
    facts = source.place.stat()
    parts = (str(source.place.resolve()), facts.st_size, facts.st_mtime_ns, edits(hz))
    return hashlib.sha256(repr(parts).encode() + _FRAGMENT.read_bytes()).hexdigest()


def check_tools() -> None:
    """Name all that is missing, at once, with its packages."""
    missing = [(tool, package) for tool, package in _TOOLS if shutil.which(tool) is None]
    if not missing and not _has_headers():
        missing = [("the C library's headers", "libc6-dev")]
    if missing:
        tools = ", ".join(tool for tool, _ in missing)
        packages = " ".join(dict.fromkeys(package for _, package in missing))
        raise EnvironmentProblem(
            f"A kernel cannot be built without {tools}: apt-get install {packages}."
        )


def _has_headers() -> bool:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    text = b"#include <stdio.h>\n#include <sys/ptrace.h>\n"
    return _ask(["gcc", "-E", "-x", "c", "-"], octets=text, **quiet).returncode == 0


def _ask(words: list[str], **how: Any) -> subprocess.CompletedProcess[bytes]:
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
    tried = _ask(
        ["ccache", "gcc", "-c", "tried.c", "-o", "tried.o"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return tried.returncode == 0


def _first_line(*command: str) -> str:
    done = _ask(list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return done.stdout.decode(errors="replace").partition("\n")[0]


@contextmanager
def _temporary() -> Iterator[Path]:
    """Where it is built; needs 1.5 GB."""
    try:
        with reserved(Path(tempfile.gettempdir()), "conformance-kernel-") as folder:
            yield folder
    except OSError as error:
        reason = error.strerror or str(error)
        raise EnvironmentProblem(
            f"The kernel cannot be built in {tempfile.gettempdir()}: {reason}; TMPDIR names "
            "another place."
        ) from None


def _fill(place: Path, tree: Path, facts: dict[str, Any]) -> None:
    try:
        shutil.copy(tree / "linux", place / store.BINARY)
        (place / store.BINARY).chmod(0o755)  # whatever the umask: others never write it
        shutil.copy(tree / ".config", place / store.CONFIG)
        (place / store.FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise EnvironmentProblem(
            f"The kernel is built but cannot be kept in {place.parent}: {error.strerror}."
        ) from None


def _try(kernel: store.BuiltKernel) -> None:
    """A kernel that cannot run a command and tell its status is of no use."""
    bounds = guest.GuestBounds(wall=60.0, virtual=3600.0)
    status = guest.run(kernel, guest.GuestCommand(["/bin/sh", "-c", "exit 42"], bounds=bounds))
    if status != 42:
        raise EnvironmentProblem(
            f"The kernel was built, but a guest of it does not run commands (status {status})."
        )


class _Builder:
    """Runs make in a tree, tells how far it is, and what it said when it fails."""

    def __init__(self, tree: Path, say: Say) -> None:
        self._tree, self._say = tree, say
        self._log = store.cache() / "build.log"
        try:
            self._log.write_bytes(b"")
        except OSError as error:
            raise EnvironmentProblem(f"{self._log} cannot be written: {error.strerror}.") from None
        compiler = "ccache gcc" if _ccache_works(tree.parent) else "gcc"
        self._compilers = [f"CC={compiler}", f"HOSTCC={compiler}"]

    def configure(self) -> None:
        """All off, then what is wanted, as far as this version has it."""
        self._say("configuring")
        self._make("allnoconfig", KCONFIG_ALLCONFIG=str(_FRAGMENT))
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
            raise EnvironmentProblem(f"make made no kernel; its log is {self._log}.")

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
            self._log.open("ab") as log,
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
            f"{self._log}."
        )

    def _fail(self, goal: str) -> None:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [at for at, line in enumerate(lines) if "error: " in line or "***" in line]
        first = errors[0] if errors else max(len(lines) - _LINES, 0)  # other jobs went on after it
        told = "\n".join(f"  {line}" for line in lines[first : first + _LINES])
        raise EnvironmentProblem(
            f"The kernel cannot be built: make {goal} failed; its log is {self._log}, it says\n"
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
