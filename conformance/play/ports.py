"""Whose a segment is: a pair of ports is one connection (RFC 9293 section 3.4.1)."""

from __future__ import annotations

from conformance.play.verdict import case_is_wrong
from conformance.play.view import Connection


class Ports:
    """The connections of a conversation by their ports.

    The target's port of an active open is 0 before its first segment where the tester's is shared.
    One that answers from a wrong port has answered all the same: so what fits no connection is the
    one's that was the first to have the tester's port.
    """

    def __init__(self) -> None:
        self._by: dict[int, list[Connection]] = {}

    def add(self, conn: Connection) -> None:
        """A new connection; two of one pair are the case's error."""
        there = self._by.setdefault(conn.tester_port, [])
        for other in there:
            if other.target_port == conn.target_port != 0:
                told = f"{other.name} and {conn.name} are between the same ports"
                raise case_is_wrong(told)
        there.append(conn)

    def of(self, tester: int, target: int) -> Connection | None:
        """The connection of these ports."""
        there = self._by.get(tester, [])
        for port in (target, 0):
            for conn in there:
                if conn.target_port == port:
                    return conn
        return there[0] if there else None
