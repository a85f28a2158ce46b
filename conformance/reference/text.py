"""Received text: sixth, seventh and eighth checks of 3.10.7.4, and the reassembly queue.

Octets that came first win over an overlap. Text beyond the window or beyond the peer's FIN is cut.
"""

from __future__ import annotations

from conformance.reference.moves import fire
from conformance.reference.tcb import FIN, MAY_RECEIVE, URG, StackContext, Tcb, Timer
from conformance.reference.transitions import Input
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff, wrap
from conformance.tcp.states import State


def hold(tcb: Tcb, segment: Segment) -> None:
    """Text, URG and FIN that came with a SYN wait for ESTABLISHED (3.10.7.2, 3.10.7.3)."""
    start = wrap(segment.seq + 1)
    bits = int(segment.flags)
    if bits & URG:
        _urgent(tcb, wrap(start + segment.urgent))
    _queue(tcb, start, segment.payload)
    if bits & FIN and len(segment.payload) < tcb.rcv_buff:
        tcb.fin_at = wrap(start + len(segment.payload))


def release(tcb: Tcb) -> None:
    """ESTABLISHED at last: what was held counts as arrived now, and is acknowledged at once."""
    if tcb.pieces or tcb.fin_at is not None:
        _deliver(tcb)
        tcb.ack_now = True


def sixth_urgent(tcb: Tcb, segment: Segment) -> None:
    """RCV.UP <- max(RCV.UP, SEG.UP), in the states that still receive."""
    if int(segment.flags) & URG and tcb.state in MAY_RECEIVE:
        _urgent(tcb, wrap(segment.seq + segment.urgent))


def _urgent(tcb: Tcb, pointer: int) -> None:
    ahead = diff(pointer, tcb.read_seq) > 0
    if ahead and (tcb.rcv_up is None or diff(pointer, tcb.rcv_up) > 0):
        tcb.rcv_up = pointer
        tcb.urgent_news = True


def seventh_text(ctx: StackContext, tcb: Tcb, segment: Segment) -> bool:
    """Take the text; False if that ended the connection."""
    if tcb.state not in MAY_RECEIVE:
        return True  # after the peer's FIN: ignored
    bits, size = int(segment.flags), len(segment.payload)
    end = wrap(segment.seq + size)
    fits = diff(end, wrap(tcb.rcv_nxt + tcb.rcv_wnd)) < 0
    if bits & FIN and fits and tcb.fin_at is None and diff(end, tcb.rcv_nxt) >= 0:
        tcb.fin_at = end
    if not size:
        if bits & FIN and tcb.fin_at != tcb.rcv_nxt:
            tcb.ack_now = True
        return True
    fresh = diff(end, tcb.rcv_nxt) > 0
    if fresh and tcb.half_duplex_closed and fire(ctx, tcb, Input.TEXT_AFTER_CLOSE, segment):
        return False  # 3.6.1: nobody will read it
    gap = bool(tcb.pieces)
    _queue(tcb, segment.seq, segment.payload)
    before = tcb.rcv_nxt
    _deliver(tcb)
    _owe_ack(ctx, tcb, at_once=gap or bool(tcb.pieces) or before == tcb.rcv_nxt or not fits)
    return True


def _owe_ack(ctx: StackContext, tcb: Tcb, *, at_once: bool) -> None:
    """3.8.6.3: at least every second segment, within 0.5 s; at once round a gap (RFC 5681 4.2)."""
    tcb.unanswered_text += 1
    if at_once or tcb.unanswered_text >= 2 or not ctx.config.delack:
        tcb.ack_now = True
    else:
        tcb.deadlines.setdefault(Timer.DELACK, ctx.now + ctx.config.delack)


def _queue(tcb: Tcb, seq: int, text: bytes) -> None:
    """Put what is new of the text among the pieces."""
    old = diff(tcb.rcv_nxt, seq)
    if old > 0:
        seq, text = tcb.rcv_nxt, text[old:]
    limit = tcb.rcv_wnd
    if tcb.fin_at is not None:
        limit = min(limit, diff(tcb.fin_at, tcb.rcv_nxt))
    text = text[: max(0, limit - diff(seq, tcb.rcv_nxt))]
    if not text:
        return
    tcb.newest_pieces = [seq, *(each for each in tcb.newest_pieces if each != seq)]
    if not tcb.pieces:
        tcb.pieces.append((seq, text))
        return
    kept: list[tuple[int, bytes]] = []
    for at, piece in tcb.pieces:
        before = diff(at, seq)
        if before > 0 and text:
            kept.append((seq, text[:before]))
        cut = min(len(text), max(0, before + len(piece)))
        if cut:
            seq, text = wrap(seq + cut), text[cut:]
        kept.append((at, piece))
    if text:
        kept.append((seq, text))
    tcb.pieces = kept


def _deliver(tcb: Tcb) -> None:
    """Move the pieces that start at RCV.NXT to the user's buffer."""
    done = 0
    for seq, text in tcb.pieces:
        if seq != tcb.rcv_nxt:
            break
        tcb.received += text
        tcb.rcv_nxt = wrap(tcb.rcv_nxt + len(text))
        done += 1
    if done:
        del tcb.pieces[:done]
        tcb.newest_pieces = [seq for seq in tcb.newest_pieces if diff(seq, tcb.rcv_nxt) > 0]


def eighth_fin(ctx: StackContext, tcb: Tcb, segment: Segment) -> None:
    """The peer's FIN, once everything before it is there."""
    if tcb.state is State.TIME_WAIT:
        if int(segment.flags) & FIN:
            fire(ctx, tcb, Input.FIN)
        return
    if not tcb.fin_received and tcb.fin_at == tcb.rcv_nxt:
        fire(ctx, tcb, Input.FIN)
