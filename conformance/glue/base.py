"""The protocol between the harness and a TCP stack, for a glue program written in Python.

How to write a glue (``conformance target new NAME --lang python`` writes the frame of one):

1. Subclass :class:`Sockets` and end the program with ``MyGlue().serve()``.
2. ``use(lab)`` configures the stack's one interface; ``arrive(frame)`` gives it a frame, and its
   driver sends one with ``transmit(frame)``.
3. ``due()`` says when the stack's next timer runs out, ``expire()`` runs those that are due;
   ``now()`` is the only clock. A stack that keeps to it runs in virtual time too: nothing waits.
   ``work()`` is for a stack that acts only when it is polled.
4. ``socket()`` makes one of your subclass of :class:`Socket`. A method that raises BlockingIOError
   is asked again after every event; one that blocks returns a future instead: an asyncio task, or
   ``glue.thread(function, ...)`` for a stack that has threads of its own. What such threads have to
   tell goes through ``post(function)``. The stack's callbacks may fill ``incoming``, ``ready`` and
   ``established`` or call ``fail()``: then the methods that read are there already.
5. ``state(local, remote)`` is a state of RFC 9293 3.3.2, or ``""`` if the stack has no such
   connection. It must know more than the handles: half-open ones, closed ones, TIME-WAIT.
6. ``set(name, value)``, with its names in ``settings``, and ``reset()`` where the stack has such a
   thing. A new call is one more method ``call_NAME(self, call, argument, ...)``, a generator if it
   has to wait: it yields the function that may not be able to answer yet.

An OSError or :class:`Refused` is the call's errno, NotImplementedError is ENOSYS, ValueError
EINVAL; anything else ends the program with its traceback, which the harness shows. ``print`` goes
to stderr. A stack that has calls of its own kind subclasses :class:`Glue`, which knows no sockets.

One file, standard library only, Python 3.9 or later: copy it next to a glue if you like.

SPDX-License-Identifier: MIT
SPDX-FileCopyrightText: 2026 The tcp-conformance authors
"""

from __future__ import annotations

import contextlib
import errno
import inspect
import json
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

PROTOCOL = 1
BEGINNING = 1000 * 10**9  # ns, of the virtual clock
MOST = 1 << 24  # octets of a line, a send or a recv: a typing error shall not eat the memory
MOST_QUEUED = 4096  # lines and frames that nobody reads: a frame more is lost, as on any wire
MOST_ROUNDS = 100_000  # of timers at one instant, before we say that they never end
LONGEST = 0.5  # seconds of work before an advance answers how far it got
LATER = object()  # what a call_ method returns that will end its call itself
Fields = dict[str, Any]
Steps = Generator[Callable[[], Any], Any, Any]


def switch(value: str) -> bool:
    """``on`` or ``off``; ValueError for anything else."""
    return ("off", "on").index(value) == 1


class Refused(Exception):
    """A call fails; the argument is the errno's name."""


EVENTS = {"IN": 1, "PRI": 2, "OUT": 4, "RDHUP": 0x2000, "ERR": 8, "HUP": 16}


def flags_of(args: Fields) -> set[str]:
    """The flags of a call."""
    return set(args.get("flag", "").split("|")) - {""}


def octets(offset: int, count: int) -> bytes:
    """The payload from this offset of the stream on."""
    return bytes((i ^ i >> 8 ^ i >> 16) & 0xFF for i in range(offset, offset + count))


def _anything(value: Any) -> bool:
    return True


