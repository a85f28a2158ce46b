"""SEGMENT ARRIVES, RFC 9293 3.10.7, in its order and numbering.

The checks of 3.10.7.4 are one tuple of functions; each answers the segment to go on with, or None
when the segment is done. With ``rfc5961`` off the branches of RFC 9293 without RFC 5961 are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from conformance.reference.acks import acknowledge, duplicate, set_window, update_window
from conformance.reference.fastopen import answered, take_cookie
from conformance.reference.moves import fire
from conformance.reference.recovery import take_sack
from conformance.reference.sender import output, reject
from conformance.reference.signing import genuine, key_for
from conformance.reference.synoptions import offer_options, take_syn
from conformance.reference.tcb import ACK, FIN, RST, SYN, URG, StackContext, Tcb
from conformance.reference.text import eighth_fin, hold, release, seventh_text, sixth_urgent
from conformance.reference.transitions import Input
from conformance.tcp import options as tcp_options
from conformance.tcp.addresses import SECOND
from conformance.tcp.flags import Flags
from conformance.tcp.options import Timestamps
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff, in_window, wrap
from conformance.tcp.states import State

_IDLE_LIMIT = 24 * 86400.0  # RFC 7323 5.5: TS.Recent is invalid after 24 days, seconds


def arrive(ctx: StackContext, segment: Segment) -> None:
    """One segment from the network; broken ones are dropped without a word (MUST-3)."""
    if segment.trouble or segment.checksum is not None:
        return
    if segment.ip.sender or segment.ip.receiver not in ("", SECOND):
        return  # from what no host can be (MUST-63), or not to this host alone (MUST-57)
    if segment.offset is not None:
        read = _as_offset_says(segment)
        if read is None:
            return
        segment = read
    tcb = ctx.tcbs.get((segment.dport, segment.sport))
    if not genuine(ctx, key_for(ctx, tcb, segment.dport), segment):
        return
    if tcb is not None and tcb.state is State.TIME_WAIT and _new_incarnation(ctx, tcb, segment):
        tcb = None
    if tcb is None or (tcb.address or "") != segment.ip.receiver:
        listener = ctx.listeners.get(segment.dport)
        if listener is None or listener.address not in (None, segment.ip.receiver):
            closed(ctx, segment)
        else:
            listen(ctx, listener, segment)
        return
    if tcb.state is State.SYN_SENT:
        syn_sent(ctx, tcb, segment)
    else:
        other_states(ctx, tcb, segment)
    output(ctx, tcb)


def _as_offset_says(segment: Segment) -> Segment | None:
    """The segment as a receiver reads it whose data offset is what the header carries."""
    if segment.offset is None or segment.offset < 5:
        return None
    octets = tcp_options.encode(segment.options) + segment.payload
    header = segment.offset * 4 - 20
    if header > len(octets):
        return None
    options = tcp_options.decode(octets[:header])
    return replace(segment, offset=None, options=options, payload=octets[header:])


def closed(ctx: StackContext, segment: Segment) -> None:
    """3.10.7.1: no TCB: a reset, but for a reset."""
    reject(ctx, segment)


def listen(ctx: StackContext, listener: Tcb, segment: Segment) -> None:
    """3.10.7.2: first RST, second ACK, third SYN, fourth anything else."""
    bits = int(segment.flags)
    if bits & RST:
        return
    if bits & ACK:
        reject(ctx, segment)
        return
    if not bits & SYN or len(listener.ready) >= max(1, listener.backlog):
        return
    child = ctx.new_tcb(segment.dport, segment.sport)
    child.address = segment.ip.receiver
    child.state, child.passive, child.parent = State.LISTEN, True, listener
    for name in ("rcv_buff", "announced_mss", "nodelay", "keepalive", "keepidle", "keepintvl",
                 "keepcnt", "md5_key", "user_timeout", "ttl", "tos"):  # fmt: skip
        setattr(child, name, getattr(listener, name))
    offer_options(ctx, child)
    take_syn(ctx, child, segment)
    take_cookie(ctx, listener, child, segment)
    if fire(ctx, child, Input.SYN, segment):
        ctx.tcbs[child.local_port, child.remote_port] = child
        set_window(child, segment)
        hold(child, segment)


def syn_sent(ctx: StackContext, tcb: Tcb, segment: Segment) -> None:
    """3.10.7.3: first ACK, second RST, third security (none), fourth SYN, fifth drop."""
    bits = int(segment.flags)
    acked = bool(bits & ACK)
    if acked and not diff(tcb.snd_una, segment.ack) < 0 <= diff(tcb.snd_nxt, segment.ack):
        reject(ctx, segment)
        return
    if bits & RST:
        if acked:
            fire(ctx, tcb, Input.RST)
        return
    if not bits & SYN:
        return
    if not acked:
        if (tcb.state, Input.SYN) in ctx.rows:
            take_syn(ctx, tcb, segment)
            set_window(tcb, segment)
            hold(tcb, segment)
        fire(ctx, tcb, Input.SYN)
        return
    if (tcb.state, Input.SYN_ACK) not in ctx.rows:
        return
    take_syn(ctx, tcb, segment)
    set_window(tcb, segment)
    hold(tcb, segment)
    fire(ctx, tcb, Input.SYN_ACK)
    acknowledge(ctx, tcb, segment.ack)
    answered(ctx, tcb, segment)
    release(tcb)
    eighth_fin(ctx, tcb, segment)


def other_states(ctx: StackContext, tcb: Tcb, segment: Segment) -> None:
    """3.10.7.4: the eight checks, in order."""
    segment = _without_crossing_syn(tcb, segment)
    for check in CHECKS:
        checked = check(ctx, tcb, segment)
        if checked is None:
            return
        segment = checked


def _without_crossing_syn(tcb: Tcb, segment: Segment) -> Segment:
    """The SYN,ACK of a simultaneous open repeats a SYN that we have (figure 7): it is an ACK."""
    bits = int(segment.flags)
    if (
        tcb.state is not State.SYN_RECEIVED
        or tcb.passive
        or bits & (SYN | ACK | RST) != SYN | ACK
        or segment.seq != tcb.irs
    ):
        return segment
    window = segment.window >> tcb.snd_scale  # a SYN's is not scaled
    return replace(segment, flags=Flags(bits & ~SYN), seq=wrap(segment.seq + 1), window=window)


def first_sequence(ctx: StackContext, tcb: Tcb, segment: Segment) -> Segment | None:
    """The window, and before it PAWS (RFC 7323 5.3)."""
    bits = int(segment.flags)
    stamp = segment.option(Timestamps) if tcb.ts_ok else None
    if tcb.ts_ok and not bits & RST:
        if stamp is None:
            return None  # RFC 7323 3.2: once agreed, a segment without is dropped
        stale = ctx.now - tcb.ts_recent_at > _IDLE_LIMIT
        if diff(stamp.value, tcb.ts_recent) < 0 and not stale:
            _unacceptable(ctx, tcb, segment)
            return None
    window = tcb.rcv_wnd
    if not _acceptable(tcb, segment, window):
        if window == 0 and segment.seq == tcb.rcv_nxt:  # MUST-66: ACK, URG and RST still count
            tcb.ack_now = not bits & RST
            kept = Flags(bits & (ACK | URG | RST))
            return replace(segment, flags=kept, payload=b"")
        _unacceptable(ctx, tcb, segment)
        return None
    if stamp is not None and diff(segment.seq, tcb.last_ack_sent) <= 0:
        tcb.ts_recent, tcb.ts_recent_at = stamp.value, ctx.now  # RFC 7323 4.3
    tcb.last_heard, tcb.keep_probes = ctx.now, 0
    return segment


def _acceptable(tcb: Tcb, segment: Segment, window: int) -> bool:
    """The four cases of 3.4, table 5."""
    length = segment.length
    if window == 0:
        return length == 0 and segment.seq == tcb.rcv_nxt
    if in_window(segment.seq, tcb.rcv_nxt, window):
        return True
    return length > 0 and in_window(wrap(segment.seq + length - 1), tcb.rcv_nxt, window)


def _unacceptable(ctx: StackContext, tcb: Tcb, segment: Segment) -> None:
    """An ACK, but for a reset. In TIME-WAIT the peer's FIN again restarts 2 MSL (MUST-13)."""
    bits = int(segment.flags)
    if bits & RST:
        return
    tcb.ack_now = True
    tcb.last_heard, tcb.keep_probes = ctx.now, 0
    if bits & FIN and segment.end == tcb.rcv_nxt and tcb.state is State.TIME_WAIT:
        fire(ctx, tcb, Input.FIN)


