"""The reference with some of its text changed, in a process of its own."""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, ModuleType
from typing import Final, NoReturn, TypeVar

from conformance.sim.edits import Edit

HANGS: Final = 30  # seconds of the processor, for a case that never ends: a machine may be busy
_SILENT: Final = 4 * HANGS  # seconds of a process that says nothing at all
_ANEW: Final = ("conformance.reference", "conformance.sim", "conformance.targets.kinds.reference")
_DATA: Final = ("conformance.sim.edits", "conformance.sim.faults", "conformance.sim.legal")
_CHUNK: Final = 1 << 16
_ENDS: Final[dict[int, str]] = {signal.SIGPROF: "hung", signal.SIGKILL: "fell silent"}

T = TypeVar("T")


def apart(items: Sequence[T], work: Callable[[T, int], None]) -> Iterator[tuple[T, list[str], str]]:
    """``work(item, pipe)`` for each, a process each, as many at once as there are processors.

    As they end: the item, the lines that came through the pipe, and how the stack ended where the
    process was not the one to end itself.
    """
    gc.freeze()  # what all of them share stays shared
    queue = list(reversed(items))
    running: dict[int, tuple[T, int, bytes]] = {}  # by pipe: what, who, what it said
    try:
        while queue or running:
            while queue and len(running) < len(os.sched_getaffinity(0)):
                item = queue.pop()
                pipe, pid = _started(item, work)
                running[pipe] = item, pid, b""
            ready, _, _ = select.select(list(running), [], [], _SILENT)
            for pipe in ready or list(running):
                item, pid, said = running[pipe]
                octets = os.read(pipe, _CHUNK) if pipe in ready else b""
                if octets:
                    running[pipe] = item, pid, said + octets
                    continue
                del running[pipe]
                yield item, said.decode(errors="replace").splitlines(), _end(pid, pipe)
    finally:
        for pipe, (_, pid, _) in running.items():
            _end(pid, pipe)


def _end(pid: int, pipe: int) -> str:
    """How it ended, by its status; who has not is killed, which changes nobody's end."""
    os.close(pipe)
    os.kill(pid, signal.SIGKILL)
    return _ENDS.get(os.WTERMSIG(os.waitpid(pid, 0)[1]), "crashed")


def _started(item: T, work: Callable[[T, int], None]) -> tuple[int, int]:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _do(item, work, theirs)
    os.close(theirs)
    return ours, pid


def _do(item: T, work: Callable[[T, int], None], pipe: int) -> NoReturn:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # whatever our caller has of its own
    try:
        work(item, pipe)
    finally:
        os._exit(0)  # a traceback would be the stack's own


def with_edits(edits: Sequence[Edit]) -> ModuleType:
    """The target of the reference, imported anew with them in it, in this process for good."""
    sys.meta_path.insert(0, _Finder(edits))
    for module in [one for one in sys.modules if one.startswith(_ANEW)]:
        if not module.startswith(_DATA):
            del sys.modules[module]
    return importlib.import_module("conformance.targets.kinds.reference")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that are edited."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._loaders: dict[str, _Loader] = {}
        for place in {edit.place for edit in edits}:
            name = f"conformance.reference.{place}"
            found = importlib.util.find_spec(name)
            assert found is not None
            assert found.origin is not None
            mine = [edit for edit in edits if edit.place == place]
            self._loaders[name] = _Loader(name, found.origin, mine)

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        loader = self._loaders.get(fullname)
        return importlib.util.spec_from_loader(fullname, loader) if loader else None


class _Loader(importlib.machinery.SourceFileLoader):
    """Gives its text with the edits in it, never from a cache."""

    def __init__(self, name: str, path: str, edits: Sequence[Edit]) -> None:
        super().__init__(name, path)
        self._edits = edits

    def get_code(self, fullname: str) -> CodeType:
        text = self.get_data(self.path).decode()
        for edit in self._edits:
            text = edit.applied(text)
        return compile(text, self.path, "exec")
