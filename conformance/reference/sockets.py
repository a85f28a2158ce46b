"""Handles, and calls that block: the frame of the socket-call adapter.

A call is a function that answers a :class:`Result`, raises :class:`CallRefused` with an errno, or
answers a *wait*: a function that is asked again after every event until it has a result. The calls
themselves are in :mod:`conformance.reference.calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conformance.reference.outputs import Pending, Returned
from conformance.reference.tcb import StackContext, Tcb

Args = Mapping[str, int | str]

_EPHEMERAL = 32768
CANCELED = "ECANCELED"  # its socket was closed while a call waited on it


class CallRefused(Exception):
    """The call fails with this errno."""

    def __init__(self, errno: str) -> None:
        super().__init__(errno)
        self.errno = errno


@dataclass(frozen=True, slots=True)
class Result:
    """What a call returns."""

    value: int = 0
    data: bytes = b""
    text: str = ""


Wait = Callable[[], Result | None]


@dataclass(slots=True, eq=False)
class AppSocket:
    """A socket of the application; it may have several handles."""

    handle: int
    port: int = 0  # bound local port
    tcb: Tcb | None = None
    address: str | None = None  # SECOND or, for the first, empty, where it was bound to one
    sent: int = 0  # octets ever queued: the offset of the next payload
    no_more_reads: bool = False  # shutdown(RD)
    options: dict[str, int] = field(default_factory=dict)
    md5_key: bytes = b""
    oob: bytes = b""  # the urgent octet that was taken out of the stream
    oob_read: int | None = None  # the mark whose octet was read ahead of the stream


Outcome = tuple[AppSocket, Result] | tuple[AppSocket, Wait] | tuple[AppSocket, Result | Wait]


class AppSockets:
    """All handles of a stack, and the calls that block."""

    def __init__(self, ctx: StackContext, calls: Mapping[str, Call]) -> None:
        self.ctx = ctx
        self.calls = calls
        self.handles: dict[int, AppSocket] = {}
        self.waiting: list[tuple[int, object, Wait]] = []  # the second: by which handle
        self.broken_pipe = False  # a SIGPIPE came, and nobody was told
        self._made = 0
        self._ephemeral = 0

    def call(self, number: int, name: str, args: Args) -> None:
        """Do one call; its outputs are Returned, or Pending and Returned later."""
        function = self.calls.get(name)
        try:
            if function is None:
                raise CallRefused("ENOSYS")
            sock, outcome = function(self, args)
            result = outcome() if callable(outcome) else outcome
            if result is None and not may_wait(args):
                raise CallRefused("EAGAIN")
        except CallRefused as refused:
            self.ctx.outputs.append(Returned(number, errno=refused.errno))
            return
        if result is not None:
            self._returned(number, result)
        elif callable(outcome):
            self.ctx.outputs.append(Pending(number))
            self.waiting.append((number, args.get("socket", sock.handle), outcome))

    def _returned(self, number: int, result: Result) -> None:
        told = Returned(number, result.value, data=result.data, text=result.text)
        self.ctx.outputs.append(told)

    def poll(self) -> None:
        """Ask every blocked call again, in the order of their invocation."""
        asked, self.waiting = self.waiting, []
        for number, handle, wait in asked:
            try:
                result = wait()
            except CallRefused as refused:
                self.ctx.outputs.append(Returned(number, errno=refused.errno))
                continue
            if result is None:
                self.waiting.append((number, handle, wait))
            else:
                self._returned(number, result)

    def new(self, tcb: Tcb | None = None, port: int = 0) -> AppSocket:
        """A fresh handle."""
        self._made += 1
        sock = self.handles[self._made] = AppSocket(self._made, port, tcb)
        return sock

    def again(self, sock: AppSocket) -> int:
        """One more handle of the socket."""
        self._made += 1
        self.handles[self._made] = sock
        return self._made

    def find(self, args: Args, name: str = "socket") -> AppSocket:
        """The socket of the argument; EBADF."""
        handle = args.get(name)
        sock = self.handles.get(handle) if isinstance(handle, int) else None
        if sock is None:
            raise CallRefused("EBADF")
        return sock

    def drop(self, handle: object) -> bool:
        """The handle is gone; whoever waits on it is told. Whether it was the socket's last."""
        sock = self.handles.pop(handle) if isinstance(handle, int) else None
        for number, waits_on, _ in self.waiting:
            if waits_on == handle:
                self.ctx.outputs.append(Returned(number, errno=CANCELED))
        self.waiting = [one for one in self.waiting if one[1] != handle]
        return sock not in self.handles.values()

    def free_port(self, remote: int) -> int:
        """An ephemeral port that has no connection to ``remote``."""
        while True:
            port = _EPHEMERAL + self._ephemeral % (65536 - _EPHEMERAL)
            self._ephemeral += 1
            if (port, remote) not in self.ctx.tcbs and port not in self.ctx.listeners:
                return port


def flags(args: Args) -> frozenset[str]:
    """The names of the argument ``flag``."""
    return frozenset(str(args.get("flag", "")).split("|")) - {""}


def may_wait(args: Args) -> bool:
    """Whether the call may wait."""
    return "DONTWAIT" not in flags(args)


def number(args: Args, name: str, default: int | None = None) -> int:
    """An integer argument; EINVAL."""
    value = args.get(name, default)
    if not isinstance(value, int):
        raise CallRefused("EINVAL")
    return value


def port_of(args: Args, name: str) -> int:
    """A port argument, 1 to 65535; EINVAL."""
    port = number(args, name)
    if not 0 < port < 65536:
        raise CallRefused("EINVAL")
    return port


def pending_error(tcb: Tcb) -> None:
    """Raise what the connection has to tell, once."""
    if tcb.error:
        errno, tcb.error = tcb.error, ""
        raise CallRefused(errno)


Call = Callable[[AppSockets, Args], Outcome]
