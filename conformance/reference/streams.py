"""SEND and RECEIVE (RFC 9293 3.10.2, 3.10.3), urgent data among them (3.8.5, RFC 6093)."""

from __future__ import annotations

from conformance.reference.opening import open_active
from conformance.reference.sender import output
from conformance.reference.sockets import (
    AppSocket,
    AppSockets,
    Args,
    CallRefused,
    Result,
    Wait,
    flags,
    may_wait,
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


def send(api: AppSockets, args: Args) -> tuple[AppSocket, Wait]:
    """SEND; blocks while the send buffer is full, or takes what there is room for."""
    sock, said = api.find(args), flags(args)
    if "EOR" in said:
        raise CallRefused("EOPNOTSUPP")  # there are no records in TCP
    if sock.tcb is not None and sock.tcb.state is State.LISTEN and "port" in args:
        open_active(api, sock, port_of(args, "port"), {}, Input.SEND)
    text = args.get("text")
    rest = text.encode() if isinstance(text, str) else octets(sock.sent, number(args, "count"))
    total = len(rest)
    if "FASTOPEN" in said:
        before = sock.sent
        open_active(api, sock, port_of(args, "port"), {}, Input.OPEN_ACTIVE, rest)
        rest = rest[sock.sent - before :]
    tcb, ctx, urgent = sock.tcb, api.ctx, "OOB" in said
    if tcb is None or tcb.state is State.LISTEN:
        raise CallRefused("ENOTCONN")

    def wait() -> Result | None:
        nonlocal rest
        _refuse_to_send(api, tcb, said)
        room = max(0, sock.options.get("SNDBUF", ctx.config.sndbuf) - len(tcb.queue))
        now, rest = rest[:room], rest[room:]
        tcb.queue += now
        sock.sent += len(now)
        tcb.more = "MORE" in said
        if urgent and not rest:
            tcb.snd_up = wrap(tcb.snd_base + len(tcb.queue))
        output(ctx, tcb)
        if urgent and not rest and tcb.established and diff(tcb.snd_nxt, tcb.snd_una) == 0:
            tcb.ack_now = True  # the window is closed: the pointer goes without text (3.8.5)
            output(ctx, tcb)
        if rest and (may_wait(args) or len(rest) == total):
            return None
        return Result(total - len(rest))

    return sock, wait


def _refuse_to_send(api: AppSockets, tcb: Tcb, said: frozenset[str]) -> None:
    if tcb.state is State.CLOSED:
        pending_error(tcb)
    elif not (tcb.fin_wanted or tcb.close_queued or tcb.state in _NO_MORE_SENDS):
        return
    api.broken_pipe |= "NOSIGNAL" not in said
    raise CallRefused("EPIPE")


def recv(api: AppSockets, args: Args) -> tuple[AppSocket, Wait]:
    """RECEIVE; blocks until there is an octet, the end or an error; with all=1, for all."""
    sock, count = api.find(args), number(args, "count", 65536)
    tcb = sock.tcb
    if tcb is None or tcb.state is State.LISTEN or count < 0:
        raise CallRefused("ENOTCONN" if count >= 0 else "EINVAL")
    said = flags(args)
    if "OOB" in said:
        return sock, lambda: _recv_urgent(sock, tcb)
    if "PEEK" in said:
        return sock, lambda: _peeked(sock, tcb, count)
    whole, got = bool(args.get("all")) or "WAITALL" in said, bytearray()

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
        return _end(sock, tcb, bytes(got))

    return sock, wait


def _end(sock: AppSocket, tcb: Tcb, got: bytes) -> Result | None:
    """What a read comes to that has not all that it wants: the error or the end, if it is there."""
    if not got:
        pending_error(tcb)
    if tcb.fin_received or sock.no_more_reads or tcb.state is State.CLOSED:
        return Result(len(got), got)
    return None


def _peeked(sock: AppSocket, tcb: Tcb, count: int) -> Result | None:
    text = peek(sock, tcb, count)
    return Result(len(text), text) if text else _end(sock, tcb, text)


def peek(sock: AppSocket, tcb: Tcb, count: int) -> bytes:
    """What a read would take, left where it is."""
    first = 0
    if tcb.rcv_up is not None and tcb.received:
        mark = diff(wrap(tcb.rcv_up - 1), tcb.read_seq)
        first = int(mark == 0 and not sock.options.get("OOBINLINE"))
        count = min(count, mark) if mark > 0 else count
    return bytes(tcb.received[first : first + count])


def _read(sock: AppSocket, tcb: Tcb, count: int) -> bytes:
    """Up to ``count`` octets; stops before the urgent octet, which is read apart."""
    if tcb.rcv_up is not None and tcb.received:
        mark = diff(wrap(tcb.rcv_up - 1), tcb.read_seq)
        if mark == 0 and not sock.options.get("OOBINLINE"):
            sock.oob = b"" if sock.oob_read == tcb.rcv_up else bytes(tcb.received[:1])
            sock.oob_read = None
            del tcb.received[:1]
            tcb.rcv_up = None
        elif mark > 0:
            count = min(count, mark)
        elif mark < 0 or sock.options.get("OOBINLINE"):
            tcb.rcv_up = None
    text = bytes(tcb.received[:count])
    del tcb.received[:count]
    return text


def _recv_urgent(sock: AppSocket, tcb: Tcb) -> Result | None:
    if sock.oob:
        urgent, sock.oob = sock.oob, b""
        return Result(1, urgent)
    if tcb.rcv_up is None or sock.options.get("OOBINLINE"):
        raise CallRefused("EINVAL")
    at = diff(wrap(tcb.rcv_up - 1), tcb.read_seq)
    if not 0 <= at < len(tcb.received):
        pending_error(tcb)
        return Result() if tcb.fin_received or tcb.state is State.CLOSED else None
    if sock.oob_read == tcb.rcv_up:
        raise CallRefused("EINVAL")
    sock.oob_read = tcb.rcv_up  # it stays in the stream until the reader passes the mark
    urgent = bytes(tcb.received[at : at + 1])
    return Result(1, urgent)
