"""The socket calls that close and ask, and the table of all: RFC 9293 3.9.1 as programs know it."""

from __future__ import annotations

from typing import Final

from conformance.reference import asking
from conformance.reference.info import info
from conformance.reference.moves import fire
from conformance.reference.opening import accept, bind, connect, listen, make
from conformance.reference.sender import output
from conformance.reference.sockets import (
    AppSocket,
    AppSockets,
    Args,
    Call,
    CallRefused,
    Result,
    number,
)
from conformance.reference.sockopts import get_option, set_option
from conformance.reference.streams import recv, send
from conformance.reference.tcb import StackContext, Tcb
from conformance.reference.transitions import Input
from conformance.tcp.states import State


def _shutdown(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    sock, how = api.find(args), args.get("how", "WR")
    if how not in ("RD", "WR", "RDWR"):
        raise CallRefused("EINVAL")
    if sock.tcb is None or sock.tcb.state is State.CLOSED:
        raise CallRefused("ENOTCONN")
    sock.no_more_reads |= how != "WR"
    if how != "RD":
        rfc_close(api.ctx, sock.tcb)
    return sock, Result()


def rfc_close(ctx: StackContext, tcb: Tcb) -> None:
    """CLOSE of 3.10.4: no row where it is closed already, so no second FIN."""
    if tcb.state is State.LISTEN:
        abort_children(ctx, tcb)
    if tcb.state is State.SYN_RECEIVED and tcb.unsent:
        tcb.close_queued = True
        return
    fire(ctx, tcb, Input.CLOSE)
    output(ctx, tcb)


def abort_children(ctx: StackContext, listener: Tcb) -> None:
    """A closed listener takes with it what nobody accepted."""
    for tcb in [each for each in ctx.tcbs.values() if each.parent is listener]:
        fire(ctx, tcb, Input.ABORT)


def _close(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """CLOSE for both directions: nobody reads any more (3.6.1)."""
    sock = api.find(args)
    tcb, ctx = sock.tcb, api.ctx
    if not api.drop(args["socket"]):
        return sock, Result()  # another handle holds it
    if sock.options.get("LINGER") == 0:
        _reset(api, sock)
    elif tcb is not None:
        reads = tcb.state in (State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2,
                              State.CLOSE_WAIT)  # fmt: skip
        if reads and tcb.received:
            fire(ctx, tcb, Input.ABORT)  # SHLD-3: what came was not read
        else:
            tcb.half_duplex_closed = True
            rfc_close(ctx, tcb)
    return sock, Result()


def _abort(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """ABORT of 3.10.5."""
    sock = api.find(args)
    _reset(api, sock)
    api.drop(args["socket"])
    return sock, Result()


def _reset(api: AppSockets, sock: AppSocket) -> None:
    if sock.tcb is not None:
        if sock.tcb.state is State.LISTEN:
            abort_children(api.ctx, sock.tcb)
        fire(api.ctx, sock.tcb, Input.ABORT)


def _destroy(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """ABORT by another's hand: of a listener by its socket, else of a pair of ports."""
    ctx = api.ctx
    sock = api.find(args) if "socket" in args else AppSocket(0)
    if "socket" not in args:
        pair = (number(args, "local"), number(args, "remote"))
        sock.tcb = ctx.tcbs.get(pair)
    if sock.tcb is None:
        raise CallRefused("ENOENT")
    tcb = sock.tcb
    _reset(api, sock)
    tcb.error = "ECONNABORTED"
    return sock, Result()


def _disconnect(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """ABORT, and the socket may be used again."""
    sock = api.find(args)
    _reset(api, sock)
    sock.tcb = None
    sock.sent, sock.no_more_reads, sock.oob, sock.oob_read = 0, False, b"", None
    return sock, Result()


def _dup(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """One more handle; the connection lasts until the last of them is closed."""
    sock = api.find(args)
    return sock, Result(api.again(sock))


CALLS: Final[dict[str, Call]] = {
    "socket": make,
    "bind": bind,
    "listen": listen,
    "accept": accept,
    "connect": connect,
    "send": send,
    "recv": recv,
    "shutdown": _shutdown,
    "close": _close,
    "abort": _abort,
    "setsockopt": set_option,
    "getsockopt": get_option,
    "atmark": asking.atmark,
    "pending": asking.pending,
    "outq": asking.outq,
    "unsent": asking.unsent,
    "poll": asking.poll,
    "getsockname": asking.getsockname,
    "getpeername": asking.getpeername,
    "dup": _dup,
    "destroy": _destroy,
    "disconnect": _disconnect,
    "signals": asking.signals,
    "info": info,
}
