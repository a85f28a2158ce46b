"""TCP Fast Open, RFC 7413: off unless the setting and the application ask for it (section 2).

All peers are one here, whatever their ports: so a stack has one cookie to give and one to keep.
"""

from __future__ import annotations

from typing import Final

from conformance.reference.tcb import SYN, FastOpening, StackContext, Tcb
from conformance.reference.text import hold, release
from conformance.tcp.options import FastOpen
from conformance.tcp.segment import Segment

COOKIE: Final = bytes.fromhex("8c21f05b6ad9e347")
_DISABLED: Final = 3600.0  # seconds without Fast Open after it failed (4.1.3.1: temporarily)
_OPTIONS: Final = 40  # octets: what the options of a SYN may take of its text


def take_cookie(ctx: StackContext, listener: Tcb, child: Tcb, segment: Segment) -> None:
    """A SYN that asks for a cookie is told it (4.2.1), one that knows it gives its text (4.2.2)."""
    option = segment.option(FastOpen)
    if option is None or not ctx.config.fastopen or _pending(ctx, listener) >= listener.fastopen:
        return
    if option.cookie != COOKIE:
        child.fast = FastOpening(FastOpen(COOKIE))
        return
    child.fast = FastOpening(None, accepted=True)
    child.cwnd = child.snd_mss * ctx.config.initial_window  # RFC 5681, before the last ACK too
    hold(child, segment)
    release(child)
    listener.ready.append(child)


def _pending(ctx: StackContext, listener: Tcb) -> int:
    """PendingFastOpenRequests (4.2)."""
    port = listener.local_port
    return sum(1 for tcb in ctx.tcbs.values() if tcb.local_port == port and tcb.is_early)


def ask(ctx: StackContext, tcb: Tcb, text: bytes) -> int:
    """Let the SYN ask for a cookie, or carry one and text: how many octets of it (4.2.1, 4.2.2)."""
    if not ctx.config.fastopen or ctx.fast_again.get(tcb.remote_port, 0.0) > ctx.now:
        return 0
    tcb.fast = FastOpening(FastOpen(ctx.cookie))
    size = min(len(text), ctx.cookie_mss - _OPTIONS) if ctx.cookie else 0
    tcb.queue += text[:size]
    return size


def answered(ctx: StackContext, tcb: Tcb, segment: Segment) -> None:
    """The SYN,ACK: keep its cookie and MSS (4.1.3); text that it does not take is lost."""
    option = segment.option(FastOpen)
    if tcb.fast is None:
        return
    if option is not None and option.cookie:
        ctx.cookie, ctx.cookie_mss = option.cookie, tcb.snd_mss
    lost = [sent for sent in tcb.unacked if not sent.bits & SYN]
    for sent in lost:
        sent.lost = True
    if lost and (option is None or not option.cookie):
        ctx.fast_again[tcb.remote_port] = ctx.now + _DISABLED


def failed(ctx: StackContext, tcb: Tcb) -> None:
    """No answer to a SYN that had text (4.1.3.1)."""
    if tcb.fast is not None and tcb.fast.option is not None and len(tcb.unacked) > 1:
        ctx.fast_again[tcb.remote_port] = ctx.now + _DISABLED