def second_reset(ctx: StackContext, tcb: Tcb, segment: Segment) -> Segment | None:
    """A reset in the window; with RFC 5961 3.2 only at RCV.NXT, else a challenge ACK."""
    if not int(segment.flags) & RST:
        return segment
    if ctx.config.rfc5961 and segment.seq != tcb.rcv_nxt:
        tcb.ack_now = True
        return None
    early = tcb.is_early
    back = tcb.passive and tcb.state is State.SYN_RECEIVED
    fire(ctx, tcb, Input.RST_PASSIVE if back and not early else Input.RST)
    if early:
        tcb.error = "ECONNRESET"  # the application has it: nobody was refused
    return None


def fourth_syn(ctx: StackContext, tcb: Tcb, segment: Segment) -> Segment | None:
    """A SYN in the window: back to LISTEN, a challenge ACK (RFC 5961 4.2), or a reset."""
    if not int(segment.flags) & SYN:
        return segment
    if tcb.passive and tcb.state is State.SYN_RECEIVED:
        fire(ctx, tcb, Input.SYN_IN_WINDOW_PASSIVE)
    elif ctx.config.rfc5961:
        tcb.ack_now = True
    else:
        fire(ctx, tcb, Input.SYN_IN_WINDOW, segment)
    return None


def fifth_ack(ctx: StackContext, tcb: Tcb, segment: Segment) -> Segment | None:
    """The ACK field; without the bit the segment is dropped."""
    if not int(segment.flags) & ACK:
        return None
    ack = segment.ack
    news, beyond = diff(ack, tcb.snd_una), diff(ack, tcb.snd_nxt) > 0
    if ctx.config.rfc5961 and (beyond or news < -tcb.max_snd_wnd):
        tcb.ack_now = True  # RFC 5961 5.2
        return None
    if tcb.state is State.SYN_RECEIVED:
        if news <= 0 or beyond:
            reject(ctx, segment)
            return None
        if not fire(ctx, tcb, Input.ACK_OF_SYN):
            return None
        set_window(tcb, segment)
        acknowledge(ctx, tcb, ack)
        release(tcb)
        if tcb.close_queued:
            fire(ctx, tcb, Input.CLOSE)
    elif beyond:
        tcb.ack_now = True
        return None
    elif news >= 0 and tcb.state is not State.TIME_WAIT:
        _take_ack(ctx, tcb, segment, news)
    return segment if tcb.state is not State.CLOSED else None


