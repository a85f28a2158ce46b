"""What an acknowledgment does: fifth check of 3.10.7.4, RFC 6298, a short RFC 5681."""

from __future__ import annotations

from conformance.reference import recovery
from conformance.reference.moves import fire
from conformance.reference.rto import measure
from conformance.reference.sender import start_user_timer
from conformance.reference.tcb import SYN, QueuedSegment, StackContext, Tcb, Timer
from conformance.reference.transitions import Input
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff, wrap


def update_window(tcb: Tcb, segment: Segment) -> bool:
    """SND.WND by the rule of SND.WL1 and SND.WL2; True if the window changed."""
    newer = diff(segment.seq, tcb.snd_wl1)
    if newer < 0 or (newer == 0 and diff(segment.ack, tcb.snd_wl2) < 0):
        return False
    before = tcb.snd_wnd
    set_window(tcb, segment)
    return tcb.snd_wnd != before


def set_window(tcb: Tcb, segment: Segment) -> None:
    """Take SND.WND, SND.WL1 and SND.WL2 from the segment; a SYN's window is never scaled."""
    scale = 0 if int(segment.flags) & SYN else tcb.snd_scale
    tcb.snd_wnd = segment.window << scale
    tcb.snd_wl1, tcb.snd_wl2 = segment.seq, segment.ack
    tcb.max_snd_wnd = max(tcb.max_snd_wnd, tcb.snd_wnd)


def acknowledge(ctx: StackContext, tcb: Tcb, ack: int) -> None:
    """SND.UNA < SEG.ACK =< SND.NXT: take it off the queue; the FIN is an input of its own."""
    flight = diff(tcb.snd_nxt, tcb.snd_una)
    gained = diff(ack, tcb.snd_una)
    tcb.snd_una = ack
    sample: QueuedSegment | None = None
    while tcb.unacked and diff(tcb.unacked[0].end, ack) <= 0:
        sample = tcb.unacked.popleft()
    _drop_text(tcb, ack)
    if sample is not None and not sample.again:
        measure(ctx, tcb, ctx.now - sample.at)
    tcb.retries = tcb.dupacks = 0
    tcb.probing = False
    tcb.deadlines.pop(Timer.RETRANSMIT, None)
    tcb.deadlines.pop(Timer.PERSIST, None)
    tcb.deadlines.pop(Timer.USER, None)
    if tcb.unacked:  # RFC 6298 5.3; all acknowledged: 5.2
        tcb.deadlines[Timer.RETRANSMIT] = ctx.now + tcb.rto
        start_user_timer(ctx, tcb)
    if not recovery.acknowledged(ctx, tcb, gained):
        _open_congestion_window(tcb, gained, flight)
    if tcb.fin_seq is not None and diff(ack, tcb.fin_seq) > 0:
        fire(ctx, tcb, Input.ACK_OF_FIN)


def _drop_text(tcb: Tcb, ack: int) -> None:
    old = min(diff(ack, tcb.snd_base), len(tcb.queue))
    if old > 0:
        del tcb.queue[:old]
        tcb.snd_base = wrap(tcb.snd_base + old)
    if tcb.snd_up is not None and diff(ack, tcb.snd_up) >= 0:
        tcb.snd_up = None


def _open_congestion_window(tcb: Tcb, gained: int, flight: int) -> None:
    if not tcb.established or tcb.cwnd > 1 << 30 or flight * 2 < tcb.cwnd:
        return
    mss = tcb.snd_mss
    if tcb.cwnd < tcb.ssthresh:
        tcb.cwnd += min(gained, mss)
    else:
        tcb.cwnd += max(1, mss * mss // tcb.cwnd)


def duplicate(
    ctx: StackContext, tcb: Tcb, segment: Segment, *, window_changed: bool, news: bool
) -> None:
    """SEG.ACK = SND.UNA: a sign of life; the third pure one in a row is a loss (RFC 5681 3.2)."""
    if Timer.USER in tcb.deadlines and (window_changed or tcb.snd_wnd == 0):
        start_user_timer(ctx, tcb)  # MUST-37: a closed window that answers keeps us open
        tcb.retries = 0
    if tcb.probing and tcb.snd_wnd > 0:
        _end_probing(ctx, tcb)
        return
    if not tcb.unacked or tcb.probing or segment.length or window_changed:
        return
    if tcb.established and tcb.snd_wnd:
        recovery.count_duplicate(ctx, tcb, news=news)


def _end_probing(ctx: StackContext, tcb: Tcb) -> None:
    """The window opened and the probe's octet was not taken: send it as ordinary text."""
    tcb.probing = False
    tcb.deadlines.pop(Timer.PERSIST, None)
    tcb.unacked.clear()
    tcb.snd_nxt = tcb.snd_una
    if tcb.fin_seq is not None and diff(tcb.snd_una, tcb.fin_seq) <= 0:
        tcb.fin_seq = None
