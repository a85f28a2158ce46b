"""The kernels that were built: one directory each in the user's cache.

Rules:

- A directory holds ``linux``, ``config`` and ``facts.json`` and is put in its place by one rename,
  so what is there is whole. Facts are read from the binary itself, never from what was meant.
- A kernel is named by its release. A version means the newest release of it: ``6.12`` finds
  ``6.12.117``. What has a ``/`` in it is a path to a binary that was built elsewhere; it is named
  by its release and its file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance import files, processes
from conformance.errors import CaseError, EnvironmentProblem
from conformance.kernel import trust
from conformance.kernel.folders import reserved

BINARY: Final = "linux"
CONFIG: Final = "config"
FACTS: Final = "facts.json"
RUNNING: Final = "host"  # the kernel that runs this machine is meant by it
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_LONGEST_NAME: Final = 200  # characters; it is the name of a directory, and of a target
_USUAL: Final = ("linux", "vmlinux")  # what make calls each kernel
_ASKING: Final = 10.0  # seconds for a binary to print about itself; it takes milliseconds


@dataclass(frozen=True, slots=True)
class BuiltKernel:
    """A kernel that can be started."""

    name: str
    binary: Path
    facts: Mapping[str, Any]

    @property
    def target(self) -> str:
        """What the ``linux`` target is called inside."""
        return f"linux-{self.name}"


def cache() -> Path:
    """The user's cache of this program."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else _home() / ".cache") / "tcp-conformance"


def _home() -> Path:
    """The user's; for one who has none, a place where nothing is and nothing can be made."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def kernels() -> list[BuiltKernel]:
    """All that are built, the oldest version first."""
    folders = [folder for folder in _shelf().glob("*") if not folder.name.startswith(".")]
    found = filter(None, map(_whole, folders))
    return sorted(found, key=lambda kernel: version_key(kernel.name))


def _whole(folder: Path) -> BuiltKernel | None:
    """The kernel of a directory; None for one that was damaged, which counts as not built."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        needed = {"release": str, "hz": int}
        good = all(isinstance(facts[name], kind) for name, kind in needed.items())
        good = good and (folder / BINARY).is_file()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return BuiltKernel(folder.name, folder / BINARY, facts) if good else None


