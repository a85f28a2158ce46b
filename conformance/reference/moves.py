"""The one place where a connection changes its state: look the row up, do it, move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.reference.outputs import StateEntered
from conformance.reference.sender import reject, send_rst, send_syn
from conformance.reference.tcb import StackContext, Tcb, Timer
from conformance.reference.transitions import Action, Input
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap


def fire(ctx: StackContext, tcb: Tcb, happened: Input, segment: Segment | None = None) -> bool:
    """Do the row of this state and input; False if there is none, and then nothing happened."""
    row = ctx.rows.get((tcb.state, happened))
    if row is None:
        return False
    for action in row.actions:
        DO[action](ctx, tcb, segment)
    if row.next is not tcb.state:
        tcb.state = row.next
        ctx.outputs.append(StateEntered(tcb.local_port, tcb.remote_port, row.next))
    return True


def _send_fin(ctx: StackContext, tcb: Tcb, _: Segment | None) -> None:
    """All queued text, then the FIN, as the windows allow (3.10.4): output() does it, after."""
    tcb.fin_wanted = True
    tcb.more = tcb.cork = False
    tcb.cwnd = tcb.cwnd or tcb.snd_mss


def _send_ack(ctx: StackContext, tcb: Tcb, _: Segment | None) -> None:
    tcb.ack_now = True


def _reject(ctx: StackContext, tcb: Tcb, segment: Segment | None) -> None:
    if segment is not None:
        reject(ctx, segment)


def _take_fin(ctx: StackContext, tcb: Tcb, _: Segment | None) -> None:
    tcb.rcv_nxt = wrap(tcb.rcv_nxt + 1)
    tcb.fin_received = True


def _tell_open(ctx: StackContext, tcb: Tcb, _: Segment | None) -> None:
    """Connected: the first window of the path, the queue of accept()."""
    tcb.established = True
    tcb.last_heard = ctx.now
    lost_syn = bool(tcb.retries)
    if lost_syn:
        tcb.rto = 3.0  # RFC 6298 5.7
    tcb.cwnd = tcb.snd_mss * (1 if lost_syn else ctx.config.initial_window)
    tcb.retries = 0
    if tcb.keepalive:
        tcb.deadlines[Timer.KEEPALIVE] = ctx.now + tcb.keepidle
    if tcb.parent is not None and (tcb.fast is None or not tcb.fast.accepted):
        tcb.parent.ready.append(tcb)


def _teller(errno: str) -> Callable[[StackContext, Tcb, Segment | None], None]:
    def tell(ctx: StackContext, tcb: Tcb, _: Segment | None) -> None:
        tcb.error = errno

    return tell


def _start_2msl(ctx: StackContext, tcb: Tcb, _: Segment | None) -> None:
    """Start the time-wait timer, turn off the others (3.10.7.4)."""
    tcb.deadlines.clear()
    tcb.deadlines[Timer.TIME_WAIT] = ctx.now + 2 * ctx.config.msl


def _flush(ctx: StackContext, tcb: Tcb, _: Segment | None) -> None:
    tcb.queue.clear()
    tcb.unacked.clear()
    tcb.pieces.clear()
    tcb.received.clear()


def _delete(ctx: StackContext, tcb: Tcb, _: Segment | None) -> None:
    tcb.deadlines.clear()
    tcb.ack_now = False
    if ctx.tcbs.get((tcb.local_port, tcb.remote_port)) is tcb:
        del ctx.tcbs[tcb.local_port, tcb.remote_port]
    if ctx.listeners.get(tcb.local_port) is tcb:
        del ctx.listeners[tcb.local_port]


DO: Final[dict[Action, Callable[[StackContext, Tcb, Segment | None], None]]] = {
    Action.SEND_SYN: lambda ctx, tcb, _: send_syn(ctx, tcb, ack=False),
    Action.SEND_SYN_ACK: lambda ctx, tcb, _: send_syn(ctx, tcb, ack=True),
    Action.SEND_ACK: _send_ack,
    Action.SEND_FIN: _send_fin,
    Action.SEND_RST: lambda ctx, tcb, _: send_rst(ctx, tcb),
    Action.REJECT: _reject,
    Action.TAKE_FIN: _take_fin,
    Action.TELL_OPEN: _tell_open,
    Action.TELL_REFUSED: _teller("ECONNREFUSED"),
    Action.TELL_RESET: _teller("ECONNRESET"),
    Action.TELL_TIMEOUT: _teller("ETIMEDOUT"),
    Action.START_2MSL: _start_2msl,
    Action.FLUSH: _flush,
    Action.DELETE: _delete,
}
