"""The programs of one target file: started ahead of their cases, one a case or one for all.

What a program is asked before a case: its version when it is fresh, ``reset`` when it has played
before, its addresses, the case's settings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from conformance.case.model import Case
from conformance.errors import ConformanceError, TargetError
from conformance.live.frames import codec
from conformance.live.frames.arp_nd import Tester
from conformance.live.glue.channel import GlueChannel, Reply, Wire
from conformance.live.glue.lab import Question
from conformance.live.glue.program import Order, Program, Supervisor
from conformance.live.glue.replies import greet, setting_refused
from conformance.live.interface.find_host import find
from conformance.live.interface.host_wire import HostWire
from conformance.live.interface.wire import open_interface
from conformance.live.offset import Offset
from conformance.live.workers import program_netns
from conformance.live.workers.program_supervisor import WIRE_FD
from conformance.live.workers.veth_plan import MTU
from conformance.play.profile import Ability
from conformance.targets.files.build import HOME
from conformance.targets.files.model import ADDRESSES, Control, ResetKind, TargetFile
from conformance.targets.files.model import WireKind as Kind

_ASKED_AT_FIRST: Final = 40  # ten seconds: what has the address may only just have started


@dataclass(slots=True)
class Started:
    """A program; ``wire`` is None until its namespace is made. ``fresh``: it has played nothing.

    Without a program the stack is somewhere else, behind an interface.
    """

    program: Program | None
    glue: GlueChannel | None
    wire: Wire | None
    fresh: bool = True
    sound: bool = True  # nothing was wrong with it yet

    @property
    def speaker(self) -> GlueChannel:
        """The glue of a target that has one."""
        assert self.glue is not None
        return self.glue

    def close(self) -> None:
        """Let go of the program."""
        if self.program is not None:
            self.program.close()


class Programs:
    """Starts them, keeps them, ends them."""

    def __init__(self, file: TargetFile) -> None:
        self._file = file
        spaces = file.wire in (Kind.TAP, Kind.VETH)
        self._shepherd = Supervisor(namespaces=spaces)
        self.facts = self._shepherd.facts
        veth = file.wire is Kind.VETH
        self._plan = program_netns.plan(file.addresses[4].target_mac) if veth else None
        self._ahead: deque[Started] = deque()
        self._testers: dict[int, Tester] = {}
        self._outside: Wire | None = None
        if file.wire is Kind.INTERFACE:
            try:
                self._look_outside()
            except ConformanceError:
                self.close()
                raise

    def _look_outside(self) -> None:
        """Find the target behind its interface, unless it is told or written where it is."""
        file = self._file
        if file.control is Control.NONE:
            self.prepare(1)  # what the file starts may be what has the address
            self._file = file = located(file, _ASKED_AT_FIRST)
        pairs = [ends(file, ip) for ip in versions(file)]
        self._outside = open_interface(file.interface, pairs, HostWire)
        for started in self._ahead:
            started.wire = self._outside

    def tester(self, ip: int) -> Tester:
        """The tester's end in an IP version."""
        if ip not in self._testers:
            self._testers[ip] = Tester.of(ends(self._file, ip))
        return self._testers[ip]

    def prepare(self, count: int) -> None:
        """Have so many started in advance."""
        kept = self._file.reset is ResetKind.CALL
        for _ in range(0 if kept and self._ahead else 1 if kept else count):
            self._ahead.append(self._start())

    def take(self) -> Started:
        """One that is free."""
        while self._ahead:
            started = self._ahead.popleft()
            if started.sound and not (started.program and started.program.ended):
                return started
            started.close()
        return self._start()

    def give_back(self, started: Started) -> None:
        """Its case is over: it is kept for the next where it can be reset, else it ends."""
        started.fresh = False
        if self._file.reset is ResetKind.CALL and started.sound:
            self._ahead.appendleft(started)
        else:
            started.close()

    def put_back(self, started: Started) -> None:
        """It was only greeted; its first case is still to come."""
        self._ahead.appendleft(started)

    def _start(self) -> Started:
        file = self._file
        if not file.command:
            return Started(None, None, self._outside)
        environment = {**file.environment, "CONFORMANCE_CLOCK": str(file.clock)}
        if file.wire in (Kind.FD, Kind.TAP):
            environment["CONFORMANCE_WIRE_FD"] = str(WIRE_FD)
        elif file.wire is Kind.VETH:
            environment["CONFORMANCE_INTERFACE"] = program_netns.DEVICE
        home = file.path.absolute().parent
        order = Order(file.command, environment, home, str(file.wire), self._plan)
        program = self._shepherd.start(order)
        wire = Wire(program.wire) if program.wire is not None else self._outside
        # Whatever is behind an interface may be another machine, with a clock of its own.
        glue = GlueChannel(program, file.name, Offset() if file.wire is Kind.INTERFACE else None)
        return Started(program, glue, wire)

    def was_held(self) -> bool:
        """Whether the process that watches them was stopped, and no case was told."""
        return self._shepherd.held() or self._shepherd.was_held

    def close(self) -> None:
        """End all; nothing is left."""
        while self._ahead:
            self._ahead.popleft().close()
        self._shepherd.close()
        if self._outside is not None:
            self._outside.close()

    # ---- the beginning of a case -----------------------------------------------------------------

    def questions(self, started: Started, case: Case, ip: int) -> list[Question]:
        """What is asked before a case."""
        first: Question = ("reset", {}, lambda reply: self._done(started, "reset", reply))
        if started.fresh:
            first = ("version", {}, lambda reply: self._greeted(started, reply))
        use: Question = ("use", self.use(ip), lambda reply: self._done(started, "use", reply))
        settings = [self._setting(name, value) for name, value in case.options.items()]
        return [first, use, *settings]

    def _greeted(self, started: Started, reply: Reply) -> str:
        greet(started.speaker, reply, self._file.abilities)
        return ""

    def _done(self, started: Started, call: str, reply: Reply) -> str:
        if reply.errno:
            started.speaker.fail(f"it refuses {call}: {reply.errno}")
        return ""

    def _setting(self, name: str, value: str) -> Question:
        def judge(reply: Reply) -> str:
            reason = setting_refused(reply)
            return f"cannot set {name} to {value}: {reason}" if reason else ""

        return "set", {"name": self._file.options[name], "value": value}, judge

    def use(self, ip: int) -> dict[str, int | str]:
        """The arguments of ``use``: who is who on the wire."""
        found = self._file.addresses[ip]
        return {
            "target": found.target,
            "tester": found.tester,
            "prefix": found.prefix,
            "target_mac": found.target_mac,
            "tester_mac": found.tester_mac,
            "mtu": MTU,
        }


