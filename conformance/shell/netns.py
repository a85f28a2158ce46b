"""Private network namespaces, two a case: one the target's, one the tester's. The nursery.

Rules:

- One small process a run, the nursery, makes them. For each case it forks a child that enters a
  fresh namespace, lays the wire to a second one, hands the descriptors to the harness and then
  becomes the case's agent. The harness never changes a namespace and needs no privilege.
- No namespace has a name, no interface is outside: they live as long as a descriptor or a process
  of theirs. Whatever ends, also by SIGKILL, the kernel clears up.
- Without root the nursery first enters a user namespace of its own. Each child could do that
  alone, but it would cost as much again.

Why a process and not a thread that unshares: a thread cannot be the agent that a case may lose,
and a fork of the harness would copy scapy's pages with it. The nursery imports no more than this
file and the agent; measured on a 2-core VM, a fork costs 0.6 ms, a namespace 1 ms, the wire 1 ms.

The upper half runs in the nursery: standard library only, one thread. The lower half is the
harness's. They talk over one SOCK_SEQPACKET pair: a request is one octet, an answer JSON with the
descriptors beside it, sent by the child itself, so answers come in any order and all are alike.
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
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from conformance.agent import agent
from conformance.errors import EnvironmentProblem, TargetError
from conformance.shell import link

if TYPE_CHECKING:
    import subprocess

PEER_FD: Final = 200  # where the plan expects the target's namespace
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_ANSWER: Final = 1 << 16

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

_IFLA_QDISC, _IFLA_OPERSTATE, _UP, _RTN_LOCAL = 6, 16, 6, 2


# The nursery's half: standard library only, one thread


def _system(name: str, *arguments: Any) -> None:
    """A system call that the library has no name for, by libc's."""
    if getattr(_LIBC, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def nursery(fd: int) -> NoReturn:
    """Serve the harness at the other end of ``fd`` until it closes or dies."""
    control = socket.socket(fileno=fd)
    order = json.loads(control.recv(_ANSWER))
    from conformance.shell import trace  # now: behind a user namespace files may be out of reach

    try:
        facts = {"privilege": _enter()}
    except OSError as error:
        control.send(json.dumps({"error": str(error.strerror)}).encode())
        os._exit(1)
    instance: str | None = None
    descriptors: list[int] = []
    if order["trace"]:
        facts["tracefs"], instance, descriptors = trace.open_instance(_LIBC)
    # The kernel stamps arrivals only while somebody asks for it, and switches that on lazily.
    stamps = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stamps.setsockopt(socket.SOL_SOCKET, link.SO_TIMESTAMPNS, 1)
    _hand_over(control, {"facts": facts}, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    children: set[int] = set()
    signal.signal(signal.SIGCHLD, lambda *_: _reap(children, os.WNOHANG))
    unborn = os.open("/dev/null", os.O_RDONLY)
    gc.freeze()  # a child shall not copy pages only to count references
    with contextlib.suppress(ConnectionError):  # it ended without reading all answers
        while request := control.recv(64):
            for _ in request:
                child, unborn = _bear(control, order["plan"], (stamps.fileno(), unborn))
                children.add(child)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for child in children:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(child, signal.SIGKILL)
    _reap(children, 0)
    if instance:
        trace.remove_instance(instance)
    os._exit(0)


def _bear(
    control: socket.socket, plan: dict[str, list[str]], held: tuple[int, int]
) -> tuple[int, int]:
    """Fork one case's agent once the one before it is nearly born; the child, and its own pipe.

    Two births at a time: one works while the other waits for the kernel's workers. More would
    only spin for the kernel's lock.
    """
    stamps, before = held
    born, bearing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(born)
        _child(control, plan, (stamps, bearing, before))
    os.close(bearing)
    os.read(before, 1)
    os.close(before)
    return child, born


def _enter() -> str:
    """Leave the host's network for good: a namespace of our own, in a user namespace if needed."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        _system("unshare", _NEWNET)
        return f"uid {uid}"
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
    _system("unshare", _NEWUSER | _NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    return f"uid {uid} in a user namespace"


def _reap(children: set[int], options: int) -> None:
    """Collect children that have ended; without WNOHANG, all."""
    with contextlib.suppress(ChildProcessError):
        while child := os.waitpid(-1, options)[0]:
            children.discard(child)


def _child(control: socket.socket, plan: dict[str, list[str]], others: tuple[int, ...]) -> NoReturn:
    """From here on: the case's agent. Whatever fails is told to the harness."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nursery_pid = os.getppid()
    agent.die_with_parent()
    if os.getppid() != nursery_pid or nursery_pid == 1:
        os._exit(1)  # it died before we asked
    try:
        stream, _packet = _birth(control, plan, others[1])
    except OSError as error:
        with contextlib.suppress(OSError):  # nobody is left to be told
            control.send(json.dumps({"error": f"{error.strerror or error}"}).encode())
        os._exit(1)
    control.close()
    for descriptor in others:
        os.close(descriptor)
    agent.Agent(stream.fileno(), stream.fileno()).serve()
    os._exit(0)


def _birth(
    control: socket.socket, plan: dict[str, list[str]], bearing: int
) -> tuple[socket.socket, socket.socket]:
    """Make both namespaces and the wire and hand over the descriptors; what the agent keeps.

    It keeps a copy of the packet socket because who closes the last one waits 10 ms for the
    kernel (synchronize_net): so that is the agent, at its exit, and never the harness.
    """
    _system("unshare", _NEWNET)
    facts = _surroundings()
    diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
    target = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.dup2(own, PEER_FD)
    _system("unshare", _NEWNET)
    _write("net.ipv6.conf.default.disable_ipv6", "1")  # the tester's kernel has no part in it
    tester = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    _play(tester, plan["tester"])
    _play(target, plan["target"])
    link.no_offloads(tester)
    link.no_offloads(target)
    link.tap(packet)
    os.write(bearing, b".")  # the rest is waiting for the kernel's workers
    facts["qdisc"] = _settle(tester, target, plan)
    _system("setns", own, _NEWNET)
    ours, theirs = socket.socketpair()
    _hand_over(control, {"facts": facts}, [theirs.fileno(), packet.fileno(), diag.fileno()])
    for descriptor in (own, PEER_FD):
        os.close(descriptor)
    for sock in (diag, target, tester, theirs):
        sock.close()
    return ours, packet


def _hand_over(control: socket.socket, answer: dict[str, Any], descriptors: list[int]) -> None:
    socket.send_fds(control, [json.dumps(answer).encode()], descriptors)


def _path(name: str) -> str:
    return "/proc/sys/" + name.replace(".", "/")


def _write(name: str, value: str) -> None:
    descriptor = os.open(_path(name), os.O_WRONLY)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def _read(name: str) -> str:
    descriptor = os.open(_path(name), os.O_RDONLY)
    try:
        return " ".join(os.read(descriptor, 4096).decode().split())
    finally:
        os.close(descriptor)


def _surroundings() -> dict[str, str]:
    """Set and read back what a case takes for granted; a kernel that lacks one says so."""
    facts = {}
    for name in (*SURROUNDINGS, *READ):
        try:
            if name in SURROUNDINGS:
                _write(name, SURROUNDINGS[name])
            facts[name] = _read(name)
        except FileNotFoundError:
            facts[name] = "not in this kernel"
        except OSError as error:
            facts[name] = f"refused: {error.strerror}"
    return facts


def _play(route: socket.socket, messages: list[str]) -> None:
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
        attributes = _attributes(tester.recv(_ANSWER), 32)
        target.send(bytes.fromhex(plan["local"][0]))
        route = target.recv(_ANSWER)
        if attributes.get(_IFLA_OPERSTATE, b"\0")[0] == _UP and route[23] == _RTN_LOCAL:
            return attributes.get(_IFLA_QDISC, b"unknown").rstrip(b"\0").decode()
        select.select([], [], [], 0.001)
    raise OSError(errno.ETIMEDOUT, "the link between the namespaces does not come up")


def _attributes(message: bytes, at: int) -> dict[int, bytes]:
    found = {}
    while at + 4 <= len(message):
        size, kind = struct.unpack_from("=HH", message, at)
        found[kind] = message[at + 4 : at + size]
        at += max(size + 3 & ~3, 4)
    return found


# The harness's half


_GONE: Final = "The process that makes the network namespaces has ended."


@dataclass(frozen=True, slots=True)
class Born:
    """What a case got: the agent's stream, the tester's end, the target's sock_diag."""

    agent: socket.socket
    packet: socket.socket
    diag: socket.socket
    facts: dict[str, str]


class Namespaces:
    """The nursery as the harness sees it."""

    def __init__(self, slot: int, *, trace: bool) -> None:
        import subprocess

        if sys.platform != "linux":
            raise unavailable(f"{sys.platform} has no network namespaces")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        boot = "import sys; sys.path.insert(0, sys.argv[2]); from conformance.shell import netns; "
        boot += "netns.nursery(int(sys.argv[1]))"
        root = str(Path(__file__).parents[2])
        with theirs:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", boot, str(theirs.fileno()), root],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the harness's to handle
            )
        self._ordered = 0
        try:
            # While it starts, pyroute2 is imported here.
            self._control.send(
                json.dumps({"plan": link.plan(slot, PEER_FD), "trace": trace}).encode()
            )
            answer, self.descriptors = self._answer(2)
        except (OSError, TargetError) as error:
            self.close()
            raise unavailable(str(error)) from error
        except EnvironmentProblem:
            self.close()
            raise
        self.facts: dict[str, str] = answer["facts"]

    def order(self, count: int) -> None:
        """Have namespaces made in advance, off the path of the cases that will take them."""
        self._ordered += count
        try:
            for _ in range(count):
                self._control.send(b"+")
        except OSError as error:
            raise TargetError(_GONE) from error

    def fileno(self) -> int:
        """Readable when a pair of namespaces that was ordered is there to be taken."""
        return self._control.fileno()

    def take(self) -> Born:
        """The next pair of namespaces; waits for it when it is not there yet."""
        if not self._ordered:
            self.order(1)
        self._ordered -= 1
        answer, descriptors = self._answer(3)
        stream, packet, diag = (socket.socket(fileno=descriptor) for descriptor in descriptors)
        return Born(stream, packet, diag, answer["facts"])

    def _answer(self, most: int) -> tuple[dict[str, Any], list[int]]:
        data, descriptors, _, _ = socket.recv_fds(self._control, _ANSWER, most)
        if not data:
            raise TargetError(_GONE)
        answer = json.loads(data)
        if "error" in answer:
            raise unavailable(answer["error"])
        return answer, list(descriptors)

    def close(self) -> None:
        """End the nursery; it clears up after itself."""
        self._control.close()
        self._process.wait()


def unavailable(reason: str) -> EnvironmentProblem:
    """The one sentence for every machine that has no namespaces for us."""
    return EnvironmentProblem(
        f"Private network namespaces cannot be had here ({reason.rstrip('.')}); "
        "--target reference needs none."
    )