def version_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts 6.9 before 6.12, and 6.12-rc1 before 6.12."""
    parts = re.findall(r"\d+|[a-z]+", name)
    key = [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
    return (*key, (0, ""))


def find(version: str) -> BuiltKernel:
    """The kernel that a version, a name or a path means."""
    if "/" in version:
        return _by_path(Path(version))
    trust.require(cache(), _shelf())
    built = kernels()
    for kernel in built:
        if kernel.name == version:
            return checked(kernel)
    matching = [one for one in built if re.match(re.escape(version) + r"[.\-]", one.name)]
    if matching:
        return checked(matching[-1])
    raise CaseError(_not_built(version, ", ".join(one.name for one in built)))


def checked(kernel: BuiltKernel) -> BuiltKernel:
    """The kernel, if nobody else can have put it there."""
    trust.require(cache(), kernel.binary)
    return kernel


def _not_built(version: str, built: str) -> str:
    """What can be done about it, if that can be told."""
    if not version:
        return "a kernel without a name: what is wanted is a version, a name or a path, as 6.12"
    missing = f"no kernel {version} is built" + (f" (built: {built})" if built else "")
    if files.is_file(version):
        return f"{missing}; the file of that name is ./{version}"
    if re.fullmatch(r"\d+\.\d+", version):
        return f"{missing}; it is made by: conformance kernel build {version}"
    return f"{missing}; one is made by: conformance kernel build VERSION|TARBALL|TREE [--name NAME]"


def _by_path(path: Path) -> BuiltKernel:
    """Named by more than its release, or it would be taken for one that is built, or another."""
    facts = ask(path)
    stem = path.name
    if stem in _USUAL:
        stem = path.parent.resolve().name or stem
    return BuiltKernel(fitting(f"{facts['release']}-{stem}"), path.resolve(), facts)


def ask(binary: Path) -> dict[str, Any]:
    """What a binary says of itself; EnvironmentProblem if it cannot serve."""
    if not files.is_file(binary):
        raise CaseError(f"no kernel {binary}: there is no such file")
    config = _told(binary, "--showconfig")
    if "CONFIG_UML=y" not in config:
        raise EnvironmentProblem(f"{binary} is no user-mode Linux: build it with ARCH=um.")
    if "CONFIG_UML_TIME_TRAVEL_SUPPORT=y" not in config:
        raise EnvironmentProblem(
            f"{binary} was built without CONFIG_UML_TIME_TRAVEL_SUPPORT; conformance kernel build "
            "makes one with it."
        )
    hz = re.search(r"^CONFIG_HZ=(\d+)$", config, re.MULTILINE)
    return {
        "release": _told(binary, "--version").strip(),
        "hz": int(hz[1]) if hz else 100,
        "config": hashlib.sha256(config.encode()).hexdigest(),
        "seccomp": "seccomp=" in _told(binary, "--help"),
        "size": binary.stat().st_size,
    }


def _told(binary: Path, option: str) -> str:
    trust.require(cache(), binary.absolute())
    try:
        done = processes.run(
            [binary.resolve(), option],
            _ASKING,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentProblem(f"{binary} is no user-mode Linux: it does not answer.") from None
    except OSError as error:
        raise EnvironmentProblem(f"{binary} cannot be run: {error.strerror}.") from None
    return done.stdout.decode(errors="replace")


def check_name(name: str) -> None:
    """Raise CaseError for what cannot be the name of a kernel, nor of a directory of the cache."""
    if name == RUNNING or not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise CaseError(
            f"no kernel can be called {name!r}: a name is letters, digits and . _ - +, begins with "
            f"a letter or a digit, has at most {_LONGEST_NAME} of them, and is not {RUNNING}"
        )


def fitting(text: str) -> str:
    """A name as near to this text as one can be."""
    return re.sub(r"[^A-Za-z0-9._+-]", "-", text)


def put(folder: Path, name: str) -> BuiltKernel:
    """Put a workplace that is complete into its place, over an older one of its name."""
    check_name(name)
    place = _shelf() / name
    if place.exists():
        place.rename(folder.with_name("old"))  # goes with what is left of the workplace
    folder.rename(place)
    facts = json.loads((place / FACTS).read_text(encoding="utf-8"))
    return BuiltKernel(name, place / BINARY, facts)


@contextmanager
def workplace() -> Iterator[Path]:
    """Where a kernel is put together: beside its place, so that one rename puts it there."""
    shelf = _shelf()
    with ExitStack() as stack:
        try:
            trust.make(cache(), shelf)
            place = stack.enter_context(reserved(shelf, ".building-")) / "kernel"
            place.mkdir()
            place.chmod(0o755)
        except OSError as error:
            raise EnvironmentProblem(
                f"Kernels are kept in {shelf}, which cannot be written: {error.strerror}; "
                "XDG_CACHE_HOME names another place."
            ) from None
        yield place


def remove(name: str) -> BuiltKernel:
    """Remove one kernel, by its full name, and the tree that is kept for it."""
    for kernel in kernels():
        if kernel.name == name:
            try:
                shutil.rmtree(kernel.binary.parent)
                kept = Path(str(kernel.facts.get("kept", "")))
                if kept.parent == trees():
                    shutil.rmtree(kept, ignore_errors=True)
            except OSError as error:
                raise EnvironmentProblem(
                    f"{kernel.binary.parent} cannot be removed: {error.strerror}."
                ) from None
            return kernel
    there = ", ".join(kernel.name for kernel in kernels()) or "none"
    raise CaseError(f"no kernel {name} is built (built: {there})")


def trees() -> Path:
    """Where the trees are kept that kernels are built in again."""
    return cache() / "trees"


def _shelf() -> Path:
    return cache() / "kernels"
