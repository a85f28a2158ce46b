"""The netns server: makes private network namespaces, two a case, and keeps the agents in them.

Rules:

- One small process a run. For each case one of its children enters a fresh namespace, lays the
  wire to a second one, hands the descriptors to the harness and then is the case's agent. When
  the case has ended, it is idle, and has the next; a child is only forked when none is idle.
- No namespace has a name, no interface is outside: they live as long as a descriptor or a process
  of theirs. An idle child is in none of them. Whatever ends, also by SIGKILL, the kernel clears up.
- Without root the server first enters a user namespace of its own. Each child could do that
  alone, but it would cost as much again.

Why a process and not a thread that unshares: a thread cannot be the agent that a case may lose,
and a fork of the harness would copy scapy's pages with it. Why a child is used again: a fork costs
as much as a namespace, and in a guest, where a page fault is dear, ten times as much.

Standard library only, one thread. Server and harness talk over one SOCK_SEQPACKET pair: a request
is one octet, an answer JSON with the descriptors beside it, sent by the child itself, so answers
come in any order and all are alike. With each child the server has a line, too: the child says
when it is nearly ready and when it is idle, the server that it is to begin again.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import json
import os
import select
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from conformance.agent import agent
from conformance.live import clock
from conformance.live.frames import packet_socket
from conformance.live.workers import trace_keeper, veth_plan

_NEWUSER, NEWNET = 0x10000000, 0x40000000
_ANSWER: Final = 1 << 16
NETLINK: Final = struct.pack("@ll", 5, 0)  # seconds that the kernel has to answer; it does at once

# Set in the target's namespace before anything is in it. IPv6 defaults: no address but ours, no
# duplicate address detection, no router solicitation; limits that would make answers depend on
# what another segment did a moment ago: off.
SURROUNDINGS: Final = {
    "net.ipv4.tcp_challenge_ack_limit": "2147483647",
    "net.ipv4.tcp_invalid_ratelimit": "0",
    "net.ipv4.tcp_syncookies": "0",
    "net.ipv4.tcp_congestion_control": "reno",
    "net.ipv4.icmp_ratelimit": "0",
    "net.ipv6.icmp.ratelimit": "0",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv6.conf.default.accept_dad": "0",
    "net.ipv6.conf.default.accept_ra": "0",
    "net.ipv6.conf.default.addr_gen_mode": "1",
    "net.ipv6.conf.default.router_solicitations": "0",
}
# Read and recorded only: a namespace takes some of these from its parent.
READ: Final = tuple(
    f"net.ipv4.tcp_{name}"
    for name in (
        "ecn", "timestamps", "sack", "window_scaling", "fin_timeout", "syn_retries",
        "synack_retries", "rfc1337", "tw_reuse", "abort_on_overflow",
    )
)  # fmt: skip

_IFLA_QDISC, OPERSTATE, UP, _RTN_LOCAL = 6, 16, 6, 2

_NEARLY, _IDLE, _AGAIN = b".", b"-", b"+"  # said by a child, by a child, to a child
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def system(name: str, *arguments: Any) -> None:
    """A system call that the library has no name for, by libc's."""
    if getattr(_LIBC, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def main(fd: int) -> NoReturn:
    """Serve the harness at the other end of ``fd`` until it closes or dies."""
    control = socket.socket(fileno=os.dup(fd))  # the lowest number, whatever the harness's was
    os.close(fd)
    order = json.loads(control.recv(_ANSWER))
    try:
        facts = {"privilege": enter()}
    except OSError as error:
        control.send(json.dumps({"error": str(error.strerror)}).encode())
        os._exit(1)
    facts |= {name: _fact(name) for name in READ}
    keeper: trace_keeper.Keeper | None = None
    descriptors: list[int] = []
    if order["trace"]:
        facts["tracefs"], keeper, descriptors = trace_keeper.open_instance(_LIBC)
    # The kernel stamps arrivals only while somebody asks for it, and switches that on lazily.
    stamps = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    packet_socket.stamped(stamps)
    kept = {"keeper": keeper.pid} if keeper else {}
    _hand_over(control, {"facts": facts, **kept}, descriptors)
    for descriptor in (*descriptors[:1], *descriptors[2:]):
        os.close(descriptor)
    workers = _Workers(control, order["plan"])
    gc.freeze()  # a child shall not copy pages only to count references
    with contextlib.suppress(ConnectionError):  # it ended without reading all answers
        workers.serve()
    workers.end()
    if keeper:
        keeper.end()
    os._exit(0)


def enter() -> str:
    """Leave the host's network for good: a namespace of our own, in a user namespace if needed."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        system("unshare", NEWNET)
        return f"uid {uid}"
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
    system("unshare", _NEWUSER | NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    return f"uid {uid} in a user namespace"


class _Workers:
    """The children, and the line to each."""

    def __init__(self, control: socket.socket, plan: dict[str, list[str]]) -> None:
        self._control, self._plan = control, plan
        self._children: dict[int, tuple[int, socket.socket]] = {}  # by the line's descriptor
        self._idle: list[int] = []
        self._unborn = -1
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Bear whom the harness asks for until it closes.

        One descriptor a turn: a request reads a line too, and to read what it has read would
        wait for that child's whole case.
        """
        while True:
            descriptor, _ = self._poll.poll()[0]
            if descriptor != self._control.fileno():
                self._hear(descriptor)
            elif request := self._control.recv(64):
                for _ in request:
                    self._have_made()
            else:
                return

    def _hear(self, line: int) -> None:
        """What a child says: that it is nearly ready, that it is idle, or by silence its end."""
        pid, ours = self._children[line]
        try:
            said = ours.recv(64)
        except ConnectionError:
            said = b""
        if _IDLE in said:
            self._idle.append(line)
        lost = not said and line == self._unborn
        if line == self._unborn and (lost or _NEARLY in said):
            self._unborn = -1
        if not said:
            self._poll.unregister(line)
            self._idle = [one for one in self._idle if one != line]
            del self._children[line]
            ours.close()
            os.waitpid(pid, 0)
        if lost:
            self._have_made()  # whoever was to begin has been killed

    def _have_made(self) -> None:
        """Have a child enter namespaces of its own once the one before it is nearly ready.

        Two at a time: one works while the other waits for the kernel's workers. More would
        only spin for the kernel's lock.
        """
        while self._unborn >= 0:
            self._hear(self._unborn)
        while self._idle:
            line = self._idle.pop()
            with contextlib.suppress(ConnectionError):  # it has been killed: soon it is heard
                self._children[line][1].send(_AGAIN)
                self._unborn = line
                return
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            for descriptor in (*self._children, ours.fileno()):
                os.close(descriptor)
            low = theirs.dup()  # veth_plan.PEER_FD may be the number of theirs
            theirs.close()
            _live(self._control, low, self._plan, self._home)
        theirs.close()
        self._unborn = ours.fileno()
        self._children[self._unborn] = (pid, ours)
        self._poll.register(self._unborn, select.POLLIN)

    def end(self) -> None:
        """End all of them."""
        for pid, _ in self._children.values():
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.kill(pid, signal.SIGKILL)
        for pid, _ in self._children.values():
            os.waitpid(pid, 0)  # they were killed


def _live(
    control: socket.socket, line: socket.socket, plan: dict[str, list[str]], home: int
) -> NoReturn:
    """A child's life: the agent of one case after another. What fails is told to the harness."""
    nursery_pid = os.getppid()
    agent.die_with_parent()
    if os.getppid() != nursery_pid or nursery_pid == 1:
        os._exit(1)  # it died before we asked
    while True:
        try:
            stream, packet = _make(control, plan, line)
        except OSError as error:
            with contextlib.suppress(OSError):  # nobody is left to be told
                control.send(json.dumps({"error": f"{error.strerror or error}"}).encode())
            with contextlib.suppress(OSError):  # and this whatever became of that: who only falls
                line.send(_NEARLY)  # silent was killed, and begins again
            os._exit(1)
        case = agent.Agent(stream.fileno(), stream.fileno())
        with _first():
            case.serve()
        if threading.active_count() > 1:
            os._exit(0)  # a close that lingers: it ends with the process alone
        case.close()
        stream.close()
        packet.close()
        system("setns", home, NEWNET)
        line.send(_IDLE)
        if not line.recv(1):
            os._exit(0)


@contextlib.contextmanager
def _first() -> Iterator[None]:
    """Real-time priority for an agent, as the harness has it, where that is permitted.

    Not while it makes namespaces: that takes a millisecond, which it would take from the harness.
    """
    clock.set_real_time_priority()
    yield
    ordinary = os.SCHED_OTHER | os.SCHED_RESET_ON_FORK  # a flag that only root can take back
    os.sched_setscheduler(0, ordinary, os.sched_param(0))


def _make(
    control: socket.socket, plan: dict[str, list[str]], line: socket.socket
) -> tuple[socket.socket, socket.socket]:
    """Make both namespaces and the wire and hand over the descriptors; what the agent keeps.

    It keeps a copy of the packet socket because who closes the last one waits 10 ms for the
    kernel (synchronize_net): so that is the agent, after the case, and never the harness.
    """
    system("unshare", NEWNET)
    facts = {name: set_sysctl(name, value) for name, value in SURROUNDINGS.items()}
    diag = netlink(4)
    target = netlink(0)
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.dup2(own, veth_plan.PEER_FD)
    system("unshare", NEWNET)
    set_sysctl("net.ipv6.conf.default.disable_ipv6", "1")  # the tester's kernel has no part in it
    tester = netlink(0)
    packet = packet_socket.open_packet()
    send_plan(tester, plan["tester"])
    send_plan(target, plan["target"])
    veth_plan.no_offloads(tester)
    veth_plan.no_offloads(target)
    veth_plan.tap(packet)
    line.send(_NEARLY)  # the rest is waiting for the kernel's workers
    facts["qdisc"] = _settle(tester, target, plan)
    system("setns", own, NEWNET)
    ours, theirs = socket.socketpair()
    _hand_over(control, {"facts": facts}, [theirs.fileno(), packet.fileno(), diag.fileno()])
    for descriptor in (own, veth_plan.PEER_FD):
        os.close(descriptor)
    for sock in (diag, target, tester, theirs):
        sock.close()
    return ours, packet


def _hand_over(control: socket.socket, answer: dict[str, Any], descriptors: list[int]) -> None:
    socket.send_fds(control, [json.dumps(answer).encode()], descriptors)


def _path(name: str) -> str:
    return "/proc/sys/" + name.replace(".", "/")


def _fact(name: str) -> str:
    """What a sysctl is here; a kernel that lacks it says so."""
    try:
        descriptor = os.open(_path(name), os.O_RDONLY)
    except FileNotFoundError:
        return "not in this kernel"
    try:
        return _text(descriptor)
    finally:
        os.close(descriptor)


def set_sysctl(name: str, value: str) -> str:
    """Set what a case takes for granted, and read it back."""
    try:
        descriptor = os.open(_path(name), os.O_RDWR)
    except FileNotFoundError:
        return "not in this kernel"
    except OSError as error:
        return f"refused: {error.strerror}"
    try:
        os.write(descriptor, value.encode())
        return _text(descriptor)
    except OSError as error:
        return f"refused: {error.strerror}"
    finally:
        os.close(descriptor)


def _text(descriptor: int) -> str:
    return " ".join(os.pread(descriptor, 4096, 0).decode().split())


def netlink(family: int) -> socket.socket:
    """A netlink socket whose answers are waited for no longer than they take."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, NETLINK)
    return sock


def send_plan(route: socket.socket, messages: list[str]) -> None:
    """Send netlink requests, all at once; every one is acknowledged or fails."""
    route.send(b"".join(map(bytes.fromhex, messages)))
    missing = len(messages)
    while missing:
        answer, at = route.recv(_ANSWER), 0
        while at < len(answer):
            size, kind = struct.unpack_from("=LH", answer, at)
            (code,) = struct.unpack_from("=i", answer, at + 16)
            if kind == 2 and code:
                raise OSError(-code, f"netlink refuses request {len(messages) - missing}: "
                              f"{os.strerror(-code)}")  # fmt: skip
            at, missing = at + (size + 3 & ~3), missing - 1


def _settle(tester: socket.socket, target: socket.socket, plan: dict[str, list[str]]) -> str:
    """Wait until the kernel's workers have the carrier up and our IPv6 route in; the qdisc."""
    for _ in range(1000):
        tester.send(bytes.fromhex(plan["carrier"][0]))
        attributes = attributes_of(tester.recv(_ANSWER), 32)
        target.send(bytes.fromhex(plan["local"][0]))
        route = target.recv(_ANSWER)
        if attributes.get(OPERSTATE, b"\0")[0] == UP and route[23] == _RTN_LOCAL:
            return attributes.get(_IFLA_QDISC, b"unknown").rstrip(b"\0").decode()
        select.select([], [], [], 0.001)
    raise OSError(errno.ETIMEDOUT, "the link between the namespaces does not come up")


def attributes_of(message: bytes, at: int) -> dict[int, bytes]:
    """The netlink attributes from an offset of a message on."""
    found = {}
    while at + 4 <= len(message):
        size, kind = struct.unpack_from("=HH", message, at)
        found[kind] = message[at + 4 : at + size]
        at += max(size + 3 & ~3, 4)
    return found
