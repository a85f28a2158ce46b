"""The options of a SYN: what we offer, what we take, what then holds (RFC 9293 3.7.1, RFC 7323)."""

from __future__ import annotations

from conformance.reference.tcb import StackContext, Tcb
from conformance.tcp.options import Mss, SackPermitted, Timestamps, WindowScale
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap

_LEAST_MSS = 48  # octets: a smaller offer only costs headers


def offer_options(ctx: StackContext, tcb: Tcb) -> None:
    """What our SYN offers."""
    config = ctx.config
    tcb.ts_offered, tcb.sack_offered = config.timestamps, config.sack_permitted
    tcb.wscale_offered = config.window_scale


def take_syn(ctx: StackContext, tcb: Tcb, segment: Segment) -> None:
    """IRS, RCV.NXT and the peer's options; our own offer shrinks to what both can do."""
    tcb.irs = segment.seq
    tcb.rcv_nxt = tcb.last_ack_sent = wrap(segment.seq + 1)
    tcb.rcv_edge = tcb.rcv_adv = wrap(tcb.rcv_nxt + min(tcb.rcv_buff, 0xFFFF))
    mss = segment.option(Mss)
    offered = mss.size if mss else ctx.config.default_mss
    tcb.snd_mss = max(_LEAST_MSS, min(offered, tcb.announced_mss))
    _agree(ctx, tcb, segment)


def _agree(ctx: StackContext, tcb: Tcb, segment: Segment) -> None:
    stamp = segment.option(Timestamps)
    scale = segment.option(WindowScale)
    tcb.ts_ok = tcb.ts_offered = tcb.ts_offered and stamp is not None
    tcb.sack_ok = tcb.sack_offered = tcb.sack_offered and segment.option(SackPermitted) is not None
    if stamp is not None and tcb.ts_ok:
        tcb.ts_recent, tcb.ts_recent_at = stamp.value, ctx.now
    if scale is None:
        tcb.wscale_offered = None
    if scale is not None and tcb.wscale_offered is not None:
        tcb.snd_scale = min(14, scale.shift)  # RFC 7323 2.3
        tcb.rcv_scale = tcb.wscale_offered
    tcb.rcv_buff = min(tcb.rcv_buff, 0xFFFF << tcb.rcv_scale)  # more no window can say
