"""Building a kernel for virtual time: once, without root, whole or not at all.

Rules:

- What is missing is named, with its package, before anything starts.
- Everything happens in a temporary directory. What comes out is asked what it is, started once,
  and only then put into the cache, by one rename. A build that fails or is interrupted leaves
  nothing but its log.
- But for a copy of a tree that is kept: there only what changed is made again.
- The configuration is ``allnoconfig`` and what TCP needs (``kernel.config``): three minutes on two
  processors, and a start of a third of a second. What a version does not have is left out;
  what nothing works without must be there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.errors import CaseError, EnvironmentProblem
from conformance.kernel import counting, guest, kept, store
from conformance.kernel.change import TreeEdit
from conformance.kernel.edits import edits
from conformance.kernel.folders import reserved
from conformance.kernel.kept import Ready
from conformance.kernel.make import FRAGMENT, Builder, Say, ask, first_line
from conformance.kernel.source import Source

HZ: Final = 250
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


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is made of a source."""

    hz: int = HZ
    coverage: bool = False  # it counts what runs of its TCP

    @property
    def edits(self) -> tuple[TreeEdit, ...]:
        """All that is changed in the source."""
        return (*edits(self.hz), *(counting.EDITS if self.coverage else ()))

    def digest(self, *more: object) -> str:
        """The changes, the configuration, and what else matters."""
        text = repr((*more, self.edits)).encode()
        return hashlib.sha256(text + FRAGMENT.read_bytes()).hexdigest()


def build(
    argument: str, say: Say, recipe: Recipe = Recipe(), *, name: str = "", keep: bool = False
) -> store.BuiltKernel:
    """Build the kernel of a version, a tarball or a tree and put it into the cache.

    ``keep``: in a copy of the tree that is kept, so that the next time only what changed is made.
    Raises CaseError for what is no kernel, EnvironmentProblem where it cannot be built.
    """
    if name:
        store.check_name(name)
    source = Source.of(argument)
    if keep and not source.is_tree:
        raise CaseError(f"--keep is for a source tree that changes, and {argument} is none")
    check_tools()
    began = time.monotonic()
    with store.workplace() as place, _tree(source, recipe, say, keep=keep) as ready:
        builder = Builder(ready.tree, say)
        if recipe.coverage:
            counting.library(ready.tree)
        if ready.unconfigured:
            builder.configure()
            ready.configured()
        builder.compile()
        facts = {
            **store.ask(ready.tree / "linux"),
            "source": str(source.place.resolve()),
            "edits": ready.edited,
            "compiler": first_line("gcc", "--version"),
            "recipe": _made_of(source, recipe),
            "log": str(builder.log),
            "warnings": builder.warnings(ready.changed),
            **({"kept": str(ready.tree.parent)} if keep else {}),
            **({"coverage": counting.keep(ready.tree, place)} if recipe.coverage else {}),
            "seconds": round(time.monotonic() - began, 1),
        }
        _fill(place, ready.tree, facts)
        say("starting it once")
        _try(store.BuiltKernel(facts["release"], place / store.BINARY, facts))
        own = f"{facts['release']}-coverage" if recipe.coverage else facts["release"]
        return store.put(place, name or store.fitting(own))


@contextmanager
def _tree(source: Source, recipe: Recipe, say: Say, *, keep: bool) -> Iterator[Ready]:
    """The source with its edits, where it may be built in."""
    if keep:
        with kept.tree(source.place, recipe.digest(), recipe.edits, say) as ready:
            yield ready
        return
    with _temporary() as folder:
        tree = folder / "linux"
        tree.mkdir()
        say("copying the source" if source.is_tree else "unpacking the source")
        source.fill(tree)
        yield Ready(tree, sorted({path for edit in recipe.edits for path in edit.apply(tree)}))


def built_already(argument: str, recipe: Recipe = Recipe()) -> store.BuiltKernel | None:
    """The kernel that a build of a tarball would make again, if it is there; never for a tree."""
    source = Source.of(argument)
    if source.is_tree:
        return None
    wanted = _made_of(source, recipe)
    return next((one for one in store.kernels() if one.facts.get("recipe") == wanted), None)


def _made_of(source: Source, recipe: Recipe) -> str:
    """What a kernel is made of: the source, the changes, the configuration."""
    facts = source.place.stat()
    return recipe.digest(str(source.place.resolve()), facts.st_size, facts.st_mtime_ns)


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
    return ask(["gcc", "-E", "-x", "c", "-"], octets=text, **quiet).returncode == 0


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