def _take_ack(ctx: StackContext, tcb: Tcb, segment: Segment, news: int) -> None:
    """SND.UNA =< SEG.ACK =< SND.NXT."""
    window_changed = update_window(tcb, segment)
    reported = take_sack(tcb, segment)
    if news > 0:
        acknowledge(ctx, tcb, segment.ack)
    else:
        duplicate(ctx, tcb, segment, window_changed=window_changed, news=reported)


def _sixth(ctx: StackContext, tcb: Tcb, segment: Segment) -> Segment | None:
    sixth_urgent(tcb, segment)
    return segment


def _seventh(ctx: StackContext, tcb: Tcb, segment: Segment) -> Segment | None:
    return segment if seventh_text(ctx, tcb, segment) else None


def _eighth(ctx: StackContext, tcb: Tcb, segment: Segment) -> Segment | None:
    eighth_fin(ctx, tcb, segment)
    return segment


CHECKS: Final[tuple[Callable[[StackContext, Tcb, Segment], Segment | None], ...]] = (
    first_sequence,
    second_reset,
    # third: security and compartment, for multi-level secure systems only (A.1)
    fourth_syn,
    fifth_ack,
    _sixth,
    _seventh,
    _eighth,
)


def _new_incarnation(ctx: StackContext, tcb: Tcb, segment: Segment) -> bool:
    """A SYN that TIME-WAIT may accept (MAY-2, and RFC 6191 by timestamps): the old TCB goes."""
    if int(segment.flags) & (SYN | ACK | RST) != SYN or segment.dport not in ctx.listeners:
        return False
    stamp = segment.option(Timestamps)
    beyond = diff(segment.seq, tcb.rcv_nxt) > 0
    if tcb.ts_ok and stamp is not None:
        newer = diff(stamp.value, tcb.ts_recent)
        accepted = newer > 0 or (newer == 0 and beyond)
    else:
        accepted = beyond or stamp is not None
    return accepted and fire(ctx, tcb, Input.NEW_SYN)
