"""The agent: makes socket calls on the target; one JSON line in, one or two out.

Rules:

- One file, standard library only: it may be copied to any Linux host with Python 3.9 or later.
- Nothing blocks it: sockets never block and one poll loop waits for all, so a case may leave many
  calls pending. A call that has to wait says ``pending`` first.
- ``tried`` is when a pending call had done all that it does at once: the SYN of a ``connect``.
- ``started`` is read right before the system call, on CLOCK_REALTIME, the clock of the kernel's
  receive stamps: a call and its effects on the wire can be put in order.
- Nothing but protocol lines goes to the stream; what is no request is answered by an error line.
- It ends when its stream does, or its parent: a dead harness leaves no agent.

On one socket, accept and recv wait for earlier ones, sends for earlier sends, polls for earlier
polls, close and shutdown for pending sends (RFC 9293 3.10.4: CLOSE waits for queued SENDs); all
else runs at once, and so does what says DONTWAIT. close and abort end what still waits on the
handle with ECANCELED.

Not nice: close() of a lingering socket blocks even if the socket does not; it runs in a thread. So
does a call with BLOCK or WAITALL: only one that blocks shows what SO_RCVTIMEO and signals do.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

Fields = dict[str, Any]
Steps = Generator[int, None, Any]

PROTOCOL = 1
MOST = 1 << 24  # octets of one send or recv: a typing error shall not eat the target's memory
READ, WRITE, ELSEWHERE = select.POLLIN, select.POLLOUT, 0
EITHER = READ | WRITE  # the queue of polls
INT = (1 << 31) - 1
ALWAYS = select.POLLERR | select.POLLHUP
SIOCATMARK, FIONREAD, PR_SET_PDEATHSIG = 0x8905, 0x541B, 1
SIOCOUTQ, SIOCOUTQNSD = 0x5411, 0x894B
AO_ADD, AO_DEL, AO_INFO, AO_KEYS, ZEROCOPY_RECEIVE = 38, 39, 40, 41, 35  # of <linux/tcp.h>
REPAIR, REPAIR_QUEUE, QUEUE_SEQ, REPAIR_OPTIONS, REPAIR_WINDOW = 19, 20, 21, 22, 29
RECEIVES, SENDS = 1, 2  # the queues under repair
PAGE = mmap.PAGESIZE
SOL, TCP, IP, IP6 = socket.SOL_SOCKET, 6, 0, 41
# TCP's by their number in <netinet/tcp.h>: not every Python names them all.
OPTIONS = {
    "KEEPALIVE": (SOL, socket.SO_KEEPALIVE), "LINGER": (SOL, socket.SO_LINGER),
    "OOBINLINE": (SOL, socket.SO_OOBINLINE), "ERROR": (SOL, socket.SO_ERROR),
    "RCVBUF": (SOL, socket.SO_RCVBUF), "SNDBUF": (SOL, socket.SO_SNDBUF),
    "NODELAY": (TCP, 1), "MAXSEG": (TCP, 2), "CORK": (TCP, 3), "KEEPIDLE": (TCP, 4),
    "KEEPINTVL": (TCP, 5), "KEEPCNT": (TCP, 6), "SYNCNT": (TCP, 7), "LINGER2": (TCP, 8),
    "DEFER_ACCEPT": (TCP, 9), "QUICKACK": (TCP, 12), "CONGESTION": (TCP, 13), "MD5SIG": (TCP, 14),
    "USER_TIMEOUT": (TCP, 18), "FASTOPEN": (TCP, 23), "TOS": (IP, 1), "TTL": (IP, 2),
    "WINDOW_CLAMP": (TCP, 10), "TIMESTAMP": (TCP, 24), "NOTSENT_LOWAT": (TCP, 25),
    "SAVE_SYN": (TCP, 27), "SAVED_SYN": (TCP, 28), "INQ": (TCP, 36), "TX_DELAY": (TCP, 37),
    "RCVLOWAT": (SOL, socket.SO_RCVLOWAT), "RCVTIMEO": (SOL, socket.SO_RCVTIMEO),
    "SNDTIMEO": (SOL, socket.SO_SNDTIMEO), "ZEROCOPY": (SOL, 60), "RECVERR": (IP, 11),
    "TIMESTAMPING": (SOL, 37), "FASTOPEN_CONNECT": (TCP, 30), "REUSEADDR": (SOL, 2),
    "REUSEPORT": (SOL, 15), "STAMP": (SOL, 29), "STAMPNS": (SOL, 35),
    "THIN_LINEAR_TIMEOUTS": (TCP, 16), "THIN_DUPACK": (TCP, 17),
    "REPAIR": (TCP, 19), "REPAIR_QUEUE": (TCP, 20), "QUEUE_SEQ": (TCP, 21), "CC_INFO": (TCP, 26),
    "REPAIR_WINDOW": (TCP, 29), "ULP": (TCP, 31), "MD5SIG_NET": (TCP, 32),
    "FASTOPEN_KEY": (TCP, 33), "FASTOPEN_NO_COOKIE": (TCP, 34), "MINTTL": (IP, 21),
    "LOCAL_PORT_RANGE": (IP, 51), "PKTOPTIONS": (IP6, 6), "RECVFLOW": (IP6, 11),
    "V6ONLY": (IP6, 26), "RECVHOPS": (IP6, 51), "RECVTCLASS": (IP6, 66),
    "PEEK_OFF": (SOL, 42), "MAX_PACING_RATE": (SOL, 47),
}  # fmt: skip
OPTIONS_6 = {
    **OPTIONS, "TOS": (IP6, 67), "TTL": (IP6, 16), "RECVERR": (IP6, 25), "MINTTL": (IP6, 73),
}  # fmt: skip
NAMES = ("CC_INFO", "CONGESTION", "FASTOPEN_KEY", "SAVED_SYN", "ULP")  # told as octets
SIGNED = ("LINGER2", "PEEK_OFF")  # less than 0 is said of them too, and means something
TIMES = ("RCVTIMEO", "SNDTIMEO")  # milliseconds, in a struct timeval
# <net/tcp_states.h>, by number; a request socket shows as 3 or, while it is new, as 12.
STATES = (
    "", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT",
    "CLOSED", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECEIVED",
)  # fmt: skip
FLAGS = {
    "": 0, "OOB": 0x1, "PEEK": 0x2, "DONTWAIT": 0x40, "EOR": 0x80, "NOSIGNAL": 0x4000,
    "MORE": 0x8000, "FASTOPEN": 0x20000000, "WAITALL": 0x100, "ZEROCOPY": 0x4000000,
    "BLOCK": 0, "FILE": 0, "SPLICE": 0, "ERRQUEUE": 0x2000,
}  # fmt: skip
BLOCKING = {"BLOCK", "WAITALL"}  # flags of a call that the kernel itself is to hold
ERRQUEUE, SPLICE_F_NONBLOCK = 0x2000, 2
# <linux/net_tstamp.h>: what sendmsg may ask to be stamped, by the names of the call's flags; and
# TIMESTAMPING: by software, what comes too, numbered by the stream, without the text.
STAMPS = {"": 0, "SCHEDULED": 0x100, "SENT": 0x2, "ACKED": 0x200}
TIMESTAMPING, STAMPED = 37, 0x8 | 0x10 | 0x80 | 0x800
STAMP_NAMES = ("sent", "scheduled", "acked")  # ee_info of such an error, by number
STATISTICS = 0x1000  # SOF_TIMESTAMPING_OPT_STATS: TCP's own numbers come with a stamp
MESSAGES = {(SOL, 29): "stamped", (SOL, 35): "stamped", (SOL, 54): "statistics"}
CM_INQ = 36
FLOW = struct.pack("=i", 11)  # IPV6_FLOWINFO, in the order of the network
MOST_COMPLETIONS = 64  # of zero-copy sends, told one by one
SOCK_DIAG, SOCK_DESTROY, REQUEST_ACK = 4, 21, 5  # netlink(7), sock_diag(7)
EVENTS = {"IN": 1, "PRI": 2, "OUT": 4, "RDHUP": 0x2000, "ERR": 8, "HUP": 16}
SIGNALS = {signal.SIGPIPE: 1, signal.SIGURG: 2}
# struct tcp_info of <linux/tcp.h>: where a field begins and how many octets it has. A kernel tells
# as much of it as it has. Times that are in milliseconds are told in microseconds as the others.
TCP_INFO, INFO_LENGTH = 11, 1024
INFO = {
    "ca-state": (1, 1), "retransmits": (2, 1), "probes": (3, 1), "backoff": (4, 1),
    "options": (5, 1), "rto": (8, 4), "ato": (12, 4), "snd-mss": (16, 4), "rcv-mss": (20, 4),
    "unacked": (24, 4), "sacked": (28, 4), "lost": (32, 4), "retrans": (36, 4), "fackets": (40, 4),
    "last-data-sent": (44, 4), "last-data-recv": (52, 4), "last-ack-recv": (56, 4),
    "pmtu": (60, 4), "rcv-ssthresh": (64, 4), "rtt": (68, 4), "rttvar": (72, 4),
    "ssthresh": (76, 4), "cwnd": (80, 4), "advmss": (84, 4), "reordering": (88, 4),
    "rcv-rtt": (92, 4), "rcv-space": (96, 4), "total-retrans": (100, 4), "pacing-rate": (104, 8),
    "max-pacing-rate": (112, 8), "bytes-acked": (120, 8), "bytes-received": (128, 8),
    "segs-out": (136, 4), "segs-in": (140, 4), "notsent-bytes": (144, 4), "min-rtt": (148, 4),
    "data-segs-in": (152, 4), "data-segs-out": (156, 4), "delivery-rate": (160, 8),
    "busy-time": (168, 8), "rwnd-limited": (176, 8), "sndbuf-limited": (184, 8),
    "delivered": (192, 4), "delivered-ce": (196, 4), "bytes-sent": (200, 8),
    "bytes-retrans": (208, 8), "dsack-dups": (216, 4), "reord-seen": (220, 4),
    "rcv-ooopack": (224, 4), "snd-wnd": (228, 4), "rcv-wnd": (232, 4), "rehash": (236, 4),
    "total-rto": (240, 2), "total-rto-recoveries": (242, 2), "total-rto-time": (244, 4),
}  # fmt: skip
INFO_HALVES = {"snd-wscale": (6, 0), "rcv-wscale": (6, 4)}  # the octet, the bits below
INFO_MILLISECONDS = ("last-data-sent", "last-data-recv", "last-ack-recv", "total-rto-time")
CA_STATES = ("open", "disorder", "cwr", "recovery", "loss")
DIRECTIONS = {"RD": socket.SHUT_RD, "WR": socket.SHUT_WR, "RDWR": socket.SHUT_RDWR}


def octets(offset: int, count: int) -> bytes:
    """The payload from this stream offset: the same lines as conformance/tcp/stream.py."""
    return bytes((i ^ i >> 8 ^ i >> 16) & 0xFF for i in range(offset, offset + count))


class RefusedByAgent(Exception):
    """The agent itself refuses a call; the argument is the errno's name."""


