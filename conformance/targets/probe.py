"""Is a target wired right? Step by step, from the program's start to a fresh stack between cases.

Each step says in a few words what happened. What a step stands on has to hold before it; a program
that breaks the protocol ends the proof with its sentence. At the end stand the abilities that were
shown: what the target file claims beyond them is a fault of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from conformance.errors import TargetError
from conformance.play.profile import Ability
from conformance.play.servers import Server
from conformance.shell.glue import FIRST_WORD, Wire
from conformance.shell.judge import greet
from conformance.targets.custom import check
from conformance.targets.file_model import Clock, Control, Reset, TargetFile
from conformance.targets.hand import Failed, Hand, Peer
from conformance.targets.programs import Programs
from conformance.tcp.flags import Flags
from conformance.tcp.states import State
from conformance.tcp.stream import octets

Told = tuple[str, bool, str]
_Step = tuple[str, Callable[[], str]]
_LISTENS, _CLOSED = 4000, 4001  # ports of the target
_FROM: Final = 40000  # ports of the tester, from here on
_TEN: Final = bytes(range(48, 58))
# What no step can show, or only a case does.
_ELSEWHERE: Final = frozenset({Ability.ICMP, Ability.OPTIONS, Ability.PATH})
_OPTIONAL: Final = ("NODELAY", "KEEPALIVE", "KEEPIDLE", "RCVBUF", "SNDBUF", "LINGER", "MAXSEG")


def probe(file: TargetFile) -> Iterator[Told]:
    """Each step: what it is, whether it held, what happened. Raises what ``open_file`` does."""
    check(file)
    programs = Programs(file)
    try:
        yield from _Probe(file, programs).run()
    finally:
        programs.close()


class _Probe:
    """One proof."""

    def __init__(self, file: TargetFile, programs: Programs) -> None:
        self._file, self._programs = file, programs
        self._started = programs.take()
        self._shown = {Ability.VIRTUAL_TIME} if file.clock is Clock.VIRTUAL else set[Ability]()
        self._hand: Hand
        self._ports = _FROM
        self._listener = self._socket = 0
        self._peer: Peer

    def run(self) -> Iterator[Told]:
        """All steps; the first that breaks the protocol is the last."""
        plain = self._file.control is Control.NONE
        try:
            for name, step in self._plain() if plain else self._agent():
                try:
                    told, ok = step(), True
                except Failed as failed:
                    told, ok = f"{failed}{self._last_words()}", False
                yield name, ok, told
                if not ok and step in (self._starts, self._use, self._handshake):
                    return
            yield self._abilities()
        except TargetError as error:
            yield name, False, str(error)
        finally:
            self._started.close()

    def _last_words(self) -> str:
        """What the program wrote to stderr may say why."""
        return self._started.glue.last_words() if self._started.glue else ""

    def _plain(self) -> list[_Step]:
        steps: list[_Step] = [
            ("the program starts", self._wired),
            ("its address is answered for", self._neighbour),
            ("a SYN to a closed port is reset", self._closed),
        ]
        for server, port in self._file.serves.items():
            steps.append((f"{server} on port {port}", partial(self._server, server, port)))
        if Ability.IPV6 in self._file.abilities:
            steps.append(("the same over IPv6", self._plain_six))
        return steps

    def _agent(self) -> list[_Step]:
        claimed = self._file.abilities
        steps: list[_Step] = [
            ("it starts and speaks the protocol", self._starts),
            ("it takes its addresses", self._use),
            ("it knows its neighbour", self._neighbour),
            ("a SYN to a closed port is reset", self._closed),
            ("listen, a handshake, accept", self._handshake),
            ("recv", self._recv),
            ("send", self._send),
        ]
        if Ability.STATE in claimed:
            steps.append(("state", self._state))
        steps += [
            ("shutdown and close", self._close),
            ("abort", self._abort),
        ]
        if Ability.ACTIVE_OPEN in claimed:
            steps.append(("connect", self._connect))
        steps.append(("calls that a stack need not have", self._optional))
        if self._file.clock is Clock.VIRTUAL:
            steps.append(("advance", self._advance))
        steps.append(("a fresh stack for the next case", self._fresh))
        if Ability.IPV6 in claimed:
            steps.append(("the same over IPv6", self._six))
        return steps

    # ---- the program -----------------------------------------------------------------------------

    def _starts(self) -> str:
        glue = self._started.speaker
        greet(glue, glue.answer(glue.ask("version"), [], FIRST_WORD), self._file.abilities)
        self._wired()
        return glue.told or "it does not say its name"

    def _wired(self, ip: int = 4) -> str:
        """The wire is there, for a TAP or an interface only once the namespace is made."""
        self._hand = Hand(self._started, self._wire(), self._programs.tester(ip), None)
        self._hand.speaks = self._file.control is Control.AGENT
        return str(self._file.wire)

    def _wire(self) -> Wire:
        started = self._started
        if started.wire is None and started.program is not None:
            started.program.wait_for_wire(FIRST_WORD)
            if started.program.wire is None:
                started.speaker.fail("it has no wire", gone=True)
            started.wire = Wire(started.program.wire)
        assert started.wire is not None
        return started.wire

    def _use(self, ip: int = 4) -> str:
        glue = self._started.speaker
        args = self._programs.use(ip)
        reply = glue.answer(glue.ask("use", args), [], FIRST_WORD)
        if reply.errno:
            raise Failed(f"use returns {reply.errno}")
        virtual = self._file.clock is Clock.VIRTUAL
        clock = reply.ended if virtual else None
        self._hand = Hand(self._started, self._wire(), self._programs.tester(ip), clock)
        return f"{args['target']}/{args['prefix']}" + (
            f", its clock at {clock} ns" if clock else ""
        )

    # ---- the wire --------------------------------------------------------------------------------

    def _neighbour(self) -> str:
        asked = "ND" if ":" in self._hand.tester.codec.addresses.target else "ARP"
        plain = self._file.control is Control.NONE
        for _ in range(20 if plain else 1):  # its program may only just have started
            self._hand.put(self._hand.tester.neighbours.question())
            if self._hand.until(lambda: self._hand.here, 0.25 if plain else 1.0):
                return f"it answers {asked}"
        if plain:
            raise Failed(f"it does not answer {asked}")
        return f"it does not answer {asked}, and need not"

    def _next(self, target_port: int) -> Peer:
        self._ports += 1
        return Peer(self._hand, self._ports, target_port)

    def _closed(self) -> str:
        peer = self._next(_CLOSED)
        peer.send(Flags.SYN)
        reset = peer.expect("RST", Flags.RST)
        if reset.ack != peer.seq:
            raise Failed(f"RST acknowledges {reset.ack}, not the SYN ({peer.seq})")
        return "RST,ACK"

    def _server(self, server: Server, port: int) -> str:
        peer = self._next(port)
        peer.open()
        told = _SERVERS[server](peer)
        peer.send(Flags.RST)
        return told

    def _plain_six(self) -> str:
        self._wired(6)
        self._neighbour()
        server, port = next(iter(self._file.serves.items()))
        told = self._server(server, port)
        self._shown.add(Ability.IPV6)
        return told

    # ---- the calls -------------------------------------------------------------------------------

    def _handshake(self) -> str:
        hand = self._hand
        self._listener = hand.ask("listen", port=_LISTENS).value
        accept = hand.begin("accept", socket=self._listener)
        self._peer = self._next(_LISTENS)
        self._peer.open()
        self._socket = hand.final(accept, "accept").value
        self._shown.add(Ability.CALLS)
        return f"handles {self._listener} and {self._socket}"

    def _recv(self) -> str:
        number = self._hand.begin("recv", socket=self._socket, count=10, all=1)
        self._peer.send(Flags.ACK | Flags.PSH, _TEN)
        reply = self._hand.final(number, "recv")
        if reply.value != 10 or reply.data != _TEN:
            raise Failed(f"recv gives {reply.data!r} where {_TEN!r} was sent")
        return "10 octets"

    def _send(self) -> str:
        self._hand.ask("send", socket=self._socket, count=10)
        found = self._peer.expect("text", Flags.ACK, length=10)
        _hold_to_stream(found.payload)
        self._peer.send(Flags.ACK)
        return "10 octets of the stream function"

    def _state_of(self, local: int, remote: int) -> str:
        reply = self._hand.ask("state", local=local, remote=remote)
        if reply.text not in set(State):
            raise Failed(f"state tells {reply.text!r}, which is none")
        return reply.text

    def _hold(self, wanted: str, local: int, remote: int) -> str:
        found = self._state_of(local, remote)
        if found != wanted:
            raise Failed(f"it says {found} of a connection in {wanted}")
        return found

    def _state(self) -> str:
        told = [
            self._hold("ESTABLISHED", _LISTENS, self._peer.port),
            self._hold("LISTEN", _LISTENS, 1),
            self._hold("CLOSED", _CLOSED, 1),
        ]
        self._shown.add(Ability.STATE)
        return " ".join(told)

    def _close(self) -> str:
        hand, peer = self._hand, self._peer
        hand.ask("shutdown", socket=self._socket, how="WR")
        peer.expect("FIN", Flags.FIN)
        peer.send(Flags.ACK)
        peer.send(Flags.FIN | Flags.ACK)
        peer.expect("ACK of the FIN", Flags.ACK)
        ended = hand.ask("recv", socket=self._socket)
        if ended.value:
            raise Failed(f"recv gives {ended.value} octets after the FIN, not 0")
        hand.ask("close", socket=self._socket)
        if Ability.STATE not in self._file.abilities:
            return "FIN, and ACK of ours"
        return self._hold("TIME-WAIT", _LISTENS, peer.port)

    def _abort(self) -> str:
        accept = self._hand.begin("accept", socket=self._listener)
        peer = self._next(_LISTENS)
        peer.open()
        socket = self._hand.final(accept, "accept").value
        self._hand.ask("abort", socket=socket)
        peer.expect("RST", Flags.RST)
        return "RST"

    def _connect(self) -> str:
        hand, peer = self._hand, self._next(0)
        number = hand.begin("connect", port=peer.port)
        hand.until(lambda: bool(hand.segments) or number in hand.replies)
        if number in hand.replies:
            hand.final(number, "connect")
        syn = hand.expect("SYN", lambda one: one.dport == peer.port and one.has(Flags.SYN))
        peer.target_port, peer.ack = syn.sport, syn.end
        peer.send(Flags.SYN | Flags.ACK)
        peer.expect("ACK", Flags.ACK)
        socket = hand.final(number, "connect").value
        hand.ask("abort", socket=socket)
        self._shown.add(Ability.ACTIVE_OPEN)
        return f"from port {syn.sport}, handle {socket}"

    def _optional(self) -> str:
        accept = self._hand.begin("accept", socket=self._listener)
        peer = self._next(_LISTENS)
        peer.open()
        socket = self._hand.final(accept, "accept").value
        has, lacks = [], []
        for name in ("pending", "atmark", *_OPTIONAL, "ERROR"):
            try:
                if name.islower():
                    self._hand.ask(name, socket=socket)
                else:
                    self._hand.ask("getsockopt", socket=socket, name=name)
                has.append(name)
            except Failed:
                lacks.append(name)
        return f"it has {' '.join(has) or 'none'}" + (f"; not {' '.join(lacks)}" if lacks else "")

    # ---- between cases ---------------------------------------------------------------------------

    def _advance(self) -> str:
        before = self._hand.clock or 0
        self._hand.until(lambda: False, 1.0)
        passed = (self._hand.clock or 0) - before
        if passed != 10**9:
            raise Failed(f"{passed} ns pass where 1 s was asked for")
        return "1 s passes"

    def _fresh(self) -> str:
        if self._file.reset is Reset.PROCESS:
            self._started.close()
            self._started = self._programs.take()
            self._starts()
            told = "another process"
        else:
            self._hand.ask("reset")
            told = "reset"
        self._use()
        if Ability.STATE in self._file.abilities:
            self._hold("CLOSED", _LISTENS, 1)
            return f"{told}: nobody listens any more"
        return told

    def _six(self) -> str:
        if self._file.reset is Reset.PROCESS:
            self._started.close()
            self._started = self._programs.take()
            self._starts()
        else:
            self._hand.ask("reset")
        told = self._use(6)
        self._neighbour()
        self._handshake()
        self._shown.add(Ability.IPV6)
        return told

    def _abilities(self) -> Told:
        claimed = self._file.abilities
        missing = sorted(claimed - self._shown - _ELSEWHERE)
        told = " ".join(sorted(claimed & (self._shown | _ELSEWHERE))) or "none"
        if missing:
            return "abilities", False, f"{told}; not shown: {' '.join(missing)}"
        return "abilities", True, told


# ---- servers, where nobody makes calls -----------------------------------------------------------


def _discards(peer: Peer) -> str:
    peer.send(Flags.ACK | Flags.PSH, _TEN)
    if peer.expect("ACK", Flags.ACK).ack != peer.seq:
        raise Failed("it does not acknowledge what it was sent")
    return "it takes 10 octets"


def _echoes(peer: Peer) -> str:
    peer.send(Flags.ACK | Flags.PSH, _TEN)
    found = peer.expect("text", Flags.ACK, length=len(_TEN)).payload
    if found != _TEN:
        raise Failed(f"it sends {found!r} where {_TEN!r} was sent to it")
    return "10 octets come back"


def _generates(peer: Peer) -> str:
    found = peer.expect("text", Flags.ACK).payload
    if not found:
        raise Failed("it does not begin to write")
    _hold_to_stream(found)
    return f"{len(found)} octets of the stream function"


_SERVERS: Final = {
    Server.DISCARD: _discards,
    Server.ECHO: _echoes,
    Server.CHARGEN: _generates,
}


def _hold_to_stream(found: bytes) -> None:
    right = octets(0, len(found))
    if found != right:
        raise Failed(f"it sends {found[:10].hex()}, not the stream's {right[:10].hex()}")
