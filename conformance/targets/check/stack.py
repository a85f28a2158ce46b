"""The stack under proof: its program, a tester on its wire, fresh ports for each connection."""

from __future__ import annotations

from typing import Final

from conformance.live.glue.channel import FIRST_WORD, Wire
from conformance.live.glue.replies import greet
from conformance.targets.check.wire_tester import Failed, Otherwise, Peer, WireTester
from conformance.targets.files.model import ClockKind, Control, ResetKind, TargetFile
from conformance.targets.kinds.programs import Programs
from conformance.tcp.flags import Flags
from conformance.tcp.stream import octets

CLOSED: Final = 4001  # a port of the target that nobody listens on
_RESET: Final = "(RFC 9293 3.10.7.1)"
_AGAIN: Final = "(RFC 9293 3.8.1)"
_FROM: Final = 40000  # ports of the tester, from here on
_COARSE: Final = 1.0  # seconds: a timer may be that late, BSD's ticks are half of it


class CheckedStack:
    """One stack; ``tester`` is another one with each beginning."""

    def __init__(self, file: TargetFile, programs: Programs) -> None:
        self.file, self._programs = file, programs
        self.started = programs.take()
        self.tester: WireTester
        self._ports = _FROM

    # ---- the program -----------------------------------------------------------------------------

    def starts(self) -> str:
        """It speaks the protocol, and its wire is there."""
        glue = self.started.speaker
        greet(glue, glue.answer(glue.ask("version"), [], FIRST_WORD), self.file.abilities)
        self.wired()
        return glue.told or "it does not say its name"

    def wired(self, ip: int = 4) -> str:
        """The wire is there, for a TAP or an interface only once the namespace is made."""
        self.tester = WireTester(self.started, self._wire(), self._programs.tester(ip), None)
        self.tester.speaks = self.file.control is Control.AGENT
        return str(self.file.wire)

    def _wire(self) -> Wire:
        started = self.started
        if started.wire is None and started.program is not None:
            started.program.wait_for_wire(FIRST_WORD)
            if started.program.wire is None:
                started.speaker.fail("it has no wire", gone=True)
            started.wire = Wire(started.program.wire)
        assert started.wire is not None
        return started.wire

    def use(self, ip: int = 4) -> str:
        """It takes its addresses; from here on its clock is known."""
        glue = self.started.speaker
        args = self._programs.use(ip)
        reply = glue.answer(glue.ask("use", args), [], FIRST_WORD)
        if reply.errno:
            raise Failed(f"use returns {reply.errno}")
        clock = reply.ended if self.file.clock is ClockKind.VIRTUAL else None
        self.tester = WireTester(self.started, self._wire(), self._programs.tester(ip), clock)
        return f"{args['target']}/{args['prefix']}" + (
            f", its clock at {clock} ns" if clock else ""
        )

    def anew(self) -> str:
        """As between two cases."""
        if self.file.reset is ResetKind.CALL:
            self.tester.ask("reset")
            return "reset"
        self.started.close()
        self.started = self._programs.take()
        self.starts()
        return "another process"

    @property
    def finished(self) -> int:
        """How many checksums the target left to hardware that is not there."""
        return self.started.wire.finished if self.started.wire is not None else 0

    def odd(self) -> str:
        """What came that fails any case, once told, as a sentence goes on; empty for nothing."""
        odd, self.tester.odd = self.tester.odd, ""
        return f"a frame came that is no segment of a case: {odd}" if odd else ""

    def last_words(self) -> str:
        """What the program wrote to stderr may say why."""
        words = self.started.glue.last_words() if self.started.glue else ""
        return f"; its last words: {words}" if words else ""

    def close(self) -> None:
        """Let go of it."""
        self.started.close()

    # ---- the wire --------------------------------------------------------------------------------

    def neighbour(self) -> str:
        """It answers for its address, which not every stack needs to."""
        asked = "ND" if ":" in self.tester.end.codec.addresses.target else "ARP"
        plain = self.file.control is Control.NONE
        for _ in range(20 if plain else 1):  # its program may only just have started
            self.tester.put(self.tester.end.neighbours.question())
            if self.tester.until(lambda: self.tester.here, 0.25 if plain else 1.0):
                self.tester.odd = (
                    "" if plain else self.tester.odd
                )  # of its start: a run waits for this
                return f"it answers {asked}"
        if plain:
            raise Failed(f"it does not answer {asked}")
        return f"it does not answer {asked}, and need not"

    def peer(self, target_port: int) -> Peer:
        """The tester's end of a new connection."""
        self._ports += 1
        return Peer(self.tester, self._ports, target_port)

    def closed(self) -> str:
        """A closed port resets."""
        peer = self.peer(CLOSED)
        peer.send(Flags.SYN)
        try:
            reset = peer.expect("RST", Flags.RST)
        except Failed:
            if not self.tester.odd.startswith("ICMP"):
                raise
            icmp, self.tester.odd = self.tester.odd, ""
            raise Otherwise(f"a closed port is answered by {icmp} {_RESET}") from None
        if reset.ack != peer.seq:
            raise Otherwise(f"RST acknowledges {reset.ack}, not the SYN ({peer.seq}) {_RESET}")
        return "RST,ACK"

    def sent_again(self, port: int) -> str:
        """Nobody acknowledges a SYN,ACK: it comes again, within the first RTO with a margin."""
        peer, rto = self.peer(port), self.file.rto
        peer.send(Flags.SYN)
        first = peer.expect("SYN,ACK", Flags.SYN | Flags.ACK)
        bound = 1.5 * rto + _COARSE
        try:
            again = peer.expect("SYN,ACK", Flags.SYN | Flags.ACK, bound=bound)
        except Failed:
            wanted = f"within {bound:g} s, its first RTO being {rto:g} s by the profile"
            told = f"no SYN,ACK comes again {wanted}"
            if self.file.control is Control.NONE:  # no glue of ours is between it and its timers
                raise Otherwise(f"{told} {_AGAIN}") from None
            raise Failed(f"{told}: do its timers run?") from None
        if again.seq != first.seq:
            raise Otherwise(
                f"the SYN,ACK comes again with SEQ {again.seq}, not {first.seq} {_AGAIN}"
            )
        peer.send(Flags.RST)
        return "the SYN,ACK"


def hold_to_stream(found: bytes) -> None:
    """What a stack sends is the stream function, from its first octet on."""
    right = octets(0, len(found))
    if found != right:
        raise Failed(f"it sends {found[:10].hex()}, not the stream's {right[:10].hex()}")