class CallUnderWay:
    """One request on its way: ``steps`` yields what it waits for, which ``want`` holds."""

    def __init__(self, number: object, name: str) -> None:
        self.id, self.name, self.started = number, name, 0
        self.want, self.pending = ELSEWHERE, False
        self.steps: Steps


class Written:
    """How much of the stream function went into a connection, by whatever handle."""

    octets = 0


class Handle:
    """A socket, what it has sent, and the calls that wait on it."""

    def __init__(self, sock: socket.socket, written: Written) -> None:
        self.sock, self.written = sock, written
        self.kept: list[bytes] = []  # MSG_ZEROCOPY: the kernel sends from here
        self.thread: threading.Thread | None = None  # in which a call blocks
        self.queues: dict[int, deque[CallUnderWay]] = {
            READ: deque(),
            WRITE: deque(),
            EITHER: deque(),
        }


def number(
    args: Fields, name: str, default: int | None = None, high: int = MOST, low: int = 0
) -> int:
    """The argument as an int in low..high; without a default it must be there."""
    value = args.get(name, default)
    if type(value) is not int or not low <= value <= high:
        raise RefusedByAgent("EINVAL")
    return value


def choice(args: Fields, name: str, table: dict[str, Any], default: str = "") -> Any:
    """What the table holds under the argument's value."""
    value = args.get(name, default)
    if not isinstance(value, str) or value not in table:
        raise RefusedByAgent("EINVAL")
    return table[value]


def choices(args: Fields, name: str, table: dict[str, int], default: str = "") -> int:
    """The sum of what the table holds under the names of the argument, joined by ``|``."""
    value = args.get(name, default)
    if not isinstance(value, str) or not set(value.split("|")) <= set(table):
        raise RefusedByAgent("EINVAL")
    return sum(table[word] for word in set(value.split("|")))


def flags(args: Any) -> set[str]:
    """The names of the argument ``flag``."""
    return set(str(args.get("flag", "")).split("|")) if isinstance(args, dict) else set()


def waits(args: Any) -> bool:
    """Whether the call may wait."""
    return "DONTWAIT" not in flags(args)


