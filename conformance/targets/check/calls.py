"""The steps of a target whose glue makes the calls: each call, and what it does to the wire."""

from __future__ import annotations

from typing import Final

from conformance.case.told import CA_STATE, CA_STATES, FIELDS
from conformance.live.glue.channel import Reply
from conformance.play.profile import Ability, Part
from conformance.targets.check.stack import CLOSED, CheckedStack, hold_to_stream
from conformance.targets.check.wire_tester import Failed, Missing, Peer
from conformance.tcp.flags import Flags
from conformance.tcp.states import State

LISTENS: Final = 4000  # a port of the target
_BOUND: Final = 4003
_TEN: Final = bytes(range(48, 58))
_OPTIONAL: Final = ("NODELAY", "KEEPALIVE", "KEEPIDLE", "RCVBUF", "SNDBUF", "LINGER", "MAXSEG")


class Calls:
    """One listener, and the connection that most steps are about."""

    def __init__(self, stack: CheckedStack) -> None:
        self._stack = stack
        self._listener = self._socket = 0
        self._peer: Peer
        self._missing: Missing | None = None  # the call that ought to have closed

    def handshake(self) -> str:
        self._listener = self._stack.tester.ask("listen", port=LISTENS).value
        self._socket, self._peer = self._accepted()
        return f"handles {self._listener} and {self._socket}"

    def _accepted(self, listener: int = 0, port: int = LISTENS) -> tuple[int, Peer]:
        """A connection that the tester opened: the handle, and the tester's end."""
        tester = self._stack.tester
        accept = tester.begin("accept", socket=listener or self._listener)
        peer = self._stack.peer(port)
        peer.open()
        return tester.final(accept, "accept").value, peer

    def recv(self) -> str:
        tester = self._stack.tester
        number = tester.begin("recv", socket=self._socket, count=10, all=1)
        self._peer.send(Flags.ACK | Flags.PSH, _TEN)
        reply = tester.final(number, "recv")
        if reply.value != 10 or reply.data != _TEN:
            raise Failed(f"recv gives {reply.data!r} where {_TEN!r} was sent")
        return "10 octets"

    def send(self) -> str:
        self._stack.tester.ask("send", socket=self._socket, count=10)
        found = self._peer.expect("text", Flags.ACK, length=10)
        hold_to_stream(found.payload)
        self._peer.send(Flags.ACK)
        return "10 octets of the stream function"

    def hold(self, wanted: str, local: int, remote: int) -> str:
        """The state of a pair of ports has to be this."""
        reply = self._stack.tester.ask("state", local=local, remote=remote)
        if reply.text not in set(State):
            raise Failed(f"state tells {reply.text!r}, which is none")
        if reply.text != wanted:
            raise Failed(f"it says {reply.text} of a connection in {wanted}")
        return reply.text

    def state(self) -> str:
        told = [
            self.hold("ESTABLISHED", LISTENS, self._peer.port),
            self.hold("LISTEN", LISTENS, 1),
            self.hold("CLOSED", CLOSED, 1),
        ]
        return " ".join(told)

    def info(self) -> str:
        """What is told of the connection: names of tcp_info, whole numbers, a state's word."""
        words = self._stack.tester.ask("info", socket=self._socket).text.split()
        told = dict(word.partition("=")[::2] for word in words)
        for name, value in told.items():
            if name not in FIELDS:
                raise Failed(f"info tells {name[:40]!r}, which tcp_info has not")
            if value not in CA_STATES if name == CA_STATE else not value.isdigit():
                raise Failed(f"info tells {name}={value[:40]!r}")
        if not told:
            raise Failed("info tells nothing")
        return " ".join(words)

    def close(self) -> str:
        tester, peer = self._stack.tester, self._peer
        half = Part.HALF_CLOSE not in self._stack.file.lacks
        try:
            if half:
                tester.ask("shutdown", socket=self._socket, how="WR")
            else:
                tester.ask("close", socket=self._socket)
        except Missing as what:
            self._missing = what
            raise
        peer.expect("FIN", Flags.FIN)
        peer.send(Flags.ACK)
        peer.send(Flags.FIN | Flags.ACK)
        peer.expect("ACK of the FIN", Flags.ACK)
        if half:
            ended = tester.ask("recv", socket=self._socket)
            if ended.value:
                raise Failed(f"recv gives {ended.value} octets after the FIN, not 0")
            tester.ask("close", socket=self._socket)
        return "FIN, and ACK of ours"

    def time_wait(self) -> str:
        if self._missing:
            raise self._missing
        return self.hold("TIME-WAIT", LISTENS, self._peer.port)

    def abort(self) -> str:
        socket, peer = self._accepted()
        self._stack.tester.ask("abort", socket=socket)
        peer.expect("RST", Flags.RST)
        return "RST"

    def text(self) -> str:
        socket, peer = self._accepted()
        self._stack.tester.ask("send", socket=socket, text="text")
        found = peer.expect("text", Flags.ACK, length=4).payload
        if found != b"text":
            raise Failed(f"it sends {found!r} where the call says 'text'")
        peer.send(Flags.RST | Flags.ACK)
        return "4 octets"

    def shutdowns(self) -> str:
        for how in ("RD", "RDWR"):
            socket, peer = self._accepted()
            reply = self._stack.tester.ask_all("shutdown", socket=socket, how=how)
            told = f"shutdown {how} returns {reply.errno}"
            if reply.errno:
                raise Missing("shutdown", told) if reply.errno == "ENOSYS" else Failed(told)
            peer.send(Flags.RST | Flags.ACK)
        return "RD RDWR"

    def bound(self) -> str:
        """A listener on a port that was bound; a stack need not have sockets that are neither."""
        tester = self._stack.tester
        made = self._if_there("socket")
        if made.errno:
            return "it has no socket"
        if self._if_there("bind", socket=made.value, port=_BOUND).errno:
            return "it has no bind"
        listener = tester.ask("listen", socket=made.value, port=_BOUND).value
        _, peer = self._accepted(listener, _BOUND)
        peer.send(Flags.RST | Flags.ACK)
        return f"handle {made.value}"

    def _if_there(self, call: str, **args: int | str) -> Reply:
        """The reply to a call that may be ENOSYS, and nothing else."""
        reply = self._stack.tester.ask_all(call, **args)
        if reply.errno not in ("", "ENOSYS"):
            raise Failed(f"{call} returns {reply.errno}")
        return reply

    def connect(self) -> str:
        tester, peer = self._stack.tester, self._stack.peer(0)
        number = tester.begin("connect", port=peer.port)
        tester.until(lambda: bool(tester.segments) or number in tester.replies)
        if number in tester.replies:
            tester.final(number, "connect")
        syn = tester.expect("SYN", lambda one: one.dport == peer.port and one.has(Flags.SYN))
        peer.target_port, peer.ack = syn.sport, syn.end
        peer.send(Flags.SYN | Flags.ACK)
        peer.expect("ACK", Flags.ACK)
        socket = tester.final(number, "connect").value
        aborts = Part.ABORT not in self._stack.file.lacks
        tester.ask("abort" if aborts else "close", socket=socket)
        return f"from port {syn.sport}, handle {socket}"

    def optional(self) -> str:
        socket, _ = self._accepted()
        has, lacks = [], []
        for name in ("pending", "atmark", *_OPTIONAL, "ERROR"):
            try:
                if name.islower():
                    self._stack.tester.ask(name, socket=socket)
                else:
                    self._stack.tester.ask("getsockopt", socket=socket, name=name)
                has.append(name)
            except Failed:
                lacks.append(name)
        return f"it has {' '.join(has) or 'none'}" + (f"; not {' '.join(lacks)}" if lacks else "")

    def advance(self) -> str:
        tester = self._stack.tester
        before = tester.clock or 0
        tester.until(lambda: False, 1.0)
        passed = (tester.clock or 0) - before
        if passed != 10**9:
            raise Failed(f"{passed} ns pass where 1 s was asked for")
        return "1 s passes"

    def fresh(self) -> str:
        told = self._stack.anew()
        self._stack.use()
        if Ability.STATE in self._stack.file.abilities:
            self.hold("CLOSED", LISTENS, 1)
            return f"{told}: nobody listens any more"
        return told

    def over_six(self) -> str:
        self._stack.anew()
        told = self._stack.use(6)
        self._stack.neighbour()
        self.handshake()
        return told
