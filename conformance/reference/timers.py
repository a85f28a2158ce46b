"""TIMEOUTS, RFC 9293 3.10.8, with RFC 6298 (retransmission), 3.8.6.1 (probes), 3.8.4 (keep-alive).

A deadline is a number in ``tcb.deadlines``, seconds; a handler may set its own again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.reference.fastopen import failed
from conformance.reference.moves import fire
from conformance.reference.recovery import timed_out
from conformance.reference.sender import output, retransmit, send_new, start_retransmit, transmit
from conformance.reference.tcb import ACK, FIN, QueuedSegment, StackContext, Tcb, Timer
from conformance.reference.transitions import Input
from conformance.reference.windows import next_sent, usable
from conformance.tcp.seq import diff, wrap
from conformance.tcp.states import State

_R1 = 3  # SHLD-10: retransmissions
_LEAST = 0.001  # no timer runs faster, seconds


def next_due(ctx: StackContext) -> tuple[float, Tcb, Timer] | None:
    """The earliest deadline of all connections."""
    first: tuple[float, Tcb, Timer] | None = None
    for tcb in ctx.tcbs.values():
        for timer, due in tcb.deadlines.items():
            if first is None or due < first[0]:
                first = (due, tcb, timer)
    return first


def expire(ctx: StackContext, tcb: Tcb, timer: Timer) -> None:
    """The timer ran out."""
    del tcb.deadlines[timer]
    HANDLERS[timer](ctx, tcb)
    output(ctx, tcb)


def _retransmit(ctx: StackContext, tcb: Tcb) -> None:
    """RFC 6298 5.4 to 5.6: the earliest segment again, the RTO doubled."""
    if not tcb.unacked:
        return
    opening = tcb.state in (State.SYN_SENT, State.SYN_RECEIVED)
    if opening and tcb.syn_retries is not None and tcb.retries >= tcb.syn_retries:
        fire(ctx, tcb, Input.USER_TIMEOUT)
        return
    if tcb.established:
        if not tcb.retries:  # RFC 5681 3.1
            flight = diff(tcb.snd_nxt, tcb.snd_una)
            tcb.ssthresh = max(flight // 2, 2 * tcb.snd_mss)
        tcb.cwnd = tcb.snd_mss
        for sent in tcb.unacked:
            sent.lost = True
    else:
        failed(ctx, tcb)
    tcb.retries += 1
    if tcb.retries == _R1 and tcb.reports:
        tcb.error = "ETIMEDOUT"  # SHLD-9: delivery is in trouble
    tcb.dupacks = 0
    timed_out(tcb)
    tcb.rto = max(_LEAST, min(tcb.rto * 2, ctx.config.max_rto))
    retransmit(ctx, tcb, tcb.unacked[0])
    start_retransmit(ctx, tcb)


def _persist(ctx: StackContext, tcb: Tcb) -> None:
    """Probe a closed window with an octet (MUST-36), backing off (SHLD-30); or override SWS."""
    if tcb.probing and tcb.unacked:
        retransmit(ctx, tcb, tcb.unacked[0])
    elif usable(tcb) > 0:
        sent = next_sent(ctx, tcb, force=True)
        if sent is not None:
            send_new(ctx, tcb, sent)
        return
    else:
        text = min(1, tcb.unsent)
        bits = ACK if text else ACK | FIN
        if not text and not tcb.fin_pending:
            return
        tcb.probing = True
        send_new(ctx, tcb, QueuedSegment(tcb.snd_nxt, text, bits, ctx.now))
    tcb.probes += 1
    wait = min(tcb.rto * 2.0 ** min(tcb.probes, 30), ctx.config.max_rto)
    tcb.deadlines[Timer.PERSIST] = ctx.now + max(_LEAST, wait)


def _delack(ctx: StackContext, tcb: Tcb) -> None:
    tcb.ack_now = True


def _time_wait(ctx: StackContext, tcb: Tcb) -> None:
    fire(ctx, tcb, Input.TIME_WAIT_TIMEOUT)


def _user(ctx: StackContext, tcb: Tcb) -> None:
    fire(ctx, tcb, Input.USER_TIMEOUT)


def _keepalive(ctx: StackContext, tcb: Tcb) -> None:
    """3.8.4: <SEQ=SND.NXT-1><ACK> when nothing is out and nothing came for a while."""
    if not tcb.keepalive:
        return
    quiet_until = tcb.last_heard + tcb.keepidle
    if tcb.unacked or tcb.unsent:
        tcb.deadlines[Timer.KEEPALIVE] = ctx.now + max(_LEAST, tcb.keepidle)
    elif tcb.keep_probes == 0 and quiet_until > ctx.now:
        tcb.deadlines[Timer.KEEPALIVE] = quiet_until
    elif tcb.keep_probes >= tcb.keepcnt:
        fire(ctx, tcb, Input.USER_TIMEOUT)
    else:
        tcb.keep_probes += 1
        transmit(ctx, tcb, ACK, wrap(tcb.snd_nxt - 1))
        tcb.deadlines[Timer.KEEPALIVE] = ctx.now + max(_LEAST, tcb.keepintvl)


HANDLERS: Final[dict[Timer, Callable[[StackContext, Tcb], None]]] = {
    Timer.RETRANSMIT: _retransmit,
    Timer.PERSIST: _persist,
    Timer.DELACK: _delack,
    Timer.TIME_WAIT: _time_wait,
    Timer.KEEPALIVE: _keepalive,
    Timer.USER: _user,
}