def spliced(sock: socket.socket, count: int) -> bytes:
    """What splice() takes from the socket into a pipe, which has room for 64 KiB."""
    if not hasattr(os, "splice"):  # before Python 3.10
        raise RefusedByAgent("ENOSYS")
    reads, writes = os.pipe()
    try:
        taken = os.splice(sock.fileno(), writes, count, flags=SPLICE_F_NONBLOCK)
        return os.read(reads, taken) if taken else b""
    finally:
        os.close(reads)
        os.close(writes)


def piped(sock: socket.socket) -> Callable[[bytes, int], int]:
    """A ``send`` that gives the socket the pages of a pipe, by splice()."""
    if not hasattr(os, "splice"):
        raise RefusedByAgent("ENOSYS")

    def splice(data: bytes, _: int) -> int:
        reads, writes = os.pipe()
        try:
            held = os.write(writes, data[:65536])  # what a pipe has room for
            return os.splice(reads, sock.fileno(), held, flags=SPLICE_F_NONBLOCK)
        finally:
            os.close(reads)
            os.close(writes)

    return splice


def answered(sock: socket.socket, option: int, asked: bytes) -> bytes:
    """getsockopt() of an option of TCP that wants to be told what it is asked."""
    told, length = ctypes.create_string_buffer(asked, len(asked)), ctypes.c_uint32(len(asked))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(sock.fileno(), TCP, option, told, ctypes.byref(length)):
        raise OSError(ctypes.get_errno(), "")
    return told.raw


def mapped(sock: socket.socket, count: int) -> bytes:
    """What TCP_ZEROCOPY_RECEIVE gives at once: so many octets, pages as such and the rest copied.

    struct tcp_zerocopy_receive. What it says is to be read as ever is left to be read as ever.
    """
    libc, size = ctypes.CDLL(None, use_errno=True), max(count & -PAGE, PAGE)
    libc.mmap.restype = ctypes.c_void_p
    place = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, sock.fileno(), 0)
    if place == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "")
    try:
        copied = ctypes.create_string_buffer(max(count % PAGE, 1))
        asked = struct.pack(
            "=QIIIiQi", place, size, 0, 0, 0, ctypes.addressof(copied), count % PAGE
        )
        told = answered(sock, ZEROCOPY_RECEIVE, asked.ljust(64, b"\0"))
        _, pages, _, _, error, _, more = struct.unpack_from("=QIIIiQi", told)
        if error:
            raise OSError(error, "")
        return ctypes.string_at(place, pages) + copied.raw[: max(more, 0)]
    finally:
        libc.munmap(ctypes.c_void_p(place), size)


def queued(sock: socket.socket, queue: int) -> tuple[int, bytes]:
    """Where a queue of a socket under repair ends, and what is in it."""
    sock.setsockopt(TCP, REPAIR_QUEUE, queue)
    end = sock.getsockopt(TCP, QUEUE_SEQ) & 0xFFFFFFFF
    try:
        return end, sock.recv(MOST, FLAGS["PEEK"])
    except BlockingIOError:
        return end, b""


def taken_out(sock: socket.socket) -> Fields:
    """A connection as TCP_REPAIR tells of it; the socket may be closed then, and sends nothing."""
    sock.setsockopt(TCP, REPAIR, 1)
    info = decoded(sock.getsockopt(TCP, TCP_INFO, INFO_LENGTH))
    return {
        "ends": (sock.getsockname(), sock.getpeername()),
        "queues": {queue: queued(sock, queue) for queue in (RECEIVES, SENDS)},
        "unsent": struct.unpack("i", fcntl.ioctl(sock, SIOCOUTQNSD, bytes(4)))[0],
        "window": sock.getsockopt(TCP, REPAIR_WINDOW, 20),
        "clock": sock.getsockopt(TCP, OPTIONS["TIMESTAMP"][1], 4),
        "mss": sock.getsockopt(TCP, OPTIONS["MAXSEG"][1]),
        "scales": info["snd-wscale"] | info["rcv-wscale"] << 16,
        "options": info["options"],  # TCPI_OPT_TIMESTAMPS, _SACK
    }


def put_in(sock: socket.socket, taken: Fields) -> None:
    """Such a connection, in a socket that has none. What was never sent is sent."""
    sock.setsockopt(TCP, REPAIR, 1)
    for queue, (end, text) in taken["queues"].items():
        sock.setsockopt(TCP, REPAIR_QUEUE, queue)
        sock.setsockopt(TCP, QUEUE_SEQ, struct.pack("=I", end - len(text) & 0xFFFFFFFF))
    sock.bind(taken["ends"][0])
    sock.connect(taken["ends"][1])
    # The kinds of RFC 9293, 7323, 2018 and 7323. The scales, which may be 0, have to be told: a new
    # socket has its own.
    options = [(2, taken["mss"]), (3, taken["scales"])]
    options += [(4, 0)] if taken["options"] & 2 else []
    options += [(8, 0)] if taken["options"] & 1 else []
    sock.setsockopt(TCP, REPAIR_OPTIONS, b"".join(struct.pack("=II", *one) for one in options))
    clock = struct.unpack("=I", taken["clock"])[0] + 2 & 0xFFFFFFFF  # its lowest bit tells the unit
    sock.setsockopt(TCP, OPTIONS["TIMESTAMP"][1], struct.pack("=I", clock))
    sent = len(taken["queues"][SENDS][1]) - taken["unsent"]
    for queue, text in (
        (RECEIVES, taken["queues"][RECEIVES][1]),
        (SENDS, taken["queues"][SENDS][1][:sent]),
    ):
        sock.setsockopt(TCP, REPAIR_QUEUE, queue)
        sock.sendall(text)
    sock.setsockopt(TCP, REPAIR_WINDOW, taken["window"])
    sock.setsockopt(TCP, REPAIR, 0)
    sock.sendall(taken["queues"][SENDS][1][sent:])


def told(controls: list[tuple[int, int, bytes]], errors: bool) -> str:
    """Control messages by the names that a case has for them: ``inq=50 stamped``."""
    found = []
    for level, kind, data in controls:
        if (level, kind) == (TCP, CM_INQ):
            found.append(f"inq={int.from_bytes(data[:4], sys.byteorder)}")
        elif (level, kind) == (SOL, TIMESTAMPING) and not errors:
            found.append("stamped")
        elif (level, kind) in ((IP, 11), (IP6, 25)):
            found += extended(data)
        elif (level, kind) in MESSAGES:
            found.append(MESSAGES[level, kind])
    return " ".join(found)


