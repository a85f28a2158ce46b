"""scapy's core without the makers of Ethernet cards.

Rules:

- Importing ``scapy.data`` reads 52,000 makers, a fifth of what a short run costs; no frame needs
  one. scapy keeps each of its tables in a file of its cache: while it is imported here, that one
  says the same of itself and holds no maker.
- Nobody misses them: who asks scapy for its makers later (``conf.manufdb``) has them read then.
- Where scapy has no cache, or none yet, its import is what it always is.
"""

from __future__ import annotations

import io
import pickle
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any, Final

_DATA, _MAKERS = "scapy.data", "MANUFDB"
_TABLE: Final = "manufdb.pickle"
_OF_WHAT: Final = re.compile(rb"[0-9a-f]{64}")  # the sum of its source's name, near the end
_NEAR: Final = 128  # octets


class _Table(type(Path())):  # type: ignore[misc]  # the platform's class of paths, till 3.12
    """The file of the makers, read as one of the same source without any."""

    def open(self, mode: str = "r", *args: Any, **named: Any) -> Any:
        """As a path's; only what is read is another."""
        if mode != "rb":
            return super().open(mode, *args, **named)
        with super().open("rb") as file:
            file.seek(-min(_NEAR, self.stat().st_size), io.SEEK_END)
            source = _OF_WHAT.search(file.read())
        if source is None:
            return super().open("rb")
        none = sys.modules[_DATA].ManufDA(_name=_TABLE)
        return io.BytesIO(pickle.dumps({"content": none, "id": source[0].decode()}))


class _Cache:
    """scapy's folder of tables."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __truediv__(self, name: str) -> Path:
        path = self._folder / name
        return _Table(path) if name == _TABLE else path


@contextmanager
def without_makers() -> Iterator[None]:
    """What is imported of scapy inside has no makers, unless it was imported before."""
    if _DATA in sys.modules:
        yield
        return
    from scapy import main

    folder = main.SCAPY_CACHE_FOLDER
    main.SCAPY_CACHE_FOLDER = _Cache(folder) if folder else None
    try:
        yield
    finally:
        main.SCAPY_CACHE_FOLDER = folder
    data = sys.modules.get(_DATA)
    if data is not None and not getattr(data, _MAKERS):
        delattr(data, _MAKERS)
        data.__getattr__ = _read_later  # type: ignore[method-assign]  # PEP 562


def _read_later(name: str) -> Any:
    if name != _MAKERS:
        raise AttributeError(f"module {_DATA!r} has no attribute {name!r}")
    spec = find_spec(_DATA)
    assert spec is not None
    assert spec.loader is not None
    afresh = module_from_spec(spec)
    spec.loader.exec_module(afresh)
    setattr(sys.modules[_DATA], _MAKERS, getattr(afresh, _MAKERS))
    return getattr(afresh, _MAKERS)
