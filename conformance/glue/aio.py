"""For stacks that run on asyncio: their event loop, driven step by step by the glue's own.

The loop's time is the glue's, and between two steps nothing runs, so such a stack keeps the virtual
clock too: there ``time.monotonic`` is the virtual clock, which is sound as long as nothing in the
stack looks at another one or waits in a thread. A stack that reads frames from a descriptor gets
``device``, one end of a socket pair, in place of a TAP device.

SPDX-License-Identifier: MIT
SPDX-FileCopyrightText: 2026 The tcp-conformance authors
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import inspect
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from conformance.glue import base

TICK = time.get_clock_info("monotonic").resolution  # seconds that asyncio runs a timer early


class Loop(asyncio.SelectorEventLoop):
    """An event loop that keeps the glue's time and runs only when it is told to."""

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__()
        self.now, self.behind, self.ran, self.busy = now, 0, 0.0, False
        self.timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self.order = itertools.count()

    def nanoseconds(self) -> int:
        """The stack's clock."""
        return self.now() - self.behind

    def time(self) -> float:
        return self.nanoseconds() / 1e9

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        self.busy = True
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = super().call_at(when, callback, *args, context=context)
        heapq.heappush(self.timers, (when, next(self.order), handle))
        self.busy = self.busy or when <= self.time()
        return handle

    def due(self) -> int | None:
        """When the next timer runs out, ns."""
        ran = self.ran + TICK
        while self.timers and (self.timers[0][0] < ran or self.timers[0][2].cancelled()):
            heapq.heappop(self.timers)
        return self.behind + round(self.timers[0][0] * 1e9) if self.timers else None

    def step(self) -> None:
        """Run what is ready, then what that made ready, until nothing is."""
        self.busy = True
        while self.busy:
            super().call_soon(self.stop)
            self.busy, self.ran = False, self.time()
            self.run_forever()


class AsyncSocket(base.Socket):
    """A socket on ``under``, which has the methods of a BSD socket, as functions or coroutines."""

    def __init__(self, glue: Asynchronous, under: Any) -> None:
        super().__init__(glue)
        self.lab, self.loop, self.under = glue.lab or base.NOWHERE, glue.loop, under

    def run(self, name: str, *args: Any, **named: Any) -> asyncio.Task[Any]:
        """A task of the loop that makes the call."""

        async def body() -> Any:
            value = getattr(self.under, name)(*args, **named)
            value = await value if inspect.isawaitable(value) else value
            return type(self)(self.glue, value[0]) if name == "accept" else value  # type: ignore[arg-type]

        return self.loop.create_task(body())

    def bind(self, port: int) -> Any:
        return self.under.bind((self.lab.target, port))

    def listen(self, port: int | None, backlog: int) -> Any:
        if port is not None and self.port is None:  # what was bound stays where it is
            self.bind(port)
        return self.run("listen", backlog=backlog)

    def accept(self) -> Any:
        return self.run("accept")

    def connect(self, port: int, local_port: int | None) -> Any:
        if local_port is not None:
            self.bind(local_port)
        self.established = True  # once the task has ended
        return self.run("connect", (self.lab.tester, port))

    def send(self, data: bytes, flag: str) -> Any:
        if flag:
            raise base.Refused("EOPNOTSUPP")
        return self.run("send", data)

    def recv(self, count: int) -> Any:
        return self.run("recv", count)

    def shutdown(self, how: str) -> Any:
        return self.run("shutdown", ("RD", "WR", "RDWR").index(how))

    def close(self) -> Any:
        return self.run("close")

    def abort(self) -> Any:
        return self.run("abort")


class Asynchronous(base.Sockets):
    """The glue of a stack on asyncio; its sockets' methods return tasks of ``loop``."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = Loop(self.now)
        asyncio.set_event_loop(self.loop)
        self.near, self.far = _pair()
        if self.virtual:
            vars(time).update(monotonic=self.loop.time, monotonic_ns=self.loop.nanoseconds)

    async def boot(self, lab: base.Lab, device: int) -> None:
        """Have the stack begin, or begin anew, with these addresses on the device."""
        raise NotImplementedError

    def use(self, lab: base.Lab) -> None:
        """Begin with a fresh device; what the stack says of itself then is not sent.

        It begins on a whole millisecond: one that counts them does the same each time.
        """
        self.loop.behind = self.now() % 1_000_000 if self.virtual else 0
        self.near.close()
        self.near, far = _pair()
        self.loop.run_until_complete(self.boot(lab, far.fileno()))
        self.loop.step()
        self.far.close()
        self.far = far
        for _ in self.frames():
            self.loop.step()

    def reset(self) -> None:
        """What waited for a time waits no more."""
        for _, _, handle in self.loop.timers:
            handle.cancel()

    def due(self) -> int | None:
        return self.loop.due()

    def work(self) -> None:
        self.loop.step()
        for frame in self.frames():
            self.transmit(frame)
            self.loop.step()

    def arrive(self, frame: bytes) -> None:
        self.near.send(frame)

    def frames(self) -> Iterator[bytes]:
        """What the stack has sent."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while frame := self.near.recv(65536):
                yield frame


def _pair() -> tuple[socket.socket, socket.socket]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    near.setblocking(False)
    far.setblocking(False)
    return near, far
