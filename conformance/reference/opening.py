"""The socket calls that open: passive and active OPEN (RFC 9293 3.9.1.1, 3.10.1)."""

from __future__ import annotations

from conformance.reference.fastopen import ask
from conformance.reference.moves import fire
from conformance.reference.outputs import HOST
from conformance.reference.sockets import (
    AppSocket,
    AppSockets,
    Args,
    CallRefused,
    Result,
    Wait,
    may_wait,
    number,
    pending_error,
    port_of,
)
from conformance.reference.sockopts import apply_options
from conformance.reference.synoptions import offer_options
from conformance.reference.tcb import Tcb
from conformance.reference.transitions import Input
from conformance.tcp.addresses import OTHER, SECOND, STRANGERS
from conformance.tcp.states import State

_OWN = (SECOND, "unspecified")  # addresses that a program may bind to, beside the first
_OPENING = (State.SYN_SENT, State.SYN_RECEIVED)


def make(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """A handle."""
    sock = api.new()
    return sock, Result(sock.handle)


def bind(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """The local port; 0 for an ephemeral one."""
    sock, port = api.find(args), number(args, "port")
    address = next((name for name in _OWN if args.get("address") in STRANGERS[name].values()), "")
    if "address" in args and not address:
        raise CallRefused("EADDRNOTAVAIL")
    if sock.port or sock.tcb is not None:
        raise CallRefused("EINVAL")
    if port and (port in api.ctx.listeners or any(s.port == port for s in api.handles.values())):
        raise CallRefused("EADDRINUSE")
    sock.port = port_of(args, "port") if port else api.free_port(0)
    sock.address = None if address == "unspecified" else address
    return sock, Result()


def listen(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """Passive OPEN."""
    ctx, backlog = api.ctx, number(args, "backlog", 128)
    port = port_of(args, "port") if "port" in args else 0
    sock = api.find(args) if "socket" in args else None
    if sock is not None and sock.tcb is not None:
        if sock.tcb.state is not State.LISTEN:
            raise CallRefused("EINVAL")
        sock.tcb.backlog = backlog
        return sock, Result(sock.handle)
    port = (sock.port if sock else 0) or port or api.free_port(0)
    if port in ctx.listeners:
        raise CallRefused("EADDRINUSE")
    sock = sock or api.new()
    tcb = ctx.new_tcb(port, 0)
    tcb.backlog, tcb.address = backlog, sock.address
    apply_options(sock, tcb)
    sock.port, sock.tcb = port, tcb
    if fire(ctx, tcb, Input.OPEN_PASSIVE):
        ctx.listeners[port] = tcb
    return sock, Result(sock.handle)


def accept(api: AppSockets, args: Args) -> tuple[AppSocket, Wait]:
    """The oldest connection that reached ESTABLISHED; blocks until there is one."""
    sock = api.find(args)
    listener = sock.tcb
    if listener is None or listener.state is not State.LISTEN:
        raise CallRefused("EINVAL")

    def wait() -> Result | None:
        if not listener.ready:
            return None
        child = listener.ready.popleft()
        child.parent = None
        return Result(api.new(child, child.local_port).handle)

    return sock, wait


def connect(api: AppSockets, args: Args) -> tuple[AppSocket, Wait]:
    """Active OPEN; blocks until ESTABLISHED, or goes on by itself."""
    remote = port_of(args, "port")
    if args.get("address") in STRANGERS[OTHER].values():
        remote += HOST
    elif "address" in args:
        raise CallRefused("ENETUNREACH")  # MUST-46: nobody has it
    given = "socket" in args
    sock = api.find(args) if given else api.new()
    try:
        tcb = open_active(api, sock, remote, args, Input.OPEN_ACTIVE)
    except CallRefused:
        if not given:
            api.drop(sock.handle)
        raise

    def wait() -> Result | None:
        if tcb.established:
            return Result(sock.handle)
        if tcb.state is not State.CLOSED:
            if not may_wait(args):
                raise CallRefused("EINPROGRESS")
            return None
        errno, tcb.error = tcb.error or "ECONNREFUSED", ""
        sock.tcb = None
        if not given:
            api.handles.pop(sock.handle, None)
        raise CallRefused(errno)

    return sock, wait


def _before(sock: AppSocket) -> Tcb | None:
    """The TCB that the socket has; one that never got to ESTABLISHED tells why, and is none."""
    tcb = sock.tcb
    if tcb is not None and tcb.state is State.CLOSED and not tcb.established:
        sock.tcb = None
        pending_error(tcb)
    return sock.tcb


def open_active(
    api: AppSockets,
    sock: AppSocket,
    remote: int,
    args: Args,
    happened: Input,
    fast: bytes | None = None,
) -> Tcb:
    """The active OPEN of 3.10.1, from CLOSED or from LISTEN; with text the SYN may carry it."""
    ctx, tcb = api.ctx, _before(sock)
    if tcb is not None and tcb.state is not State.LISTEN:
        raise CallRefused("EALREADY" if tcb.state in _OPENING else "EISCONN")
    local = port_of(args, "local_port") if "local_port" in args else sock.port
    local = local or api.free_port(remote)
    if (local, remote) in ctx.tcbs:
        raise CallRefused("EADDRINUSE")
    if tcb is None:
        tcb = ctx.new_tcb(local, remote)
        tcb.address = sock.address or ""  # MUST-44: the first is what the IP layer chooses
        apply_options(sock, tcb)
    elif (State.LISTEN, happened) in ctx.rows:  # passive turned into active
        ctx.listeners.pop(tcb.local_port, None)
        tcb.remote_port = remote
    offer_options(ctx, tcb)
    if fast is not None:
        sock.sent += ask(ctx, tcb, fast)
    sock.port, sock.tcb = local, tcb
    if fire(ctx, tcb, happened):
        ctx.tcbs[tcb.local_port, remote] = tcb
    return tcb
