"""Which hosts a connection is between: one of the target's addresses; the tester, or a third."""

from __future__ import annotations

from dataclasses import replace

from conformance.play.verdict import Difference
from conformance.play.view import Connection
from conformance.tcp.addresses import OTHER, SECOND
from conformance.tcp.segment import Segment


def addressed(conn: Connection, segment: Segment) -> Segment:
    """The segment of the tester, between those of both sides' addresses that the connection has."""
    if conn.peer is None:
        conn.peer = OTHER if segment.ip.sender == OTHER else ""
    elif conn.peer and not segment.ip.sender:
        segment = replace(segment, ip=replace(segment.ip, sender=conn.peer))
    named = segment.ip.receiver
    if named == SECOND or conn.home is None:
        conn.home = SECOND if named == SECOND else ""
    elif conn.home and not named:
        return replace(segment, ip=replace(segment.ip, receiver=conn.home))
    return segment


def foreign(conn: Connection, host: str) -> bool:
    """Whether a host of the tester's side is another than the connection's."""
    return conn.peer is not None and (host == OTHER) != (conn.peer == OTHER)


def astray(conn: Connection, wanted: str, host: str) -> list[Difference]:
    """What is wrong with the host that a segment came to: ``wanted``, or else the connection's."""
    wanted = wanted or conn.peer or ""
    return [] if wanted == host else [Difference("to", wanted or "tester", host or "tester")]
