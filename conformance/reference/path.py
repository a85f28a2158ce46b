"""Path MTU discovery: what a "packet too big" does to a connection (RFC 1191, RFC 8201)."""

from __future__ import annotations

from typing import Final

from conformance.reference.sender import retransmit
from conformance.reference.tcb import ACK, QueuedSegment, StackContext, Tcb, Timer
from conformance.reference.windows import mss_now
from conformance.tcp.seq import wrap

# Octets: the least MTU of a path, and what the IP and TCP headers take of it.
_LEAST: Final = {4: 68, 6: 1280}
_HEADERS: Final = {4: 40, 6: 60}
_OLD_STYLE: Final = 576  # an error without an MTU (RFC 1191 section 5): what every path carries


def room(mtu: int, ip: int) -> int | None:
    """The MSS that fits the MTU of a report; None: the report is none (RFC 8201 section 4)."""
    if ip == 6 and mtu < _LEAST[6]:
        return None
    return max(mtu or _OLD_STYLE, _LEAST[ip]) - _HEADERS[ip]


def lower(ctx: StackContext, tcb: Tcb, mtu: int, ip: int) -> None:
    """Text that was too big goes again in smaller segments; cwnd stays (RFC 8201 section 5.4).

    A report that lowers nothing is no news: one retransmission a decrease (RFC 1191 section 6.4).
    """
    mss = room(mtu, ip)
    if mss is None or mss >= tcb.snd_mss:
        return
    tcb.snd_mss = mss
    _cut(tcb, mss_now(tcb))
    lost = [sent for sent in tcb.unacked if sent.lost]
    if lost:
        retransmit(ctx, tcb, lost[0])
        tcb.deadlines[Timer.RETRANSMIT] = ctx.now + tcb.rto


def _cut(tcb: Tcb, limit: int) -> None:
    """What was too big is lost, and stands in pieces of ``limit`` octets, the FIN on the last."""
    whole = tuple(tcb.unacked)
    tcb.unacked.clear()
    for sent in whole:
        sent.lost = sent.lost or sent.text > limit
        while sent.text > limit:
            tcb.unacked.append(QueuedSegment(sent.seq, limit, ACK, sent.at, lost=True))
            sent.seq, sent.text = wrap(sent.seq + limit), sent.text - limit
        tcb.unacked.append(sent)
