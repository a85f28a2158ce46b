"""Windows: what we offer, and how much we may send (RFC 9293 3.8.6, RFC 7323 2).

A scaled window cannot name every octet. We round up, so that rounding never takes back what was
offered at the start, and go on accepting up to the furthest edge that was ever on the wire.
"""

from __future__ import annotations

from typing import Final

from conformance.reference.tcb import ACK, FIN, PSH, QueuedSegment, StackContext, Tcb
from conformance.tcp.seq import diff, wrap

_MOST_OPTIONS: Final = 40  # octets of a header
_SACK_HEAD: Final = 4  # two NOPs, kind and length


def advance_edge(tcb: Tcb) -> None:
    """Move the right edge if it can move far enough (receiver's SWS avoidance, 3.8.6.2.2)."""
    free = max(0, tcb.rcv_buff - len(tcb.received))
    gain = diff(wrap(tcb.rcv_nxt + free), tcb.rcv_edge)
    if gain >= min(tcb.rcv_buff // 2, tcb.announced_mss):
        tcb.rcv_edge = wrap(tcb.rcv_nxt + free)


def offer(tcb: Tcb, *, syn: bool) -> int:
    """The window field of the next segment, and the promise that goes with it."""
    advance_edge(tcb)
    window = max(0, diff(tcb.rcv_edge, tcb.rcv_nxt))
    scale = 0 if syn else tcb.rcv_scale
    field = min(0xFFFF, -(-window >> scale))
    edge = wrap(tcb.rcv_nxt + (field << scale))
    if diff(edge, tcb.rcv_adv) > 0:
        tcb.rcv_adv = edge
    return field


def update_wanted(tcb: Tcb) -> bool:
    """Whether a read calls for a window update: the sender is short and would gain (MUST-39)."""
    least = min(tcb.rcv_buff // 2, tcb.announced_mss)
    free = max(0, tcb.rcv_buff - len(tcb.received))
    gain = diff(wrap(tcb.rcv_nxt + free), tcb.rcv_adv)
    return gain >= least and (tcb.rcv_wnd < least or gain >= tcb.rcv_buff // 2)


def mss_now(tcb: Tcb) -> int:
    """Eff.snd.MSS in octets of text (MUST-16): the options of each segment come off."""
    room = 12 if tcb.ts_ok else 0
    room += 20 if tcb.md5_key else 0  # RFC 2385 4.3
    blocks = min(_islands(tcb), (_MOST_OPTIONS - _SACK_HEAD - room) // 8)
    room += _SACK_HEAD + 8 * blocks if blocks > 0 else 0
    return max(1, tcb.snd_mss - room)


def _islands(tcb: Tcb) -> int:
    """How many blocks a SACK option has to report."""
    if not (tcb.sack_ok and tcb.pieces):
        return 0
    pairs = zip(tcb.pieces, tcb.pieces[1:], strict=False)
    return 1 + sum(wrap(at + len(text)) != following for (at, text), (following, _) in pairs)


def usable(tcb: Tcb) -> int:
    """U of 3.8.6.2.1: octets of sequence space left in the offered window; may be negative."""
    return diff(wrap(tcb.snd_una + tcb.snd_wnd), tcb.snd_nxt)


def next_sent(ctx: StackContext, tcb: Tcb, *, force: bool = False) -> QueuedSegment | None:
    """The next new segment that may leave now (sender's SWS avoidance and Nagle, 3.8.6.2.1)."""
    unsent, room, mss = tcb.unsent, usable(tcb), mss_now(tcb)
    flight = diff(tcb.snd_nxt, tcb.snd_una)
    size = max(0, min(unsent, room, mss, tcb.cwnd - flight))
    fin = tcb.fin_pending and size == unsent and size < room
    if not size and not fin:
        return None
    if not (fin or force or _worth_sending(tcb, size, unsent, room, flight)):
        return None
    bits = ACK | (FIN if fin else 0)
    if size and size == unsent and not tcb.more:
        bits |= PSH  # MUST-60: the last segment that empties the queue
    return QueuedSegment(tcb.snd_nxt, size, bits, ctx.now)


def _worth_sending(tcb: Tcb, size: int, unsent: int, room: int, flight: int) -> bool:
    if size >= mss_now(tcb):
        return True
    if tcb.cwnd - flight < min(unsent, room):
        return False  # the congestion window cuts it: an ACK comes and opens it
    idle = flight == 0 or tcb.nodelay
    held = (tcb.cork or tcb.more) and not tcb.fin_wanted
    if unsent <= room:
        urgent = tcb.snd_up is not None and diff(tcb.snd_up, tcb.snd_nxt) > 0
        return (idle or urgent) and not held
    return idle and size * 2 >= tcb.max_snd_wnd
