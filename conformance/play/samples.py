"""The samples of states that were asked for and not told yet.

A sample that is on its way may have been taken before what has just happened. So no second one is
asked for beside it, and another as soon as it is told: a burst costs two, however far the target.
"""

from __future__ import annotations

from conformance.play.view import Connection


class Samples:
    """One conversation's; true while any is on its way."""

    def __init__(self) -> None:
        self._open: dict[int, Connection] = {}
        self._again: set[str] = set()  # names of connections

    def __bool__(self) -> bool:
        return bool(self._open)

    def ask(self, number: int, conn: Connection) -> None:
        """Action ``number`` asks for the state of the connection."""
        self._open[number] = conn

    def wants(self, conn: Connection) -> bool:
        """Something happened: whether to ask now, because no answer is on its way."""
        if all(conn is not asked for asked in self._open.values()):
            return True
        self._again.add(conn.name)
        return False

    def told(self, number: int) -> tuple[Connection, bool]:
        """The answer to an action came: for which connection, and whether to ask again."""
        conn = self._open.pop(number)
        again = conn.name in self._again
        self._again.discard(conn.name)
        return conn, again
