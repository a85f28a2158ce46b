"""The sockets of a case by the names the case gave them."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.play.reading import Reader


@dataclass(slots=True)
class Socket:
    """One socket on the target: its handle there, its connection, the octets passed so far."""

    handle: int
    conn: str
    written: int = 0
    reader: Reader = field(default_factory=Reader)


class Sockets:
    """Names to sockets; a name may be bound again, as a variable is."""

    def __init__(self) -> None:
        self._by_name: dict[str, Socket] = {}

    def bind(self, name: str, handle: int, conn: str) -> None:
        """``name`` now stands for the handle that a call returned."""
        self._by_name.pop(name, None)  # the newest name is the last
        self._by_name[name] = Socket(handle, conn)

    def last(self, conn: str) -> str:
        """The name that a call gave a socket of this connection last; empty for none."""
        return next((n for n, one in reversed(self._by_name.items()) if one.conn == conn), "")

    def __getitem__(self, name: str) -> Socket:
        return self._by_name[name]