def extended(data: bytes) -> list[str]:
    """A struct sock_extended_err of <linux/errqueue.h>."""
    _, origin, kind, code, info, number = struct.unpack_from("=IBBBxII", data)
    if origin == 4 and info < len(STAMP_NAMES):
        return [f"{STAMP_NAMES[info]}={number}"]
    if origin == 5:
        most = min(number, info + MOST_COMPLETIONS)
        return [f"completed={one}" for one in range(info, most + 1)] + ["copied"] * code
    return [f"error={kind << 8 | code}"]


def decoded(raw: bytes) -> Fields:
    """The fields of a struct tcp_info, as far as this kernel has them."""
    found: Fields = {}
    for name, (at, size) in INFO.items():
        if at + size <= len(raw):
            scale = 1000 if name in INFO_MILLISECONDS else 1
            found[name] = int.from_bytes(raw[at : at + size], sys.byteorder) * scale
    for name, (at, below) in INFO_HALVES.items():
        shift = below if sys.byteorder == "little" else 4 - below
        found[name] = raw[at] >> shift & 0xF
    state = found["ca-state"]
    found["ca-state"] = CA_STATES[state] if state < len(CA_STATES) else str(state)
    return found


def named(sock: socket.socket, address: str) -> str:
    """The address as this socket takes it: one of both IP versions has IPv4's mapped (RFC 4291)."""
    if sock.family != socket.AF_INET6 or ":" in address:
        return address
    return "::" if address == "0.0.0.0" else "::ffff:" + address


def entry(address: str, port: int) -> str:
    """An end of a connection as /proc/net/tcp has it: words of the machine's own byte order."""
    packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


