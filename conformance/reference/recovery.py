"""Loss recovery: NewReno (RFC 6582), and with SACK the scoreboard of RFC 6675.

A line of the retransmission queue is the unit: what a block does not cover as a whole counts as
not reported. ``recover`` is SND.NXT of the last loss: until it is passed, no second one begins.
"""

from __future__ import annotations

from typing import Final

from conformance.reference.sender import retransmit
from conformance.reference.tcb import QueuedSegment, StackContext, Tcb, Timer
from conformance.tcp.options import Sack
from conformance.tcp.segment import Segment
from conformance.tcp.seq import diff

_DUP_THRESH: Final = 3


def take_sack(tcb: Tcb, segment: Segment) -> bool:
    """Mark what the blocks report; True if that is news. A block that cannot be true is none."""
    option = segment.option(Sack) if tcb.sack_ok else None
    before = sum(sent.sacked for sent in tcb.unacked)
    for left, right in option.blocks if option else ():
        if not diff(left, tcb.snd_una) >= 0 < diff(right, left) or diff(right, tcb.snd_nxt) > 0:
            continue
        for sent in tcb.unacked:
            if diff(sent.seq, left) >= 0 and diff(sent.end, right) <= 0:
                sent.sacked = True
    return sum(sent.sacked for sent in tcb.unacked) > before


def count_duplicate(ctx: StackContext, tcb: Tcb, *, news: bool) -> None:
    """The third duplicate ACK, or blocks that are worth three, begin a recovery (RFC 5681 3.2)."""
    if tcb.sack_ok and not news:
        return
    tcb.dupacks += 1
    if tcb.recovering:
        if tcb.sack_ok:
            _fill_holes(ctx, tcb)
        else:
            tcb.cwnd += tcb.snd_mss
        return
    enough = tcb.dupacks == _DUP_THRESH or (tcb.sack_ok and _is_lost(tcb, 0))
    if enough and _beyond_recovery(tcb):
        _begin(ctx, tcb)


def _beyond_recovery(tcb: Tcb) -> bool:
    """RFC 6582 3.2 step 2: an octet is acknowledged that was not out at the last loss."""
    return tcb.recover is None or diff(tcb.snd_una, tcb.recover) > 0


def _still_recovering(tcb: Tcb) -> bool:
    """RFC 6582 3.2 step 3: not all is acknowledged that was out when this loss was found."""
    return tcb.recover is not None and diff(tcb.snd_una, tcb.recover) < 0


def _begin(ctx: StackContext, tcb: Tcb) -> None:
    flight = diff(tcb.snd_nxt, tcb.snd_una)
    tcb.recovering, tcb.recover = True, tcb.snd_nxt
    tcb.ssthresh = max(flight // 2, 2 * tcb.snd_mss)
    tcb.cwnd = tcb.ssthresh + (0 if tcb.sack_ok else _DUP_THRESH * tcb.snd_mss)
    for sent in tcb.unacked:
        sent.rescued = False
    _rescue(ctx, tcb, tcb.unacked[0])
    if tcb.sack_ok:
        _fill_holes(ctx, tcb)


def _rescue(ctx: StackContext, tcb: Tcb, sent: QueuedSegment) -> None:
    retransmit(ctx, tcb, sent)
    sent.rescued = True
    tcb.deadlines[Timer.RETRANSMIT] = ctx.now + tcb.rto


def _is_lost(tcb: Tcb, at: int) -> bool:
    """IsLost() of RFC 6675 section 4, in segments: three above it were reported."""
    above = [sent.sacked for sent in list(tcb.unacked)[at:]]
    return bool(above) and not above[0] and sum(above) >= _DUP_THRESH


def _fill_holes(ctx: StackContext, tcb: Tcb) -> None:
    """NextSeg() rule 1: what is lost and not yet sent again, while the pipe has room."""
    for at, sent in enumerate(tuple(tcb.unacked)):
        if sent.rescued or not _is_lost(tcb, at):
            continue
        if _pipe(tcb) + sent.text > tcb.cwnd:
            return
        _rescue(ctx, tcb, sent)


def _pipe(tcb: Tcb) -> int:
    """SetPipe() of RFC 6675 section 4, octets."""
    pipe = 0
    for at, sent in enumerate(tcb.unacked):
        if not sent.sacked:
            pipe += sent.text * ((not _is_lost(tcb, at)) + sent.rescued)
    return pipe


def acknowledged(ctx: StackContext, tcb: Tcb, gained: int) -> bool:
    """New text was acknowledged. True in recovery, where the window does not grow.

    A partial ACK has the next hole sent again at once (RFC 6582 3.2 step 5); a full one ends it.
    """
    if not tcb.recovering:
        return False
    if tcb.unacked and _still_recovering(tcb):
        if not tcb.sack_ok:
            tcb.cwnd = max(tcb.snd_mss, tcb.cwnd - gained + tcb.snd_mss)
        if not (tcb.unacked[0].rescued or tcb.unacked[0].sacked):
            _rescue(ctx, tcb, tcb.unacked[0])
        return True
    flight = diff(tcb.snd_nxt, tcb.snd_una)
    tcb.cwnd = min(tcb.ssthresh, max(flight, tcb.snd_mss) + tcb.snd_mss)
    tcb.recovering = False
    return True


def timed_out(tcb: Tcb) -> None:
    """A timeout ends the recovery and forgets the blocks (RFC 6582 3.2 step 4, RFC 2018 5)."""
    tcb.recovering, tcb.recover = False, tcb.snd_nxt
    for sent in tcb.unacked:
        sent.sacked = sent.rescued = False
