"""Everything that leaves: SYNs, text, FINs, ACKs, resets, retransmissions.

One rule keeps the ladder clean: an ACK that is due is a flag (``ack_now``) until the event is
done; :func:`output` then sends text if it may, and a bare ACK only if no text carried it.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.outputs import Emitted
from conformance.reference.signing import key_for, sign
from conformance.reference.tcb import (
    ACK,
    FIN,
    MAY_SEND,
    PSH,
    RST,
    SYN,
    URG,
    QueuedSegment,
    StackContext,
    Tcb,
    Timer,
)
from conformance.reference.windows import mss_now, next_sent, offer, usable
from conformance.tcp.flags import Flags
from conformance.tcp.ip import IpFields
from conformance.tcp.options import Mss, Nop, Option, Sack, SackPermitted, Timestamps, WindowScale
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff, wrap
from conformance.tcp.states import State

_ISS_STEP = 1 << 24  # a new incarnation starts beyond the old SND.NXT (RFC 9293 3.4.1)
_FLAGS = [Flags(bits) for bits in range(0x40)]
_NOP = Nop()


def clock(ctx: StackContext) -> int:
    """TSval now: milliseconds (RFC 7323 5.4: 1 ms to 1 s a tick)."""
    return wrap(int(ctx.now * 1000) + ctx.config.ts_offset)


def _syn_options(ctx: StackContext, tcb: Tcb) -> tuple[Option, ...]:
    options: list[Option] = [Mss(tcb.announced_mss)]
    if tcb.sack_offered:
        options.append(SackPermitted())
    if tcb.ts_offered:
        options += [] if tcb.sack_offered else [_NOP, _NOP]
        options.append(Timestamps(clock(ctx), tcb.ts_recent))
    if tcb.wscale_offered is not None:
        options += [_NOP, WindowScale(tcb.wscale_offered)]
    if tcb.fast is not None and tcb.fast.option is not None and not tcb.unacked[0].again:
        options.append(tcb.fast.option)  # RFC 7413 4.2.2: only the first SYN has it
    return tuple(options)


def _options(ctx: StackContext, tcb: Tcb) -> tuple[Option, ...]:
    if not tcb.ts_ok and not (tcb.sack_ok and tcb.pieces):
        return ()
    options: list[Option] = []
    if tcb.ts_ok:  # RFC 7323 3.2: on every segment once agreed
        options += [_NOP, _NOP, Timestamps(clock(ctx), tcb.ts_recent)]
    if tcb.sack_ok and tcb.pieces:
        options += [_NOP, _NOP, Sack(_sack_blocks(tcb)[: 3 if tcb.ts_ok else 4])]
    return tuple(options)


def _sack_blocks(tcb: Tcb) -> tuple[tuple[int, int], ...]:
    """The islands beyond RCV.NXT, those with the newest pieces first (RFC 2018 section 4)."""
    blocks: list[tuple[int, int]] = []
    for seq, text in tcb.pieces:
        if blocks and blocks[-1][1] == seq:
            blocks[-1] = (blocks[-1][0], wrap(seq + len(text)))
        else:
            blocks.append((seq, wrap(seq + len(text))))
    by_age: list[tuple[int, int]] = []
    for newest in tcb.newest_pieces:
        for block in blocks:
            if block not in by_age and diff(block[0], newest) <= 0 < diff(block[1], newest):
                by_age.append(block)
    return tuple(by_age)


def transmit(ctx: StackContext, tcb: Tcb, bits: int, seq: int, text: bytes = b"") -> None:
    """Put one segment on the wire; whatever carries an ACK settles what was owed."""
    syn = bool(bits & SYN)
    urgent = 0
    if tcb.snd_up is not None and not bits & (SYN | RST) and diff(tcb.snd_up, seq) > 0:
        urgent = min(0xFFFF, diff(tcb.snd_up, seq))  # MUST-62: to the octet after the last
        bits |= URG
    ack = 0
    if bits & ACK:
        ack = tcb.last_ack_sent = tcb.rcv_nxt
        tcb.ack_now = False
        tcb.unanswered_text = 0
        tcb.deadlines.pop(Timer.DELACK, None)
    window = 0 if bits & RST else offer(tcb, syn=syn)
    options = _syn_options(ctx, tcb) if syn else _options(ctx, tcb)
    segment = Segment(
        tcb.local_port,
        tcb.remote_port,
        _FLAGS[bits],
        seq,
        ack,
        window,
        urgent,
        options,
        text,
        ip=IpFields(tcb.ttl, tcb.tos, sender=tcb.address or ""),
    )
    ctx.outputs.append(Emitted(sign(ctx, tcb.md5_key, segment)))


def send_syn(ctx: StackContext, tcb: Tcb, *, ack: bool) -> None:
    """<SYN> or <SYN,ACK>; the first one chooses the ISS, another (3.10.7.3) repeats it."""
    again = tcb.iss is not None
    if tcb.iss is None:
        tcb.iss = wrap(ctx.config.iss + ctx.opened * _ISS_STEP)
        ctx.opened += 1
        tcb.snd_una = tcb.iss
        tcb.snd_nxt = tcb.snd_base = wrap(tcb.iss + 1)
    early = [replace(sent, lost=True) for sent in tcb.unacked if not sent.bits & SYN]
    tcb.unacked.clear()
    tcb.unacked.append(QueuedSegment(tcb.iss, 0, SYN | (ACK if ack else 0), ctx.now, again))
    tcb.unacked += early
    transmit(ctx, tcb, tcb.unacked[0].bits, tcb.iss, b"" if ack else _early_text(ctx, tcb))
    start_retransmit(ctx, tcb)


def _early_text(ctx: StackContext, tcb: Tcb) -> bytes:
    """What was written before the SYN goes with it (RFC 7413 4.2.2); again it goes alone."""
    text = bytes(tcb.queue)
    if text:
        tcb.unacked.append(QueuedSegment(tcb.snd_nxt, len(text), ACK | PSH, ctx.now))
        tcb.snd_nxt = wrap(tcb.snd_nxt + len(text))
    return text


def send_rst(ctx: StackContext, tcb: Tcb) -> None:
    """<SEQ=SND.NXT><CTL=RST> (3.10.5)."""
    transmit(ctx, tcb, RST, tcb.snd_nxt)


def reject(ctx: StackContext, segment: Segment) -> None:
    """The reset that a segment draws (3.5.2 group 1, 3.10.7.1); a reset draws none."""
    bits = int(segment.flags)
    if bits & RST:
        return
    seq, flags, ack = segment.ack, RST, 0
    if not bits & ACK:
        seq, flags, ack = 0, RST | ACK, segment.end
    stamps = segment.option(Timestamps) if ctx.config.timestamps else None
    # RFC 7323 5.2: TSecr is SEG.TSval, TSval is zero.
    options = (Nop(), Nop(), Timestamps(0, stamps.value)) if stamps else ()
    ip = IpFields(sender=segment.ip.receiver)
    reset = Segment(segment.dport, segment.sport, _FLAGS[flags], seq, ack, options=options, ip=ip)
    tcb = ctx.tcbs.get((segment.dport, segment.sport))
    ctx.outputs.append(Emitted(sign(ctx, key_for(ctx, tcb, segment.dport), reset)))


def output(ctx: StackContext, tcb: Tcb) -> None:
    """Send what may be sent, then the ACK that is still owed."""
    if tcb.state in MAY_SEND:
        _send_lost(ctx, tcb)
        while sent := next_sent(ctx, tcb):
            send_new(ctx, tcb, sent)
        _watch_window(ctx, tcb)
    while tcb.is_early and (sent := next_sent(ctx, tcb, force=True)):
        send_new(ctx, tcb, sent)  # RFC 7413 4.2.2: before the last ACK of the handshake
    if tcb.ack_now and tcb.state is not State.CLOSED:
        transmit(ctx, tcb, ACK, tcb.snd_nxt)


def send_new(ctx: StackContext, tcb: Tcb, sent: QueuedSegment) -> None:
    """First transmission of text and FIN from SND.NXT."""
    tcb.unacked.append(sent)
    if sent.bits & FIN:
        tcb.fin_seq = wrap(sent.seq + sent.text)
    tcb.snd_nxt = sent.end
    transmit(ctx, tcb, sent.bits, sent.seq, text_of(tcb, sent.seq, sent.text))
    tcb.deadlines.pop(Timer.PERSIST, None)
    start_retransmit(ctx, tcb)


def text_of(tcb: Tcb, seq: int, size: int) -> bytes:
    """``size`` octets of the send queue from ``seq``."""
    at = diff(seq, tcb.snd_base)
    return bytes(tcb.queue[at : at + size])


def retransmit(ctx: StackContext, tcb: Tcb, sent: QueuedSegment) -> None:
    """Send a line of the retransmission queue again, less what is acknowledged of it."""
    sent.again, sent.lost = True, False
    if sent.bits & SYN:
        transmit(ctx, tcb, sent.bits, sent.seq)
        return
    old = min(sent.text, max(0, diff(tcb.snd_una, sent.seq)))
    sent.seq, sent.text = wrap(sent.seq + old), sent.text - old
    limit = mss_now(tcb)
    if sent.text > limit:  # the MSS shrank since
        rest = QueuedSegment(
            wrap(sent.seq + limit), sent.text - limit, sent.bits, sent.at, True, True
        )
        sent.text, sent.bits = limit, ACK
        tcb.unacked.insert(tcb.unacked.index(sent) + 1, rest)
    transmit(ctx, tcb, sent.bits, sent.seq, text_of(tcb, sent.seq, sent.text))


def _send_lost(ctx: StackContext, tcb: Tcb) -> None:
    """After a timeout: the rest of the lost flight, in slow start (RFC 5681 3.1)."""
    for sent in tuple(tcb.unacked) if any(each.lost for each in tcb.unacked) else ():
        if diff(sent.end, tcb.snd_una) > min(tcb.cwnd, max(tcb.snd_wnd, 1)):
            return
        if sent.lost:
            retransmit(ctx, tcb, sent)


def _watch_window(ctx: StackContext, tcb: Tcb) -> None:
    """Text or a FIN waits, nothing is out: probe a zero window, or override SWS avoidance."""
    waiting = tcb.unsent > 0 or tcb.fin_pending
    if not waiting or tcb.unacked:
        if not tcb.probing:
            tcb.deadlines.pop(Timer.PERSIST, None)
        return
    if Timer.PERSIST in tcb.deadlines:
        return
    closed = usable(tcb) <= 0
    if not closed and (tcb.cork or tcb.more):
        return
    tcb.deadlines[Timer.PERSIST] = ctx.now + (tcb.rto if closed else ctx.config.override)
    tcb.probes = 0
    if Timer.USER not in tcb.deadlines:
        start_user_timer(ctx, tcb)


def start_retransmit(ctx: StackContext, tcb: Tcb) -> None:
    """RFC 6298 5.1: start the timer if it is not running; with it the count to R2."""
    if Timer.RETRANSMIT not in tcb.deadlines and not tcb.probing:
        tcb.deadlines[Timer.RETRANSMIT] = ctx.now + tcb.rto
    if Timer.USER not in tcb.deadlines:
        start_user_timer(ctx, tcb)


def start_user_timer(ctx: StackContext, tcb: Tcb) -> None:
    """Give up this long after the last progress (3.8.3 R2, 3.9.1.1 user timeout)."""
    tcb.waiting_since = ctx.now
    tcb.deadlines[Timer.USER] = ctx.now + patience(ctx, tcb)


def patience(ctx: StackContext, tcb: Tcb) -> float:
    """Seconds without progress: the user's own timeout, else the lesser of R2 and the default."""
    if tcb.user_timeout is not None:
        return tcb.user_timeout
    syn = tcb.state in (State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED)
    r2 = ctx.config.r2_syn if syn else ctx.config.r2
    if syn and tcb.syn_retries is not None:
        r2 = ctx.config.user_timeout
    return min(ctx.config.user_timeout, r2)