def _number(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _text(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and (not words or value in words)


def _texts(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and set(value.split("|")) <= set(words)


# What an argument of this name may be, whatever the call.
ARGUMENTS: dict[str, Callable[[Any], bool]] = {
    "port": _number(0, 65535), "local_port": _number(0, 65535), "local": _number(0, 65535),
    "remote": _number(0, 65535), "backlog": _number(0, MOST), "count": _number(0, MOST),
    "all": lambda value: value in (0, 1), "text": _text(),
    "flag": _texts("", "OOB", "MORE", "PEEK", "DONTWAIT", "NOSIGNAL", "EOR"),
    "events": _texts("IN", "PRI", "OUT", "ERR", "HUP", "RDHUP"),
    "how": _text("RD", "WR", "RDWR"), "name": _text(), "until": _number(0, 1 << 63),
    "target": _text(), "tester": _text(), "prefix": _number(1, 128),
    "target_mac": _text(), "tester_mac": _text(), "mtu": _number(68, 65535),
    "socket": _anything, "value": lambda value: _text()(value) or _number(-MOST, 1 << 40)(value),
}  # fmt: skip


def _die(kind: Any, error: BaseException, trace: Any) -> None:
    """Show what went wrong and end, even if the stack has threads that never do."""
    sys.__excepthook__(kind, error, trace)
    os._exit(1)


class Lab:
    """Who is who on the wire: what ``use`` was told."""

    def __init__(self, arguments: Fields) -> None:
        self.target, self.tester = str(arguments["target"]), str(arguments["tester"])
        self.six = ":" in self.target
        self.prefix = int(arguments.get("prefix", 64 if self.six else 24))
        self.target_mac = str(arguments.get("target_mac", "02:00:00:00:00:02"))
        self.tester_mac = str(arguments.get("tester_mac", "02:00:00:00:00:01"))
        self.mtu = int(arguments.get("mtu", 1500))


NOWHERE = Lab({"target": "0.0.0.0", "tester": "0.0.0.0"})


class Call:
    """One request on its way: ``end`` or ``fail`` answers it; the first answer stands."""

    def __init__(self, glue: Glue, number: int, name: str, args: Fields) -> None:
        self.glue, self.id, self.name, self.args = glue, number, name, args
        self.started, self.pending, self.over = glue.now(), False, False
        self.lane: object = None  # of calls in one lane, each waits for those before it
        self.steps: Steps = iter(())  # type: ignore[assignment]
        self.operation: Callable[[], Any] | None = None  # what it waits for
        self.future: Any = None
        self.steps_taken = 0
        self.again = "EAGAIN"  # what it answers instead of waiting

    def wait(self) -> None:
        """Say, once, that the call blocks."""
        if not self.pending and not self.over:
            self.pending = True
            self.glue.reply({"id": self.id, "started": self.started, "pending": True})

    def end(self, value: Any = 0) -> None:
        """Answer with a number, None (0), or a dictionary of what the reply holds."""
        if not self.over:
            self.over = True
            fields = value if isinstance(value, dict) else {"value": int(value or 0)}
            stamps = {"id": self.id, "started": self.started, "ended": self.glue.now()}
            self.glue.reply({**stamps, **fields})

    def fail(self, name: str) -> None:
        """Answer with the name of an errno."""
        self.end({"errno": name})

    def go_on(self) -> bool:
        """Take it as far as it gets, the stack's frames before the answer; false if it waits."""
        outcome: Any = LATER
        try:
            self._go_on()
        except StopIteration as end:
            outcome = end.value
        except BlockingIOError:
            self.glue.work()
            if "DONTWAIT" in flags_of(self.args) and self.future is None:
                self.fail(self.again)
                return True
            self.wait()
            return False
        except Refused as refusal:
            outcome = {"errno": str(refusal)}
        except OSError as error:
            outcome = {"errno": errno.errorcode.get(error.errno or 0, "EIO")}
        except NotImplementedError:
            outcome = {"errno": "ENOSYS"}
        except ValueError:
            outcome = {"errno": "EINVAL"}
        self.glue.work()
        if outcome is LATER:
            self.wait()
        else:
            self.end(outcome)
        return True

    def _go_on(self) -> None:
        if self.operation is None:
            self.started = self.started if self.pending else self.glue.now()
            self.operation = next(self.steps)
        while True:
            value: Any = None if self.future else self.operation()
            if hasattr(value, "add_done_callback"):
                self.future = value
                value.add_done_callback(lambda _: self.glue.post())
                self.glue.work()
            if self.future is not None:
                if not self.future.done():
                    raise BlockingIOError
                done, self.future = self.future, None
                value = done.result()
            self.steps_taken += 1
            self.operation = self.steps.send(value)

    def run(self, method: Callable[..., Any]) -> Steps:
        """The whole call: its method, and what that waits for."""
        outcome = method(self, **self.args)
        if inspect.isgenerator(outcome):
            outcome = yield from outcome
        return outcome


class Glue:
    """The stream of requests, the wire, the clock. A ``call_`` method is a call."""

    text = "a stack that does not say its name"  # name and version
    abilities: tuple[str, ...] = ("CALLS", "STATE")
    settings: tuple[str, ...] = ()  # of the whole stack, that ``set`` takes
    clocks: tuple[str, ...] = ("real", "virtual")  # those that the stack can keep
    own_wire = False  # whether the stack itself reads and writes the wire's descriptor

    def __init__(self) -> None:
        """Take what the harness gave; SystemExit, in a sentence, for what this glue cannot do."""
        clock = os.environ.get("CONFORMANCE_CLOCK", "real")
        if clock not in self.clocks:
            sys.exit(f"this glue has no {clock} clock, only {' and '.join(self.clocks)}")
        self.virtual, self._now = clock == "virtual", BEGINNING
        self.interface = os.environ.get("CONFORMANCE_INTERFACE", "")
        self.wire = self.open_wire()
        self.lab: Lab | None = None
        self.waiting: list[Call] = []
        self.sink = os.dup(1)
        os.dup2(2, 1)  # whatever else prints, prints there
        sys.stdout, sys.excepthook = sys.stderr, _die
        self._in, self._out = b"", deque[tuple[int, bytes]]()
        self._written = 0  # replies and frames so far
        self._posted: deque[Callable[[], Any]] = deque()
        self._pool = ThreadPoolExecutor(max_workers=MOST_QUEUED)
        self._woken, self._wake = os.pipe()
        self._reads = [0, self._woken] + ([] if self.own_wire or self.virtual else [self.wire])
        for fd in (0, self.sink, self._woken, self._wake, *([] if self.own_wire else [self.wire])):
            os.set_blocking(fd, False)

    # What a glue overrides

    def open_wire(self) -> int:
        """The wire's descriptor; a glue for an interface opens ``self.interface`` instead."""
        wire = os.environ.get("CONFORMANCE_WIRE_FD", "")
        if not wire.isdigit():
            sys.exit("CONFORMANCE_WIRE_FD does not name the wire's descriptor")
        try:
            os.fstat(int(wire))
        except OSError:
            sys.exit(f"CONFORMANCE_WIRE_FD is {wire}, and no such descriptor is open")
        return int(wire)

    def use(self, lab: Lab) -> None:
        """Configure the stack's interface; comes once, and once after each reset."""

    def arrive(self, frame: bytes) -> None:
        """A frame came."""

    def due(self) -> int | None:
        """When the stack's next timer runs out, ns on the clock of ``now``; None for never."""
        return None

    def expire(self) -> None:
        """Run the timers that are due now."""

    def work(self) -> None:
        """Let the stack do and send all that it can at this instant."""

    def lane(self, call: Call) -> object:
        """What a call shares with those that it must not overtake; None: it waits for none."""
        return None

    def state(self, local: int, remote: int) -> str:
        """The state of the connection between these ports; empty for none."""
        raise NotImplementedError

    def listens(self, local: int) -> bool:
        """Whether somebody listens on the port."""
        return False

    def set(self, name: str, value: str) -> None:
        """Change one of ``settings``; ValueError for a value that it cannot have."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget all connections, without a segment, and all settings."""
        raise NotImplementedError

    # What a glue uses; ``start``, ``settle`` and ``cancel`` are the base's own

    def now(self) -> int:
        """The clock, in ns: CLOCK_REALTIME, or the virtual clock."""
        return self._now if self.virtual else time.time_ns()

    def transmit(self, frame: bytes) -> None:
        """Put a frame on the wire; it is lost when nobody takes the earlier ones."""
        if len(self._out) < MOST_QUEUED:
            self._queue(self.wire, bytes(frame))

    def post(self, function: Callable[[], Any] | None = None) -> None:
        """From any thread: have the loop run the function, and look at what waits."""
        if function is not None:
            self._posted.append(function)
        with contextlib.suppress(BlockingIOError):  # it is full: the loop will wake
            os.write(self._wake, b"!")

    def thread(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a thread run what blocks; returns once it has begun."""
        begun = threading.Event()

        def body() -> Any:
            begun.set()
            return function(*args)

        future = self._pool.submit(body)
        begun.wait()
        return future

    def start(self, call: Call, method: Callable[..., Any]) -> None:
        """Begin a call, or have it wait for its turn."""
        call.steps, call.lane = call.run(method), self.lane(call)
        taken = {other.lane for other in self.waiting if not other.over} - {None}
        if call.lane in taken:
            call.wait()
            self.waiting.append(call)
        elif not call.go_on():
            self.waiting.append(call)

    def cancel(self, calls: list[Call]) -> None:
        """End calls that wait; ECANCELED."""
        for call in list(calls):
            call.fail("ECANCELED")
            if call.future is not None:
                call.future.cancel()

    def settle(self) -> None:
        """Something happened: let the stack work, and look at what waits until nothing moves."""
        self.work()
        moved = True
        while moved:
            moved, lanes = False, set()
            for call in list(self.waiting):
                waits = call.future is not None and not call.future.done()
                if not call.over and not waits and call.lane not in lanes:
                    before = call.steps_taken
                    moved = call.go_on() or moved or call.steps_taken > before
                if call.over:
                    self.waiting.remove(call)
                elif call.lane is not None:
                    lanes.add(call.lane)

    def reply(self, fields: Fields) -> None:
        """Queue one line; calls do that by themselves."""
        self._queue(self.sink, json.dumps(fields, separators=(",", ":")).encode() + b"\n")

    # The calls of every stack

    def call_version(self, call: Call) -> Fields:
        abilities = list(self.abilities) + (["VIRTUAL-TIME"] if self.virtual else [])
        return {"value": PROTOCOL, "text": self.text, "abilities": abilities}

    def call_use(self, call: Call, target: str, tester: str, **more: Any) -> None:
        self.lab = Lab({"target": target, "tester": tester, **more})
        self.use(self.lab)

    def call_state(self, call: Call, local: int, remote: int) -> Fields:
        idle = "LISTEN" if self.listens(local) else "CLOSED"
        return {"value": 0, "text": self.state(local, remote) or idle}

    def call_set(self, call: Call, name: str, value: str) -> None:
        if name not in self.settings:
            raise Refused("ENOPROTOOPT")
        self.set(name, str(value))

    def call_reset(self, call: Call) -> None:
        self.reset()
        self.cancel(self.waiting)
        self.lab = None

    def call_advance(self, call: Call, until: int) -> Fields:
        """Let virtual time pass, up to the first instant at which something comes out."""
        if not self.virtual or until < self._now:
            raise Refused("EINVAL" if self.virtual else "ENOSYS")
        before, rounds, began = self._written, 0, time.perf_counter()
        due = self.due()
        while due is not None and due <= until and self._written == before:
            if time.perf_counter() - began > LONGEST:
                break
            rounds = rounds + 1 if due <= self._now else 0
            if rounds > MOST_ROUNDS:
                raise RuntimeError("expire() leaves a timer due: time cannot pass")
            self._now = max(self._now, due)
            self.expire()
            self.settle()
            due = self.due()
        else:
            self._now = until if self._written == before else self._now
        if self._now == until:
            self._take_frames(sys.maxsize)
        due = self.due()
        following = None if due is None else max(due, self._now)
        return {"now": self._now, "next": following, "value": 0}

    # The loop

    def serve(self) -> None:
        """Answer until stdin ends, or nobody reads the answers."""
        try:
            while self._flush():
                self._round()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass
        # Whoever closed only his writing end may still read the last answers.
        try:
            while self._out and select.select([], [self._out[0][0]], [], 1.0)[1]:
                self._flush()
        except (OSError, ValueError, EOFError):
            pass
        os._exit(0)  # a thread of the stack that waits for ever shall not hold us

    def _round(self) -> None:
        poll = select.poll()
        for fd in self._reads:
            poll.register(fd, select.POLLIN)
        if self._out:
            fd = self._out[0][0]
            poll.register(fd, select.POLLOUT | (select.POLLIN if fd in self._reads else 0))
        due = None if self.virtual else self.due()
        wait = None if due is None else max(0, min(-(-(due - self.now()) // 10**6), 10**6))
        ready = dict(poll.poll(wait))
        if due is not None and self.now() >= due:
            self.expire()
            self.settle()
        if self._woken in ready:
            os.read(self._woken, 4096)
            while self._posted:
                self._posted.popleft()()
            self.settle()
        if ready.get(self.wire, 0) & ~select.POLLOUT and self.wire in self._reads:
            self._take_frames(64)
        if ready.get(0, 0) & ~select.POLLOUT:
            self._take_requests()

    def _queue(self, fd: int, data: bytes) -> None:
        self._written += 1
        self._out.append((fd, data))
        self._flush()

    def _flush(self) -> bool:
        """Write what is taken now, in order; raises when nobody reads the answers any more."""
        while self._out:
            fd, data = self._out[0]
            try:
                taken = os.write(fd, data)
            except BlockingIOError:
                return True
            except OSError:
                if fd == self.sink:
                    raise EOFError from None
                taken = len(data)  # a frame that the wire does not carry is lost
            self._out.popleft()
            if fd == self.sink and taken < len(data):
                self._out.appendleft((fd, data[taken:]))
        return True

    def _take_frames(self, most: int) -> None:
        """Give the stack the frames that wait; what is no frame is dropped, as any card does."""
        for _ in range(0 if self.own_wire else most):
            try:
                frame = os.read(self.wire, 65536)
            except OSError:
                return
            if 14 <= len(frame) <= 65535:
                self.arrive(frame)
                self.settle()
            elif not frame and self._hung_up():
                return

    def _hung_up(self) -> bool:
        """Whether the wire's other end is closed: then there will never be a frame."""
        poll = select.poll()
        poll.register(self.wire, select.POLLIN)
        gone = any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))
        if gone and self.wire in self._reads:
            self._reads.remove(self.wire)
        return gone

    def _take_requests(self) -> None:
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        *lines, self._in = (self._in + data).split(b"\n")
        for line in filter(bytes.strip, lines):
            self._request(line)
            self.settle()
        if not data or len(self._in) > MOST:
            raise EOFError

    def _request(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            number, name, args = message["id"], message["call"], message.get("args", {})
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
            number = name = args = None
        if type(number) is not int or not isinstance(name, str):
            self.reply({"id": None, "errno": "EBADMSG"})
            return
        self.begin(Call(self, number, name, args if isinstance(args, dict) else {"": args}))

    def begin(self, call: Call) -> None:
        """Run the method of a call."""
        method = getattr(self, "call_" + call.name, None)
        if method is None:
            call.fail("ENOSYS")
        elif self.sound(call, method):
            self.start(call, method)

    def sound(self, call: Call, method: Any = None) -> bool:
        """Whether the arguments are held to ARGUMENTS, and to the method's own; else EINVAL."""
        if type(call.args.get("socket", 0)) is not int:
            call.fail("EBADF")
        try:
            if not all(ARGUMENTS.get(key, _anything)(value) for key, value in call.args.items()):
                raise TypeError
            if method is not None:
                inspect.signature(method).bind(call, **call.args)
        except TypeError:
            call.fail("EINVAL")
        return not call.over


class Socket:
    """A socket of the stack: what a call on a handle comes to.

    A method that has to wait raises BlockingIOError, or returns a future. ``send`` queues what
    there is room for and says how many octets; ``listen`` with port None is on the port that was
    bound; ``recv`` gives no octets at the end. The stack's callbacks may fill ``incoming`` (text),
    ``ready`` (a listener's Sockets), ``established``, ``ended`` (a FIN came), and call
    :meth:`fail`; or override the methods that look at them.
    """

    def __init__(self, glue: Sockets) -> None:
        self.glue, self.sent, self.abortive = glue, 0, False
        self.incoming, self.ready = bytearray(), deque[Any]()
        self.established = self.ended = self.dead = False
        self.error = ""
        self.port: int | None = None  # that it was bound to
        self.listens = self.opened = False  # opened: it has, or had, a connection

    def _lacks(self, *_: Any) -> Any:
        raise NotImplementedError

    bind: Any = _lacks  # (self, port)
    listen: Any = _lacks  # (self, port or None, backlog)
    connect: Any = _lacks  # (self, port, local port or None): begin; ``connected`` waits
    send: Any = _lacks  # (self, data, flag)
    shutdown: Any = _lacks  # (self, how): RD, WR, RDWR
    close: Any = _lacks  # (self): the connection goes on by itself
    abort: Any = _lacks  # (self): a RST
    # What a stack need not have
    poll: Any = _lacks  # (self): a set of names of EVENTS, those that are there now
    outq: Any = _lacks  # (self): octets written and not acknowledged
    unsent: Any = _lacks  # (self): octets written and never sent
    getsockname: Any = _lacks  # (self): its port
    getpeername: Any = _lacks  # (self): the peer's port

    def fail(self, error: str) -> None:
        """The connection is gone; the errno's name is told once, then EPIPE or the end."""
        self.error, self.dead, self.ended = error, True, True

    def tell(self) -> None:
        """Raise what is to be told once."""
        if self.error:
            error, self.error = self.error, ""
            raise Refused(error)

    def accept(self) -> Any:
        self.tell()
        if not self.ready:
            raise BlockingIOError
        return self.ready.popleft()

    def connected(self) -> Any:
        self.tell()
        if not self.established:
            raise BlockingIOError

    def recv(self, count: int) -> Any:
        data = bytes(self.incoming[:count])
        del self.incoming[:count]
        if not data:
            self.tell()
            if not self.ended:
                raise BlockingIOError
        return data

    def pending(self) -> int:
        return len(self.incoming)

    def peek(self, count: int) -> Any:
        """As ``recv``, but it takes nothing."""
        if type(self).recv is not Socket.recv:
            raise NotImplementedError
        if not self.incoming:
            return self.recv(count)
        return bytes(self.incoming[:count])

    def info(self) -> dict[str, Any]:
        """What TCP knows of the connection (ability INFO), by tcp_info's names.

        Times are microseconds, ``cwnd`` and ``ssthresh`` segments, ``ca-state`` a word.
        """
        raise NotImplementedError

    def setsockopt(self, name: str, value: Any) -> Any:
        raise Refused("ENOPROTOOPT")

    def getsockopt(self, name: str) -> Any:
        if name != "ERROR":
            raise Refused("ENOPROTOOPT")
        error, self.error = self.error, ""
        return getattr(errno, error, 0)


class Sockets(Glue):
    """A glue with handles: recv and accept wait for earlier ones, sends for earlier sends, close
    and shutdown for pending sends (RFC 9293 3.10.4); all else runs at once."""

    def __init__(self) -> None:
        super().__init__()
        self.handles: dict[int, Any] = {}
        self.last = 2

    def socket(self) -> Socket:
        """A fresh socket of the stack."""
        raise NotImplementedError

    def lane(self, call: Call) -> object:
        """What reads a handle, and what writes to it."""
        key = call.args.get("socket")
        if "DONTWAIT" in flags_of(call.args):
            return None
        if key is None or call.name in ("accept", "recv"):
            return key and (key, "reads")
        sending = any(
            one.lane == (key, "writes") and one.name == "send" and not one.over
            for one in self.waiting
        )
        writes = call.name in ("connect", "send")
        return (
            (key, "writes") if writes or (sending and call.name in ("close", "shutdown")) else None
        )

    def handle(self, key: int) -> Any:
        """The Socket of a handle; EBADF."""
        if key not in self.handles:
            raise Refused("EBADF")
        return self.handles[key]

    def connection(self, key: int) -> Any:
        """The Socket of a handle that has, or had, a connection; ENOTCONN."""
        sock = self.handle(key)
        if not sock.opened:
            raise Refused("ENOTCONN")
        return sock

    def adopt(self, sock: Any) -> int:
        """Number a Socket; a number is never used again."""
        self.last += 1
        self.handles[self.last] = sock
        return self.last

    def dismiss(self, call: Call, key: int) -> Any:
        """Forget a handle and end what waits on it, except the call that asks."""
        sock = self.handle(key)
        del self.handles[key]
        mine = [one for one in self.waiting if one.args.get("socket") == key and one is not call]
        self.cancel(mine)
        return sock

    def call_reset(self, call: Call) -> None:
        super().call_reset(call)
        self.handles.clear()
        self.last = 2

    def call_socket(self, call: Call) -> int:
        return self.adopt(self.socket())

    def listens(self, local: int) -> bool:
        return any(sock.listens and sock.port == local for sock in self.handles.values())

    def call_bind(self, call: Call, socket: int, port: int) -> Steps:
        yield partial(self.handle(socket).bind, port)
        self.handle(socket).port = port

    def call_listen(
        self, call: Call, port: int | None = None, backlog: int = 8, socket: int | None = None
    ) -> Steps:
        sock = self.socket() if socket is None else self.handle(socket)
        yield partial(sock.listen, port, backlog or 1)
        sock.listens, sock.port = True, port or sock.port
        return self.adopt(sock) if socket is None else socket

    def call_accept(self, call: Call, socket: int, flag: str = "") -> Steps:
        sock = yield self.handle(socket).accept
        sock.opened = True
        return self.adopt(sock)

    def call_connect(
        self,
        call: Call,
        port: int,
        local_port: int | None = None,
        socket: int | None = None,
        flag: str = "",
    ) -> Steps:
        sock = self.socket() if socket is None else self.handle(socket)
        if flag and sock.opened:  # a second call: the stack says what it makes of it
            raise NotImplementedError
        sock.opened = True
        yield partial(sock.connect, port, local_port)
        call.again = "EINPROGRESS"
        yield sock.connected
        return self.adopt(sock) if socket is None else socket

    def call_send(
        self, call: Call, socket: int, count: int = 0, text: str | None = None, flag: str = ""
    ) -> Steps:
        written = text.encode() if text is not None else b""
        sock, said = self.connection(socket), flags_of(call.args)
        if said - {"OOB", "MORE", "DONTWAIT", "NOSIGNAL"}:
            raise NotImplementedError
        flag = "|".join(sorted(said & {"OOB", "MORE"}))
        data = written if text is not None else octets(sock.sent, count)
        total = len(data)

        def some() -> Any:
            sock.tell()
            if sock.dead:
                raise Refused("EPIPE")
            taken = sock.send(data, flag)
            if taken == 0:
                raise BlockingIOError
            return taken

        while data:
            taken = yield some
            sock.sent, data = sock.sent + taken, data[taken:]
            if "DONTWAIT" in said:
                break
        return total - len(data)

    def call_recv(
        self, call: Call, socket: int, count: int = 65536, all: int = 0, flag: str = ""
    ) -> Steps:
        sock, data, said = self.connection(socket), b"", flags_of(call.args)
        if "OOB" in said:
            raise Refused("EOPNOTSUPP")
        if "PEEK" in said:
            data = yield partial(sock.peek, count)
            return {"value": len(data), "data": data.hex()}
        while len(data) < count:
            piece = yield partial(sock.recv, count - len(data))
            data += piece
            if not piece or not all:
                break
        return {"value": len(data), "data": data.hex()}

    def call_shutdown(self, call: Call, socket: int, how: str = "WR") -> Steps:
        sock = self.connection(socket)
        if sock.dead:
            raise Refused("ENOTCONN")
        yield partial(sock.shutdown, how)
        sock.ended = sock.ended or how != "WR"
        return 0

    def call_close(self, call: Call, socket: int) -> Steps:
        sock = self.dismiss(call, socket)
        yield sock.abort if sock.abortive else sock.close

    def call_abort(self, call: Call, socket: int) -> Steps:
        yield self.dismiss(call, socket).abort

    def call_pending(self, call: Call, socket: int) -> int:
        return int(self.handle(socket).pending())

    def call_outq(self, call: Call, socket: int) -> int:
        return int(self.handle(socket).outq())

    def call_unsent(self, call: Call, socket: int) -> int:
        return int(self.handle(socket).unsent())

    def call_getsockname(self, call: Call, socket: int) -> int:
        return int(self.handle(socket).getsockname())

    def call_getpeername(self, call: Call, socket: int) -> int:
        return int(self.handle(socket).getpeername())

    def call_poll(self, call: Call, socket: int, events: str = "", flag: str = "") -> Steps:
        sock, wanted = self.handle(socket), set((events or "IN|PRI|OUT").split("|"))

        def found() -> int:
            bits = sum(EVENTS[name] for name in sock.poll() & (wanted | {"ERR", "HUP"}))
            if not bits and events and "DONTWAIT" not in flags_of(call.args):
                raise BlockingIOError
            return bits

        return (yield found)

    def call_info(self, call: Call, socket: int) -> Fields:
        told = self.connection(socket).info()
        return {"value": len(told), "text": " ".join(f"{name}={told[name]}" for name in told)}

    def call_setsockopt(self, call: Call, socket: int, name: str, value: Any) -> Steps:
        if name == "LINGER":  # a close that does not wait at all is an abort; any other is as it is
            self.handle(socket).abortive = value == 0
        else:
            yield partial(self.handle(socket).setsockopt, name, value)
        return 0

    def call_getsockopt(self, call: Call, socket: int, name: str) -> int:
        return int(self.handle(socket).getsockopt(name))
