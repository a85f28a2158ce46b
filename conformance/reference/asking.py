"""The socket calls that only ask: STATUS of RFC 9293 3.10.6, as POSIX programs know it."""

from __future__ import annotations

from conformance.notation.bits import EVENTS, SIGNALS
from conformance.reference.outputs import HOST
from conformance.reference.sockets import (
    AppSocket,
    AppSockets,
    Args,
    CallRefused,
    Result,
    Wait,
    may_wait,
)
from conformance.reference.streams import peek
from conformance.reference.tcb import Tcb
from conformance.tcp.seq import diff, wrap
from conformance.tcp.states import State

_NO_PEER = (State.CLOSED, State.LISTEN, State.SYN_SENT)
_OPENING = (State.SYN_SENT, State.SYN_RECEIVED)


def atmark(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """Whether the next octet is the urgent one."""
    sock = api.find(args)
    tcb = sock.tcb
    if tcb is None or tcb.rcv_up is None:
        return sock, Result(0)
    return sock, Result(int(tcb.read_seq == wrap(tcb.rcv_up - 1)))


def pending(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """Octets that were received and not read."""
    sock = api.find(args)
    return sock, Result(len(sock.tcb.received) if sock.tcb else 0)


def outq(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """Octets that were written and not acknowledged."""
    sock, tcb = _sends(api, args)
    return sock, Result(len(tcb.queue) - max(0, diff(tcb.snd_una, tcb.snd_base)) if tcb else 0)


def unsent(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """Octets that were written and never sent."""
    sock, tcb = _sends(api, args)
    return sock, Result(tcb.unsent if tcb else 0)


def _sends(api: AppSockets, args: Args) -> tuple[AppSocket, Tcb | None]:
    sock = api.find(args)
    if sock.tcb is not None and sock.tcb.state is State.LISTEN:
        raise CallRefused("EINVAL")
    return sock, sock.tcb


def getsockname(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """Our port; 0 for none."""
    sock = api.find(args)
    return sock, Result(sock.port)


def getpeername(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """The peer's port; ENOTCONN."""
    sock = api.find(args)
    if sock.tcb is None or sock.tcb.state in _NO_PEER:
        raise CallRefused("ENOTCONN")
    return sock, Result(sock.tcb.remote_port % HOST)


def poll(api: AppSockets, args: Args) -> tuple[AppSocket, Result | Wait]:
    """The events that are there; with ``events`` it waits for one."""
    sock, words = api.find(args), str(args.get("events", "IN|PRI|OUT")).split("|")
    if not set(words) <= set(EVENTS):
        raise CallRefused("EINVAL")
    wanted = {*words, "ERR", "HUP"}

    def wait() -> Result | None:
        found = sum(EVENTS[name] for name in _events(api, sock) & wanted)
        return Result(found) if found else None

    if "events" in args and may_wait(args):
        return sock, wait
    return sock, wait() or Result()


def _events(api: AppSockets, sock: AppSocket) -> set[str]:
    """All events of the socket, by name."""
    tcb = sock.tcb
    if tcb is None:
        return {"HUP"}
    if tcb.state is State.LISTEN:
        return {"IN"} if tcb.ready else set()
    if tcb.state in _OPENING and not tcb.is_early:
        return set()
    over = tcb.state is State.CLOSED
    no_reads = over or tcb.fin_received or sock.no_more_reads
    no_sends = over or tcb.fin_wanted or tcb.close_queued
    room = len(tcb.queue) < sock.options.get("SNDBUF", api.ctx.config.sndbuf)
    there = {
        "IN": no_reads or bool(peek(sock, tcb, 1)),
        "PRI": bool(sock.oob) or _urgent(sock, tcb),
        "OUT": not (no_reads and no_sends) and (no_sends or room),  # POSIX: never beside HUP
        "ERR": bool(tcb.error),
        "HUP": no_reads and no_sends,
        "RDHUP": no_reads,
    }
    return {name for name, is_there in there.items() if is_there}


def _urgent(sock: AppSocket, tcb: Tcb) -> bool:
    if tcb.rcv_up is None or sock.oob_read == tcb.rcv_up:
        return False
    return 0 <= diff(wrap(tcb.rcv_up - 1), tcb.read_seq) < len(tcb.received)


def signals(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """The signals that came since it was last asked; that it is asked clears them."""
    tcbs = [sock.tcb for sock in api.handles.values() if sock.tcb is not None]
    urgent = any(tcb.urgent_news for tcb in tcbs)
    found = SIGNALS["PIPE"] * api.broken_pipe | SIGNALS["URG"] * urgent
    api.broken_pipe = False
    for tcb in tcbs:
        tcb.urgent_news = False
    return AppSocket(0), Result(found)
