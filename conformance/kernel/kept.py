"""A copy of a source tree that is kept, so that of a changed tree only what changed is made again.

Rules:

- The user's tree is never written. The copy lies in the cache, one a tree; it is brought up to date
  before each build: a file whose size or time is not that of the last copy is compared, and copied
  if it differs. So make compiles what was changed, and what is built of it.
- A build of another recipe (tick, coverage, edits) begins anew. One build at a time is at work in
  a copy.
"""

from __future__ import annotations

import fcntl
import filecmp
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance import files
from conformance.errors import EnvironmentProblem
from conformance.kernel import source, store, trust
from conformance.kernel.change import TreeEdit
from conformance.kernel.make import Say

_MANIFEST: Final = "copied.json"
_LOCK: Final = "lock"
_CONFIGURED: Final = "configured"  # beside the tree, once that is done and found to be good


@dataclass(frozen=True, slots=True)
class Ready:
    """A tree that can be built in.

    ``edited``: the files that the edits changed; ``changed``: those of the user that are other than
    the last time, None where that is not known.
    """

    tree: Path
    edited: Sequence[str]
    changed: frozenset[str] | None = None
    unconfigured: bool = True

    def configured(self) -> None:
        """Note that it need not be done again."""
        (self.tree.parent / _CONFIGURED).touch()


def place_of(tree: Path) -> Path:
    """Where the copy of a tree is."""
    key = hashlib.sha256(os.fsencode(tree.resolve())).hexdigest()[:12]
    return store.trees() / f"{store.fitting(tree.resolve().name)}-{key}"


@contextmanager
def tree(given: Path, recipe: str, edits: Sequence[TreeEdit], say: Say) -> Iterator[Ready]:
    """The copy of a tree, up to date and locked; raises EnvironmentProblem where it cannot be."""
    place = place_of(given)
    with ExitStack() as stack:
        try:
            trust.make(store.cache(), place)
            place.chmod(0o700)  # whatever the modes in it: nobody else gets there
            lock = stack.enter_context((place / _LOCK).open("w", encoding="utf-8"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ready = _up_to_date(given, place, recipe, edits, say)
        except BlockingIOError:
            raise EnvironmentProblem(f"Another build is at work in {place}.") from None
        except OSError as error:
            raise EnvironmentProblem(
                f"The tree cannot be kept in {place}: {files.reason(error)}; XDG_CACHE_HOME names "
                "another place."
            ) from None
        yield ready


def _up_to_date(
    given: Path, place: Path, recipe: str, edits: Sequence[TreeEdit], say: Say
) -> Ready:
    copy, manifest = place / "linux", _Manifest(place / _MANIFEST, recipe)
    say("looking for what changed")
    before = manifest.read() if copy.is_dir() else None
    if before is None:
        say("copying the source")
        manifest.path.unlink(missing_ok=True)
        if copy.exists():
            shutil.rmtree(copy)
        copy.mkdir()
    now = {name: [facts.st_size, facts.st_mtime_ns] for name, facts in source.listed(given)}
    same = {name: stamp for name, stamp in now.items() if (before or {}).get(name) == stamp}
    manifest.write(same)  # who is interrupted copies the others again
    for name in set(before or ()) - set(now):
        (copy / name).unlink(missing_ok=True)
    stale = set(now) - set(same)
    edited = stale & {place.path for edit in edits for place in edit.places}
    held = {name: _held(copy / name) for name in edited}
    changed = {name for name in stale if _copied(given / name, copy / name)}
    made = sorted({name for edit in edits for name in edit.apply(copy)})
    changed -= {name for name, was in held.items() if was and _as_it_was(copy / name, *was)}
    manifest.write(now)
    if before is None or any("Kconfig" in one for one in changed):
        (place / _CONFIGURED).unlink(missing_ok=True)
    known = None if before is None else frozenset(changed)
    return Ready(copy, made, known, not (place / _CONFIGURED).is_file())


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What was copied, for which recipe."""

    path: Path
    recipe: str

    def read(self) -> dict[str, list[int]] | None:
        """Each file's stamp; None where nothing is there, or of another recipe."""
        try:
            told = json.loads(files.read(self.path))
            return dict(told["files"]) if told["recipe"] == self.recipe else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, stamps: Mapping[str, list[int]]) -> None:
        files.write_text(self.path, json.dumps({"recipe": self.recipe, "files": stamps}))


def _copied(given: Path, copy: Path) -> bool:
    """Copy a file, unless the copy is the same; whether it was not. Its time is now: make looks."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    if given.is_symlink():
        copy.unlink(missing_ok=True)
        copy.symlink_to(os.readlink(given))
        return True
    if copy.is_file() and filecmp.cmp(given, copy, shallow=False):
        return False
    shutil.copyfile(given, copy)
    shutil.copymode(given, copy)
    return True


def _held(path: Path) -> tuple[bytes, int] | None:
    """The contents and the time of a file that an edit has changed."""
    return (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None


def _as_it_was(path: Path, contents: bytes, time: int) -> bool:
    """Whether it is what it was before it was copied and edited again; then its time is, too."""
    if path.read_bytes() != contents:
        return False
    os.utime(path, ns=(time, time))
    return True