class Agent:
    """One stream of requests and the sockets that it asked for. A ``call_`` method is a call."""

    def __init__(self, source: int, sink: int) -> None:
        self.source, self.sink, self.last = source, sink, 2
        self.target, self.tester = "0.0.0.0", ""
        self.handles: dict[int, Handle] = {}
        self.inbox, self.outbox = b"", b""
        self.elsewhere: deque[CallUnderWay] = deque()
        self.signals: int | None = None  # that came; None while nobody asked
        self.woken, self.wake = os.pipe()
        for fd in (source, sink, self.woken):
            os.set_blocking(fd, False)

    def serve(self) -> None:
        """Answer until the stream ends. What to wait for is asked anew each round."""
        while self.flush():
            poll, heads = select.poll(), {}
            if self.outbox:
                poll.register(self.sink, WRITE)
            poll.register(self.source, READ | (WRITE if self.outbox else 0))
            poll.register(self.woken, READ)
            for handle in self.handles.values():
                wanted = 0
                for queue in filter(None, handle.queues.values()):
                    wanted |= queue[0].want
                if wanted:
                    poll.register(handle.sock, wanted)
                    heads[handle.sock.fileno()] = handle
            for fd, events in poll.poll():
                if fd in heads:
                    for queue in filter(None, list(heads[fd].queues.values())):
                        if events & (queue[0].want | ALWAYS):
                            self.turn(queue)
                elif fd == self.woken:
                    os.read(self.woken, 4096)
                    while self.elsewhere:
                        self.step(self.elsewhere.popleft())
                elif fd == self.source and events & ~WRITE and not self.read_requests():
                    return

    def close(self) -> None:
        """Drop every socket at once and forget it: the process may serve another stream."""
        for handle in self.handles.values():
            self.wake_up(handle)
            handle.sock.setsockopt(SOL, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handle.sock.close()
        self.handles.clear()
        if self.signals is not None:
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python begins
            signal.signal(signal.SIGURG, signal.SIG_DFL)
        os.close(self.woken)
        os.close(self.wake)

    def flush(self) -> bool:
        """Write what the stream takes now; false if nobody reads any more."""
        with contextlib.suppress(BlockingIOError):
            try:
                while self.outbox:
                    self.outbox = self.outbox[os.write(self.sink, self.outbox) :]
            except (BrokenPipeError, ConnectionError):
                return False
        return True

    def read_requests(self) -> bool:
        """Take what has come; false at the end of the stream."""
        try:
            data = os.read(self.source, 65536)
        except OSError as error:
            return error.errno == errno.EAGAIN
        *lines, self.inbox = (self.inbox + data).split(b"\n")
        for line in filter(bytes.strip, lines):
            self.request(line)
        return bool(data) and len(self.inbox) <= MOST

    def reply(self, fields: Fields) -> None:
        """Queue one line."""
        self.outbox += json.dumps(fields, separators=(",", ":")).encode() + b"\n"

    def request(self, line: bytes) -> None:
        """Begin the call of one line."""
        try:
            message = json.loads(line)
            call, args = CallUnderWay(message["id"], str(message["call"])), message.get("args", {})
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
            self.reply({"id": None, "errno": "EBADMSG"})
            return
        call.steps = self.steps(call, args)
        try:
            at_once = (
                not waits(args)
                or BLOCKING & flags(args)
                or "ERRQUEUE" in flags(args)
                or (call.name == "poll" and "events" not in args)
            )
            queue = None if at_once else self.queue_of(call.name, self.handle(args))
        except RefusedByAgent:
            queue = None  # its first step refuses it
        if queue is None:
            self.step(call)
        else:
            queue.append(call)
            self.turn(queue) if queue[0] is call else self.wait(call)

    def queue_of(self, name: str, handle: Handle) -> deque[CallUnderWay] | None:
        """The queue that a call on this handle has to pass, if any."""
        queue = handle.queues[READ if name in ("accept", "recv", "recvmsg") else WRITE]
        if name in ("close", "shutdown"):
            return queue if queue and queue[0].name in ("send", "sendmsg") else None
        if name == "poll":
            return handle.queues[EITHER]
        passes = ("accept", "recv", "recvmsg", "connect", "send", "sendmsg")
        return queue if name in passes else None

    def steps(self, call: CallUnderWay, args: Any) -> Steps:
        """Any call as a generator of what it waits for."""
        method = getattr(self, "call_" + call.name, None)
        if method is None or not isinstance(args, dict):
            raise RefusedByAgent("EINVAL" if method else "ENOSYS")
        call.started = call.started or time.time_ns()
        outcome = method(call, args)
        if isinstance(outcome, Generator):
            outcome = yield from outcome
        return outcome

    def step(self, call: CallUnderWay) -> bool:
        """Run the call until it ends (true) or has to wait (false)."""
        try:
            call.want = next(call.steps)
        except StopIteration as end:
            fields = end.value if isinstance(end.value, dict) else {"value": end.value or 0}
            self.finish(call, fields)
        except RefusedByAgent as refusal:
            self.finish(call, {"errno": str(refusal)})
        except OSError as error:
            self.finish(call, {"errno": errno.errorcode.get(error.errno or 0, "EIO")})
        except (LookupError, ValueError, TypeError, OverflowError, struct.error):
            self.finish(call, {"errno": "EINVAL"})
        else:
            self.wait(call)
            return False
        return True

    def wait(self, call: CallUnderWay) -> None:
        """Say, once, that the call blocks."""
        if not call.pending:
            call.pending, call.started = True, call.started or time.time_ns()
            tried = {"tried": time.time_ns(), "pending": True}
            self.reply({"id": call.id, "started": call.started, **tried})

    def finish(self, call: CallUnderWay, fields: Fields) -> None:
        """The final line of a call."""
        ended = time.time_ns()
        self.reply({"id": call.id, "started": call.started or ended, "ended": ended, **fields})

    def turn(self, queue: deque[CallUnderWay]) -> None:
        """Run the head of the queue and those behind it, as far as they get."""
        while queue and self.step(queue[0]):
            queue.popleft()

    def handle(self, args: Any) -> Handle:
        """The handle that the arguments name."""
        value = args.get("socket") if isinstance(args, dict) else None
        if type(value) is not int or value not in self.handles:
            raise RefusedByAgent("EBADF")
        return self.handles[value]

    def adopt(self, sock: socket.socket, written: Written | None = None) -> int:
        """Number a socket; a number is never used again."""
        sock.setblocking(False)
        if self.signals is not None:
            fcntl.fcntl(sock, fcntl.F_SETOWN, os.getpid())
        self.last += 1
        self.handles[self.last] = Handle(sock, written or Written())
        return self.last

    def dismiss(self, asking: CallUnderWay, args: Fields) -> socket.socket:
        """Forget a handle and end what waits on it, except the call that asks."""
        handle = self.handle(args)
        self.wake_up(handle)
        del self.handles[args["socket"]]
        for queue in handle.queues.values():
            for call in [waiting for waiting in queue if waiting is not asking]:
                self.finish(call, {"errno": "ECANCELED"})
                queue.remove(call)
        return handle.sock

    def fresh(self, dual: bool = False) -> socket.socket:
        """A new socket of the lab's family, or one that takes both."""
        family = socket.AF_INET6 if dual or ":" in self.target else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(SOL, socket.SO_REUSEADDR, 1)
        return sock

    def call_use(self, call: CallUnderWay, args: Fields) -> None:
        self.target, self.tester = str(args["target"]), str(args["tester"])
        with self.fresh() as sock:
            sock.bind((self.target, 0))  # EADDRNOTAVAIL now, not in the middle of a case

    def call_reset(self, call: CallUnderWay, args: Fields) -> None:
        for key in list(self.handles):
            self.call_abort(call, {"socket": key})

    def call_version(self, call: CallUnderWay, args: Fields) -> Fields:
        return {"value": PROTOCOL, "text": os.uname().release}

    def call_socket(self, call: CallUnderWay, args: Fields) -> int:
        return self.adopt(self.fresh("DUAL" in flags(args)))

    def call_bind(self, call: CallUnderWay, args: Fields) -> None:
        sock, address = self.handle(args).sock, str(args.get("address", self.target))
        sock.bind((named(sock, address), number(args, "port", high=65535)))

    def call_listen(self, call: CallUnderWay, args: Fields) -> int:
        backlog = number(args, "backlog", 8)
        if "socket" in args:
            self.handle(args).sock.listen(backlog)
            return int(args["socket"])
        sock = self.fresh()
        try:
            sock.bind((self.target, number(args, "port", high=65535)))
            sock.listen(backlog)
        except (OSError, RefusedByAgent):
            sock.close()
            raise
        return self.adopt(sock)

    def tried(
        self, call: CallUnderWay, want: int, attempt: Callable[..., Any], *args: Any
    ) -> Steps:
        """What a system call answers, as soon as it need not block."""
        while True:
            call.started = call.started if call.pending else time.time_ns()
            try:
                return attempt(*args)
            except BlockingIOError:
                if want == ELSEWHERE:
                    raise  # the call does not wait
                yield want

    def blocking(self, call: CallUnderWay, handle: Handle, name: str, *args: Any) -> Steps:
        """What a call of libc on a socket comes to, which blocks in a thread of its own."""
        outcome = []
        system_call = getattr(ctypes.CDLL(None, use_errno=True), name)
        system_call.restype = ctypes.c_int if name == "accept" else ctypes.c_ssize_t

        def run() -> None:
            outcome.append(system_call(handle.sock.fileno(), *args))
            outcome.append(ctypes.get_errno())
            self.elsewhere.append(call)
            os.write(self.wake, b"!")

        signal.signal(signal.SIGUSR1, lambda *_: None)  # interrupt() only has to end a call
        os.set_blocking(handle.sock.fileno(), True)
        handle.thread = threading.Thread(target=run, daemon=True)
        call.started = time.time_ns()
        handle.thread.start()
        while len(outcome) < 2:
            yield ELSEWHERE
        handle.thread = None
        if handle in self.handles.values():
            os.set_blocking(handle.sock.fileno(), False)
        if outcome[0] < 0:
            raise OSError(outcome[1], "")
        return outcome[0]

    def wake_up(self, handle: Handle) -> None:
        """End the call that blocks on the socket: the thread holds it open otherwise."""
        if handle.thread is not None:
            with contextlib.suppress(OSError):
                handle.sock.shutdown(socket.SHUT_RD)

    def call_interrupt(self, call: CallUnderWay, args: Fields) -> None:
        thread = self.handle(args).thread
        if thread is None or thread.ident is None:
            raise RefusedByAgent("EINVAL")
        signal.pthread_kill(thread.ident, signal.SIGUSR1)

    def call_accept(self, call: CallUnderWay, args: Fields) -> Steps:
        handle, want = self.handle(args), READ if waits(args) else ELSEWHERE
        if "BLOCK" in flags(args):
            fd = yield from self.blocking(call, handle, "accept", None, None)
            return self.adopt(socket.socket(fileno=fd))
        sock, _ = yield from self.tried(call, want, handle.sock.accept)
        return self.adopt(sock)

    def call_connect(self, call: CallUnderWay, args: Fields) -> Steps:
        key = args["socket"] if "socket" in args else self.adopt(self.fresh())
        sock, address = self.handle({"socket": key}).sock, str(args.get("address", self.tester))
        remote = (named(sock, address), number(args, "port", high=65535))
        try:
            if "local_port" in args:
                sock.bind((self.target, number(args, "local_port", high=65535)))
            call.started = time.time_ns()
            error = sock.connect_ex(remote)
            if error == errno.EINPROGRESS and "socket" not in args and waits(args):
                self.handles[key].queues[WRITE].append(call)
            while error in (errno.EINPROGRESS, errno.EALREADY) and waits(args):
                yield WRITE  # asked again, the kernel tells the end and knows that it was told
                error = sock.connect_ex(remote)
            if error:
                raise OSError(error, "")
        except (OSError, RefusedByAgent):
            if "socket" not in args:
                self.handles.pop(key).sock.close()
            raise
        return key

    def call_send(self, call: CallUnderWay, args: Fields) -> Steps:
        handle, flag, text = self.handle(args), choices(args, "flag", FLAGS), args.get("text")
        written, want = handle.written, WRITE if waits(args) else ELSEWHERE
        data: Any
        if isinstance(text, str):
            data = text.encode()
        else:
            data = octets(written.octets, number(args, "count"))
        total = len(data)
        if flag & FLAGS["FASTOPEN"]:
            data = yield from self.open_fast(call, args, data, flag)
            flag &= ~FLAGS["FASTOPEN"]
            if not waits(args):
                return total - len(data)
        attempt: Callable[[bytes, int], int] = handle.sock.send
        if "FILE" in flags(args):
            attempt = self.from_file(handle.sock, data)
        if "SPLICE" in flags(args):
            attempt = piped(handle.sock)
        if "ZEROCOPY" in flags(args):
            handle.kept.append(data)
            data = memoryview(data)
        if "BLOCK" in flags(args):
            size = ctypes.c_size_t(len(data))
            count = yield from self.blocking(call, handle, "send", data, size, flag)
            written.octets += count
            return count
        while data:
            count = yield from self.tried(call, want, attempt, data, flag)
            written.octets, data = written.octets + count, data[count:]
            if not waits(args):
                break
        return total - len(data)

    def call_sendmsg(self, call: CallUnderWay, args: Fields) -> Steps:
        """A send that asks for stamps of its last octet; the rest of a part is asked for anew."""
        handle, text, bits = self.handle(args), args.get("text"), choices(args, "flag", STAMPS)
        data = text.encode() if isinstance(text, str) else b""
        data = data or octets(handle.written.octets, number(args, "count"))
        total, asked = len(data), [(SOL, TIMESTAMPING, struct.pack("I", bits))]
        while data:
            count = yield from self.tried(call, WRITE, handle.sock.sendmsg, [data], asked)
            handle.written.octets, data = handle.written.octets + count, data[count:]
        return total

    def call_recvmsg(self, call: CallUnderWay, args: Fields) -> Steps:
        """One system call; of the error queue, which has no text, what is there at once."""
        flag, count = choices(args, "flag", FLAGS), number(args, "count", 65536)
        errors = bool(flag & ERRQUEUE)
        want = READ if waits(args) and not errors else ELSEWHERE
        receive = self.handle(args).sock.recvmsg
        data, controls, _, _ = yield from self.tried(call, want, receive, count, 512, flag)
        text = told(controls, errors)
        return {"value": len(data), "data": "" if errors else data.hex(), "text": text}

    def from_file(self, sock: socket.socket, text: bytes) -> Callable[[bytes, int], int]:
        """A ``send`` that takes what is left of the text from a file."""
        if not hasattr(os, "memfd_create"):
            raise RefusedByAgent("ENOSYS")
        file = os.memfd_create("text")
        os.write(file, text)

        def sendfile(data: bytes, _: int) -> int:
            count = os.sendfile(sock.fileno(), file, len(text) - len(data), len(data) + 1)
            if count == len(data):
                os.close(file)
            return count

        return sendfile

    def open_fast(self, call: CallUnderWay, args: Fields, data: bytes, flag: int) -> Steps:
        """Connect with the text, and what is left of it; with no cookie, all, once connected."""
        handle, port = self.handle(args), number(args, "port", high=65535)
        remote = (named(handle.sock, self.tester), port)
        call.started = time.time_ns()
        try:
            count = handle.sock.sendto(data, flag, remote)
        except BlockingIOError:
            if not waits(args):
                raise
            yield WRITE
            count = 0
        handle.written.octets += count
        return data[count:]

    def call_recv(self, call: CallUnderWay, args: Fields) -> Steps:
        handle, flag = self.handle(args), choices(args, "flag", FLAGS)
        sock, left, data, piece = handle.sock, number(args, "count", 65536), b"", b"more"
        if BLOCKING & flags(args):
            room = ctypes.create_string_buffer(left)
            size = ctypes.c_size_t(left)
            count = yield from self.blocking(call, handle, "recv", room, size, flag)
            return {"value": count, "data": room.raw[:count].hex()}
        if "ZEROCOPY" in flags(args):
            want = READ if waits(args) else ELSEWHERE
            data = yield from self.tried(call, want, mapped, sock, left)
            return {"value": len(data), "data": data.hex()}
        if "SPLICE" in flags(args):
            data = yield from self.tried(
                call, READ if waits(args) else ELSEWHERE, spliced, sock, left
            )
            return {"value": len(data), "data": data.hex()}
        if flag:  # the kernel never blocks for urgent data, nor do we
            want = READ if flag == FLAGS["PEEK"] else ELSEWHERE
            data = yield from self.tried(call, want, sock.recv, left, flag)
        while not flag and piece and left and (args.get("all") or not data):
            piece = yield from self.tried(call, READ, sock.recv, left)
            data, left = data + piece, left - len(piece)
        return {"value": len(data), "data": data.hex()}

    def call_shutdown(self, call: CallUnderWay, args: Fields) -> None:
        self.handle(args).sock.shutdown(choice(args, "how", DIRECTIONS, "WR"))

    def call_close(self, call: CallUnderWay, args: Fields) -> Steps:
        sock = self.dismiss(call, args)
        call.started = call.started if call.pending else time.time_ns()
        on, seconds = struct.unpack("ii", sock.getsockopt(SOL, socket.SO_LINGER, 8))
        if not on or not seconds:
            sock.close()
            return 0

        def last() -> None:
            sock.close()
            self.elsewhere.append(call)
            os.write(self.wake, b"!")

        threading.Thread(target=last, daemon=True).start()
        yield ELSEWHERE
        return 0

    def call_abort(self, call: CallUnderWay, args: Fields) -> None:
        sock = self.dismiss(call, args)
        sock.setsockopt(SOL, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def option(self, args: Fields) -> tuple[int, int]:
        """Level and number of the option that the arguments name."""
        level, name = choice(args, "name", OPTIONS_6 if ":" in self.target else OPTIONS)
        return level, name

    def peer(self, sock: socket.socket) -> bytes:
        """The tester as a struct sockaddr_storage, with any port."""
        address = named(sock, self.tester)
        if ":" in address:
            packed = struct.pack("=HHI16sI", 10, 0, 0, socket.inet_pton(10, address), 0)
        else:
            packed = struct.pack("=HH4s", 2, 0, socket.inet_aton(self.tester))
        return packed.ljust(128, b"\0")

    def call_setsockopt(self, call: CallUnderWay, args: Fields) -> None:
        sock, (level, name), value = self.handle(args).sock, self.option(args), args.get("value")
        packed: Any = (
            value.encode() if isinstance(value, str) else number(args, "value", high=INT, low=-INT)
        )
        if args["name"] == "LINGER":
            packed = struct.pack("ii", 1, packed)
        elif args["name"] == "TIMESTAMPING":
            packed = (0, STAMPED, STAMPED | STATISTICS)[min(max(packed, 0), 2)]
        elif args["name"] in TIMES:
            packed = struct.pack("ll", packed // 1000, packed % 1000 * 1000)
        elif args["name"] in ("TIMESTAMP", "QUEUE_SEQ", "LOCAL_PORT_RANGE"):
            packed = struct.pack("I", packed & 0xFFFFFFFF)
        if args["name"] in ("MD5SIG", "MD5SIG_NET"):  # without a key that of the tester goes
            key = str(value).encode() if value else b""
            net = (1, self.prefix() - 8) if args["name"] == "MD5SIG_NET" else (0, 0)
            packed = self.peer(sock) + struct.pack("BBHi80s", *net, len(key), 0, key)
        sock.setsockopt(level, name, packed)

    def call_ao_add(self, call: CallUnderWay, args: Fields) -> None:
        """struct tcp_ao_add of <linux/tcp.h>; HMAC-SHA-1-96 of RFC 5926."""
        send, recv = number(args, "send", 1, 255), number(args, "recv", 1, 255)
        key = str(args["key"]).encode()
        if not 0 < len(key) <= 80:
            raise RefusedByAgent("EINVAL")
        sock = self.handle(args).sock
        packed = self.peer(sock) + struct.pack("64siIH", b"hmac(sha1)", 0, 0, 0)
        packed += struct.pack("6B80s", self.prefix(), send, recv, 12, 0, len(key), key)
        sock.setsockopt(TCP, AO_ADD, packed.ljust(288, b"\0"))

    def call_ao_del(self, call: CallUnderWay, args: Fields) -> None:
        """struct tcp_ao_del."""
        ids = number(args, "send", 1, 255), number(args, "recv", 1, 255)
        sock = self.handle(args).sock
        packed = self.peer(sock) + struct.pack("iIH6B", 0, 0, 0, self.prefix(), *ids, 0, 0, 0)
        sock.setsockopt(TCP, AO_DEL, packed.ljust(144, b"\0"))

    def call_ao_use(self, call: CallUnderWay, args: Fields) -> None:
        """struct tcp_ao_info_opt, as far as it chooses keys."""
        chosen = [name in args for name in ("current", "rnext")]
        ids = number(args, "current", 0, 255), number(args, "rnext", 0, 255)
        bits = sum(1 << at for at, one in enumerate(chosen) if one)
        if sys.byteorder == "big":
            bits = sum(1 << (31 - at) for at, one in enumerate(chosen) if one)
        sock = self.handle(args).sock
        sock.setsockopt(TCP, AO_INFO, struct.pack("=IHBB40x", bits, 0, *ids))

    def call_ao_keys(self, call: CallUnderWay, args: Fields) -> int:
        """struct tcp_ao_getsockopt: all keys, of which the first is told, with their number."""
        every = 4 if sys.byteorder == "little" else 1 << 13
        asked = struct.pack("=272xIH26x", 1, every)
        return int(
            struct.unpack_from("=I", answered(self.handle(args).sock, AO_KEYS, asked), 272)[0]
        )

    def prefix(self) -> int:
        """Bits of an address that a key is for: all."""
        return 128 if ":" in self.tester else 32

    def call_getsockopt(self, call: CallUnderWay, args: Fields) -> Any:
        sock, (level, name) = self.handle(args).sock, self.option(args)
        asked = str(args["name"])
        if asked in NAMES:
            raw = sock.getsockopt(level, name, 1024)
            raw = raw.rstrip(b"\0") if asked in ("CONGESTION", "ULP") else raw
            return {"value": len(raw), "data": raw.hex()}
        if asked == "LINGER":
            on, seconds = struct.unpack("ii", sock.getsockopt(level, name, 8))
            return seconds if on else -1
        if asked in TIMES:
            seconds, micros = struct.unpack("ll", sock.getsockopt(level, name, 16))
            return seconds * 1000 + micros // 1000
        if asked == "PKTOPTIONS":  # struct cmsghdr, then the one number that was asked for
            raw = sock.getsockopt(level, name, 512)
            return int.from_bytes(raw[16:20], "big" if raw[12:16] == FLOW else sys.byteorder)
        told = sock.getsockopt(level, name)
        return told if asked in SIGNED else told & 0xFFFFFFFF

    def call_disconnect(self, call: CallUnderWay, args: Fields) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        unspecified = struct.pack("=H26x", socket.AF_UNSPEC)
        handle = self.handle(args)
        if libc.connect(handle.sock.fileno(), unspecified, len(unspecified)):
            raise OSError(ctypes.get_errno(), "")
        handle.written.octets = 0  # the next connection has a stream of its own

    def call_errors(self, call: CallUnderWay, args: Fields) -> int:
        """SO_EE_ORIGIN of all that the error queue holds, number n as bit n - 1."""
        sock, found = self.handle(args).sock, 0
        while True:
            try:
                controls = sock.recvmsg(1, 512, ERRQUEUE)[1]
            except BlockingIOError:
                return found
            for level, kind, data in controls:
                if (level, kind) in ((IP, 11), (IP6, 25)):
                    found |= 1 << data[4] - 1

    def call_destroy(self, call: CallUnderWay, args: Fields) -> None:
        """SOCK_DESTROY of the pair of ports, or of a listener."""
        remote, local = number(args, "remote", 0, 65535), number(args, "local", 0, 65535)
        if "socket" in args:
            local, remote = self.handle(args).sock.getsockname()[1], 0
        family = socket.AF_INET6 if ":" in self.target else socket.AF_INET
        ends = [socket.inet_pton(family, one) for one in (self.target, self.tester)]
        ends[1] = ends[1] if remote else bytes(16)
        body = struct.pack("=BBBBI", family, TCP, 0, 0, 0xFFFFFFFF) + struct.pack(
            "!HH16s16s", local, remote, *ends
        )
        body += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
        head = struct.pack("=IHHII", 16 + len(body), SOCK_DESTROY, REQUEST_ACK, 1, 0)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as diag:
            diag.send(head + body)
            error = struct.unpack_from("=i", diag.recv(4096), 16)[0]
        if error:
            raise OSError(-error, "")

    def call_state(self, call: CallUnderWay, args: Fields) -> Fields:
        local, remote = (number(args, name, high=65535) for name in ("local", "remote"))
        path = "/proc/net/tcp6" if ":" in self.target else "/proc/net/tcp"
        with open(path, encoding="ascii") as file:
            rows = [line.split()[1:4] for line in file.readlines()[1:]]
        listens = False
        for mine, other, state in rows:
            if mine == entry(self.target, local) and other == entry(self.tester, remote):
                return {"value": 0, "text": STATES[int(state, 16)]}
            listens |= state == "0A" and int(mine[-4:], 16) == local
        return {"value": 0, "text": "LISTEN" if listens else "CLOSED"}

    def call_info(self, call: CallUnderWay, args: Fields) -> Fields:
        raw = self.handle(args).sock.getsockopt(TCP, TCP_INFO, INFO_LENGTH)
        text = " ".join(f"{name}={value}" for name, value in decoded(raw).items())
        return {"value": len(raw), "text": text}

    def call_counters(self, call: CallUnderWay, args: Fields) -> Fields:
        """Those that are asked for and are there; TCP's own need not say their group."""
        found: dict[str, str] = {}
        for path in ("/proc/net/snmp", "/proc/net/netstat"):
            with open(path, encoding="ascii") as file:
                lines = [line.split() for line in file]
            for names, values in zip(lines[::2], lines[1::2]):
                group = names[0].rstrip(":")
                for name, value in zip(names[1:], values[1:]):
                    found[group + name] = value
                    if group in ("Tcp", "TcpExt"):
                        found[name] = value
        asked = [name for name in str(args["names"]).split() if name in found]
        return {"value": len(asked), "text": " ".join(f"{name}={found[name]}" for name in asked)}

    def ask(self, args: Fields, request: int) -> int:
        """The int that an ioctl on the socket answers."""
        return int(struct.unpack("i", fcntl.ioctl(self.handle(args).sock, request, bytes(4)))[0])

    def call_listed(self, call: CallUnderWay, args: Fields) -> int:
        """The rows of /proc/net/tcp and tcp6 in this state."""
        state = str(args["state"]).replace("_", "-")
        wanted = {f"{at:02X}" for at, name in enumerate(STATES) if name == state}
        found = 0
        for path in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(path, encoding="ascii") as file:
                found += sum(line.split()[3] in wanted for line in file.readlines()[1:])
        return found

    def call_repair(self, call: CallUnderWay, args: Fields) -> int:
        """What a checkpoint and its restoration do (TCP_REPAIR): nothing of it is on the wire."""
        handle = self.handle(args)
        taken = taken_out(handle.sock)
        self.dismiss(call, args).close()
        sock = self.fresh(handle.sock.family == socket.AF_INET6)
        put_in(sock, taken)
        return self.adopt(sock, handle.written)

    def call_atmark(self, call: CallUnderWay, args: Fields) -> int:
        return self.ask(args, SIOCATMARK)

    def call_pending(self, call: CallUnderWay, args: Fields) -> int:
        return self.ask(args, FIONREAD)

    def call_outq(self, call: CallUnderWay, args: Fields) -> int:
        return self.ask(args, SIOCOUTQ)

    def call_unsent(self, call: CallUnderWay, args: Fields) -> int:
        return self.ask(args, SIOCOUTQNSD)

    def call_poll(self, call: CallUnderWay, args: Fields) -> Steps:
        """What is there of the events; it waits for one only if they are named."""
        sock, wanted = self.handle(args).sock, choices(args, "events", EVENTS, "IN|PRI|OUT")
        while True:
            call.started = call.started if call.pending else time.time_ns()
            poll = select.poll()
            poll.register(sock, wanted)
            found = dict(poll.poll(0)).get(sock.fileno(), 0)
            if found or "events" not in args or not waits(args):
                return found & sum(EVENTS.values())
            yield wanted

    def call_getsockname(self, call: CallUnderWay, args: Fields) -> int:
        return int(self.handle(args).sock.getsockname()[1])

    def call_getpeername(self, call: CallUnderWay, args: Fields) -> int:
        return int(self.handle(args).sock.getpeername()[1])

    def call_dup(self, call: CallUnderWay, args: Fields) -> int:
        handle = self.handle(args)
        return self.adopt(handle.sock.dup(), handle.written)

    def call_signals(self, call: CallUnderWay, args: Fields) -> int:
        """The signals since it was last asked; the first time it begins to listen to them."""
        if self.signals is None:
            self.signals = 0
            for name in SIGNALS:
                signal.signal(name, self.signalled)
            for handle in self.handles.values():
                fcntl.fcntl(handle.sock, fcntl.F_SETOWN, os.getpid())
        came, self.signals = self.signals, 0
        return came

    def signalled(self, name: int, frame: object) -> None:
        """A signal came."""
        self.signals = (self.signals or 0) | SIGNALS[signal.Signals(name)]

    def call_sysctl(self, call: CallUnderWay, args: Fields) -> Fields:
        name = str(args.get("name"))
        if not name.startswith("net.") or "/" in name or ".." in name:
            raise RefusedByAgent("EINVAL")  # only what a network namespace has to itself
        path = "/proc/sys/" + name.replace(".", "/")
        if "value" in args:
            with open(path, "w", encoding="utf-8") as file:
                file.write(str(args["value"]))
        with open(path, encoding="utf-8") as file:
            text = " ".join(file.read().split())
        return {"value": int(text) if text.lstrip("-").isdigit() else 0, "text": text}


def die_with_parent() -> None:
    """Ask the kernel for a SIGKILL when the parent ends; where it cannot, the stream's end does."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main() -> None:
    """Serve the standard streams: ``agent.py [TARGET-ADDRESS TESTER-ADDRESS]``."""
    die_with_parent()
    sink = os.dup(1)
    os.dup2(2, 1)  # whatever else prints, prints there
    agent = Agent(0, sink)
    if len(sys.argv) == 3:
        agent.target, agent.tester = sys.argv[1:]
    agent.serve()
    # Whoever closed only his writing end may still read the last answers.
    while agent.outbox and select.select([], [sink], [], 1.0)[1] and agent.flush():
        pass


if __name__ == "__main__":
    main()
