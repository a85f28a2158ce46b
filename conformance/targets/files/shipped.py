"""The target files that are known by a name: the package's own, and those of other packages.

Another package brings its own by an entry point of the group ``conformance.targets``: a function
without arguments that gives the path of a target file, the path itself, or a package that holds
``NAME.yaml``. Nothing of it is imported until its target is asked for. A word with a ``/`` in it,
or one that ends in ``.yaml``, is no name but the path of a target file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from conformance.errors import CaseError, EnvironmentProblem
from conformance.notation.scanner import suggest
from conformance.targets.files.build import HOME
from conformance.targets.files.model import TargetFile
from conformance.targets.files.reader import load

GROUP: Final = "conformance.targets"
SHIPPED: Final = ("lwip", "lwip-real", "libslirp", "gvisor", "pytcp", "ns3")
SUFFIX: Final = ".yaml"


def is_path(word: str) -> bool:
    """Whether the word is the path of a target file."""
    return "/" in word or os.sep in word or word.endswith(SUFFIX)


def names() -> list[str]:
    """Every name, the package's own first."""
    return list(dict.fromkeys([*SHIPPED, *_brought()]))


def find(word: str, others: Iterable[str] = ()) -> TargetFile:
    """The target of a name or a path; ``others`` are names that are known besides.

    Raises CaseError for an unknown name, CaseFaults for a file with faults, EnvironmentProblem
    for a package that does not bring what it says.
    """
    if is_path(word):
        return load(Path(word))
    if word in SHIPPED:
        return load(HOME / (word + SUFFIX))
    if word in (brought := _brought()):
        file = load(_path(brought[word]))
        if file.name != word:
            said = f"{file.path} is brought as {word} and calls itself {file.name}"
            raise EnvironmentProblem(said)
        return file
    raise CaseError(f"unknown target {word!r}: {suggest(word, [*others, *names()])}")


def _brought() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _path(point: EntryPoint) -> Path:
    """The file that an entry point means."""
    owner = point.dist.name if point.dist is not None else point.value
    try:
        found: Any = import_module(point.module) if not point.attr else point.load()
    except (ImportError, AttributeError) as error:
        raise EnvironmentProblem(f"target {point.name} of {owner}: {error}") from error
    if isinstance(found, ModuleType):
        if not getattr(found, "__path__", None):
            raise EnvironmentProblem(f"target {point.name} of {owner}: {point.value} is no package")
        return Path(next(iter(found.__path__)), point.name + SUFFIX)
    path = found() if callable(found) else found
    if not isinstance(path, str | os.PathLike):
        raise EnvironmentProblem(f"target {point.name} of {owner}: {point.value} gives no path")
    return Path(os.fspath(path))