def versions(file: TargetFile) -> tuple[int, ...]:
    """The IP versions that can be played."""
    return (4, 6) if Ability.IPV6 in file.abilities else (4,)


def located(file: TargetFile, questions: int) -> TargetFile:
    """The file with the Ethernet address of the target as the link has it, where none is written.

    Raises CaseError for an address that is taken, TargetError where nobody answers so many
    questions, EnvironmentProblem where this machine lacks something.
    """
    found = dict(file.addresses)
    for ip in versions(file):
        pair = file.addresses[ip]
        if pair.target_mac == ADDRESSES[ip].target_mac:
            mac = find(file.interface, ends(file, ip), questions)
            if not mac:
                raise TargetError(
                    f"{file.name}: nobody on {file.interface} has the address {pair.target}"
                )
            found[ip] = replace(pair, target_mac=mac)
    return replace(file, addresses=found)


def ends(file: TargetFile, ip: int) -> codec.WireEnds:
    """Both ends of the wire as the codec has them."""
    found = file.addresses[ip]
    return codec.WireEnds(ip, found.tester, found.target, found.tester_mac, found.target_mac)


def facts(file: TargetFile, told: str, more: Mapping[str, str]) -> dict[str, str]:
    """What is known of the target, for the record."""
    stack = {"stack": told} if told else {}
    named = {} if file.path.parent == HOME else {"file": str(file.path)}
    return {**stack, **named, "wire": str(file.wire), "clock": str(file.clock), **more}
