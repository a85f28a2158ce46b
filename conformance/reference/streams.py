"""SEND and RECEIVE (RFC 9293 3.10.2, 3.10.3), urgent data among them (3.8.5, RFC 6093)."""

from __future__ import annotations

from conformance.reference.opening import open_active
from conformance.reference.sender import output
from conformance.reference.sockets import (
    Args,
    Refused,
    Result,
    Socket,
    Sockets,
    Wait,
    number,
    pending_error,
    port_of,
)
from conformance.reference.tcb import Tcb
from conformance.reference.transitions import Input
from conformance.reference.windows import update_wanted
from conformance.tcp.seq import diff, wrap
from conformance.tcp.states import State
from conformance.tcp.stream import octets

_NO_MORE_SENDS = (
    State.FIN_WAIT_1,
    State.FIN_WAIT_2,
    State.CLOSING,
    State.LAST_ACK,
    State.TIME_WAIT,
)


def send(api: Sockets, args: Args) -> tuple[Socket, Wait]:
    """SEND; blocks while the send buffer is full."""
    sock = api.find(args)
    if sock.tcb is not None and sock.tcb.state is State.LISTEN and "port" in args:
        open_active(api, sock, port_of(args, "port"), {}, Input.SEND)
    tcb, ctx, flag = sock.tcb, api.ctx, args.get("flag", "")
    if tcb is None or tcb.state is State.LISTEN:
        raise Refused("ENOTCONN")
    text = args.get("text")
    rest = text.encode() if isinstance(text, str) else octets(sock.sent, number(args, "count"))
    total = len(rest)

    def wait() -> Result | None:
        nonlocal rest
        _refuse_to_send(tcb)
        room = max(0, sock.options.get("SNDBUF", ctx.config.sndbuf) - len(tcb.queue))
        now, rest = rest[:room], rest[room:]
        tcb.queue += now
        sock.sent += len(now)
        tcb.more = flag == "MORE"
        if flag == "OOB" and not rest:
            tcb.snd_up = wrap(tcb.snd_base + len(tcb.queue))
        output(ctx, tcb)
        if flag == "OOB" and not rest and tcb.established and diff(tcb.snd_nxt, tcb.snd_una) == 0:
            tcb.ack_now = True  # the window is closed: the pointer goes without text (3.8.5)
            output(ctx, tcb)
        return None if rest else Result(total)

    return sock, wait


def _refuse_to_send(tcb: Tcb) -> None:
    if tcb.state is State.CLOSED:
        pending_error(tcb)
        raise Refused("EPIPE")
    if tcb.fin_wanted or tcb.close_queued or tcb.state in _NO_MORE_SENDS:
        raise Refused("EPIPE")


def recv(api: Sockets, args: Args) -> tuple[Socket, Wait]:
    """RECEIVE; blocks until there is an octet, the end or an error; with all=1, for all."""
    sock, count = api.find(args), number(args, "count", 65536)
    tcb = sock.tcb
    if tcb is None or tcb.state is State.LISTEN or count < 0:
        raise Refused("ENOTCONN" if count >= 0 else "EINVAL")
    if args.get("flag") == "OOB":
        return sock, lambda: _recv_urgent(sock, tcb)
    whole, got = bool(args.get("all")), bytearray()

    def wait() -> Result | None:
        while len(got) < count and (text := _read(sock, tcb, count - len(got))):
            got.extend(text)
            if not whole:
                break
        if got and update_wanted(tcb) and tcb.state is not State.CLOSED:
            tcb.ack_now = True
            output(api.ctx, tcb)
        if len(got) >= count or (got and not whole):
            return Result(len(got), bytes(got))
        if not got:
            pending_error(tcb)
        if tcb.fin_received or sock.no_more_reads or tcb.state is State.CLOSED:
            return Result(len(got), bytes(got))
        return None

    return sock, wait


def _read(sock: Socket, tcb: Tcb, count: int) -> bytes:
    """Up to ``count`` octets; stops before the urgent octet, which is read apart."""
    if tcb.rcv_up is not None and tcb.received:
        mark = diff(wrap(tcb.rcv_up - 1), tcb.read_seq)
        if mark == 0 and not sock.options.get("OOBINLINE"):
            sock.oob = b"" if sock.oob_read else bytes(tcb.received[:1])
            sock.oob_read = False
            del tcb.received[:1]
            tcb.rcv_up = None
        elif mark > 0:
            count = min(count, mark)
        elif mark < 0 or sock.options.get("OOBINLINE"):
            tcb.rcv_up = None
    text = bytes(tcb.received[:count])
    del tcb.received[:count]
    return text


def _recv_urgent(sock: Socket, tcb: Tcb) -> Result | None:
    if sock.oob:
        urgent, sock.oob = sock.oob, b""
        return Result(1, urgent)
    if tcb.rcv_up is None or sock.options.get("OOBINLINE"):
        raise Refused("EINVAL")
    at = diff(wrap(tcb.rcv_up - 1), tcb.read_seq)
    if not 0 <= at < len(tcb.received):
        pending_error(tcb)
        return Result() if tcb.fin_received or tcb.state is State.CLOSED else None
    if sock.oob_read:
        raise Refused("EINVAL")
    sock.oob_read = True  # it stays in the stream until the reader passes the mark
    urgent = bytes(tcb.received[at : at + 1])
    return Result(1, urgent)
