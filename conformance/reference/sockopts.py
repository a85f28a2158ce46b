"""setsockopt and getsockopt, by their BSD and Linux names; anything else is ENOPROTOOPT."""

from __future__ import annotations

import errno as errnos
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from conformance.reference.sender import output, patience
from conformance.reference.sockets import AppSocket, AppSockets, Args, CallRefused, Result, number
from conformance.reference.tcb import StackContext, Tcb, Timer
from conformance.reference.windows import update_wanted
from conformance.tcp.ip import TTL
from conformance.tcp.states import State


@dataclass(frozen=True, slots=True)
class Field:
    """How an option is kept in the TCB."""

    get: Callable[[Tcb], int]
    put: Callable[[Tcb, int], None]


def _bool(name: str) -> Field:
    return Field(
        lambda tcb: int(getattr(tcb, name)), lambda tcb, value: setattr(tcb, name, bool(value))
    )


def _count(name: str) -> Field:
    return Field(
        lambda tcb: int(getattr(tcb, name) or 0), lambda tcb, value: setattr(tcb, name, value)
    )


def _put_timeout(tcb: Tcb, value: int) -> None:
    tcb.user_timeout = value / 1000 if value else None


def _putter(name: str) -> Callable[[Tcb, int], None]:
    return lambda tcb, value: setattr(tcb, name, value)


FIELDS: Final[dict[str, Field]] = {
    "NODELAY": _bool("nodelay"),
    "CORK": _bool("cork"),
    "KEEPALIVE": _bool("keepalive"),
    "KEEPIDLE": _count("keepidle"),  # seconds
    "KEEPINTVL": _count("keepintvl"),  # seconds
    "KEEPCNT": _count("keepcnt"),
    "SYNCNT": _count("syn_retries"),
    "USER_TIMEOUT": Field(lambda tcb: int((tcb.user_timeout or 0) * 1000), _put_timeout),  # ms
    "MAXSEG": _count("announced_mss"),
    "RCVBUF": _count("rcv_buff"),
    "TTL": Field(lambda tcb: TTL if tcb.ttl is None else tcb.ttl, _putter("ttl")),
    "FASTOPEN": _count("fastopen"),
    "RECVERR": _bool("reports"),
    "TOS": Field(lambda tcb: tcb.tos or 0, _putter("tos")),
}
_KEPT: Final = ("LINGER", "OOBINLINE", "REUSEADDR", "SNDBUF")  # in the socket, not in the TCB
NAMES: Final = frozenset((*FIELDS, *_KEPT, "ERROR", "MD5SIG"))


_LONGEST_KEY: Final = 80  # octets (RFC 2385 4.5)


def _set_key(sock: AppSocket, args: Args) -> None:
    """The key of the peer, or 0 for none more."""
    key = str(args.get("value") or "").encode()
    if len(key) > _LONGEST_KEY:
        raise CallRefused("EINVAL")
    sock.md5_key = key
    if sock.tcb is not None:
        sock.tcb.md5_key = key


def apply_options(sock: AppSocket, tcb: Tcb) -> None:
    """What was set on the socket before there was a connection."""
    tcb.md5_key = sock.md5_key
    for name, value in sock.options.items():
        if name in FIELDS:
            FIELDS[name].put(tcb, value)


def set_option(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """Set an option; it holds at once."""
    sock, name = api.find(args), args.get("name")
    if name == "MD5SIG":
        _set_key(sock, args)
        return sock, Result()
    value = number(args, "value")
    if not isinstance(name, str) or (name not in FIELDS and name not in _KEPT):
        raise CallRefused("ENOPROTOOPT")
    if value < 0 and name != "LINGER":
        raise CallRefused("EINVAL")
    if name == "MAXSEG" and not 48 <= value <= 65495:
        raise CallRefused("EINVAL")
    if (name == "TTL" and not 1 <= value <= 255) or (name == "TOS" and value > 255):
        raise CallRefused("EINVAL")
    sock.options[name] = value
    if sock.tcb is not None and name in FIELDS:
        FIELDS[name].put(sock.tcb, value)
        _take_effect(api.ctx, sock.tcb, name)
    return sock, Result()


def _take_effect(ctx: StackContext, tcb: Tcb, name: str) -> None:
    if tcb.state in (State.CLOSED, State.LISTEN, State.TIME_WAIT):
        return
    if name == "USER_TIMEOUT" and Timer.USER in tcb.deadlines:
        tcb.deadlines[Timer.USER] = max(ctx.now, tcb.waiting_since + patience(ctx, tcb))
    elif name in ("KEEPALIVE", "KEEPIDLE", "KEEPINTVL") and tcb.established:
        tcb.deadlines.pop(Timer.KEEPALIVE, None)
        if tcb.keepalive:
            wait = tcb.keepintvl if tcb.keep_probes else tcb.keepidle
            tcb.deadlines[Timer.KEEPALIVE] = max(ctx.now, tcb.last_heard) + max(0.001, wait)
    elif name == "MAXSEG":
        tcb.snd_mss = min(tcb.snd_mss, tcb.announced_mss)
    elif name == "RCVBUF" and tcb.established and update_wanted(tcb):
        tcb.ack_now = True
    output(ctx, tcb)


def get_option(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """An option's value; ERROR is the pending error's number, which it clears."""
    sock, name = api.find(args), args.get("name")
    tcb = sock.tcb
    if name == "ERROR":
        error, code = tcb.error if tcb else "", 0
        if tcb is not None and error:
            tcb.error, code = "", int(getattr(errnos, error))
        return sock, Result(code)
    if isinstance(name, str) and name in FIELDS:
        value = FIELDS[name].get(tcb) if tcb else sock.options.get(name)
        if value is None:
            value = FIELDS[name].get(api.ctx.new_tcb(0, 0))
        return sock, Result(value)
    if name not in _KEPT:
        raise CallRefused("ENOPROTOOPT")
    default = {"SNDBUF": api.ctx.config.sndbuf, "LINGER": -1, "REUSEADDR": 1}.get(str(name), 0)
    return sock, Result(sock.options.get(str(name), default))
