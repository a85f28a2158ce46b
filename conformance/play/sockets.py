"""The sockets of a case by the names the case gave them."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.play.reading import ReadPlaces


@dataclass(slots=True)
class WrittenAndRead:
    """How far the octets of a connection are passed: by whatever name of its socket.

    ``bound``: whether the case gave it a port.
    """

    conn: str
    bound: bool = False
    written: int = 0
    reader: ReadPlaces = field(default_factory=ReadPlaces)

    def disconnected(self) -> None:
        """The next connection has streams of its own."""
        self.written = 0
        self.reader.begin()


@dataclass(slots=True)
class NamedSocket:
    """One name of a socket on the target: its handle there, its connection, what was passed."""

    handle: int
    passed: WrittenAndRead

    @property
    def conn(self) -> str:
        """The connection, which is another when it connects again."""
        return self.passed.conn

    @property
    def written(self) -> int:
        """Octets that were written so far."""
        return self.passed.written

    @property
    def reader(self) -> ReadPlaces:
        """How far the application has read."""
        return self.passed.reader


class NamedSockets:
    """Names to sockets; a name may be bound again, as a variable is."""

    def __init__(self) -> None:
        self._by_name: dict[str, NamedSocket] = {}

    def bind(self, name: str, handle: int, conn: str) -> None:
        """``name`` now stands for the handle that a call returned."""
        self._by_name.pop(name, None)  # the newest name is the last
        self._by_name[name] = NamedSocket(handle, WrittenAndRead(conn))

    def written(self, conn: str) -> int:
        """The most octets that were written to a socket of the connection; 0 where none was."""
        return max((one.written for one in self._by_name.values() if one.conn == conn), default=0)

    def share(self, name: str, handle: int, held: NamedSocket) -> None:
        """``name`` now stands for a second handle of a socket."""
        self._by_name[name] = NamedSocket(handle, held.passed)

    def last(self, conn: str) -> str:
        """The name that a call gave a socket of this connection last; empty for none."""
        return next((n for n, one in reversed(self._by_name.items()) if one.conn == conn), "")

    def __getitem__(self, name: str) -> NamedSocket:
        return self._by_name[name]
