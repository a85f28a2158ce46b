"""The lab of one live case: the wire, the agent, the states, and everything that comes of them.

Rules:

- A lab never waits, except for a sysctl that it sets: ``poll`` takes what is there. Who drives
  many labs puts their descriptors into one selector, and the source's.
- Every event carries the stamp of its cause's own clock: the kernel's for frames and transitions,
  the agent's for calls. They are one clock, so ``poll`` can sort them.
- Whatever ends, a lab's end is quiet: closing twice is closing once, and what is gone is told as
  one :class:`Lost`, then nothing more.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from conformance.errors import EnvironmentProblem, Owner, TargetError
from conformance.live.clock import now, seconds
from conformance.live.frames.codec import FrameCodec, IcmpError, WireEnds
from conformance.live.kernel import netns_client
from conformance.live.kernel.backlog import Backlog
from conformance.live.kernel.link import Link
from conformance.live.kernel.reasons import Sends, counters
from conformance.live.kernel.refusals import SettingRefused, refusal
from conformance.live.kernel.states import StateReader
from conformance.live.kernel.trace import Path, Trace, TraceRecord, claim_slot
from conformance.live.workers import veth_plan
from conformance.play import actions
from conformance.play.asides import Aside
from conformance.play.events import (
    Arrived,
    CallPending,
    CallReturned,
    Event,
    Garbage,
    Lost,
    StateReported,
)
from conformance.play.record import MANY
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

PORTS: Final = 64  # tester ports of one lab, from its base on
DESCRIPTORS: Final = 3  # that a lab costs the harness
_FIRST_PORT: Final = 1024
_LAST_PORT: Final = MANY
_MOST_UNHEARD: Final = 1000  # lines of the trace, or segments sent
_ANSWER_BOUND: Final = 2.0  # seconds for the agent to set a sysctl; it takes microseconds


class KernelLabs:
    """Makes labs; one a run."""

    def __init__(self, *, trace: bool = True) -> None:
        """Start the process that makes namespaces; EnvironmentProblem where it cannot."""
        slot, self._claim = claim_slot()
        testers = {ip: veth_plan.tester_address(ip, slot) for ip in (4, 6)}
        try:
            traced = trace and self._claim is not None
            self._namespaces = netns_client.Namespaces(slot, trace=traced)
        except EnvironmentProblem:
            self._release()
            raise
        self._ends = {ip: _addresses(ip, testers[ip]) for ip in (4, 6)}
        self._codecs: dict[int, FrameCodec] = {}
        self._labs: dict[int, KernelLab] = {}
        # First of the tester ports of a lab; used in turn, so that none is soon used again.
        self.ports = deque(range(_FIRST_PORT, _LAST_PORT, PORTS))
        self.told: set[int] = set()  # labs with records that they have not looked at
        self.trace: Trace | None = None
        if descriptors := self._namespaces.descriptors:
            pipe, *mark = descriptors
            self.trace = Trace(pipe, tuple(testers.values()), *mark)
        self.sends = Sends()
        self.backlog = Backlog(os.uname().release)
        self.facts: dict[str, str] = {
            "kernel": os.uname().release,
            "python": sys.version.partition(" ")[0],
            "tracefs": "not asked for",
            **self._namespaces.facts,
        }

    def prepare(self, count: int) -> None:
        """Have so many labs made in advance, so that opening them costs a running case nothing."""
        self._namespaces.order(count)
        self.load()

    def load(self) -> None:
        """Have what frames are built with, which takes scapy a while the first time."""
        for ip, ends in self._ends.items():
            if ip not in self._codecs:
                self._codecs[ip] = FrameCodec(ends)

    def openable(self) -> int:
        """A descriptor that is readable when a lab that was prepared can be opened at once."""
        return self._namespaces.fileno()

    def open(self, *, ip: int, sysctls: Mapping[str, str], tester_port_base: int) -> KernelLab:
        """A fresh lab; SettingRefused where the namespace cannot have one of the sysctls."""
        if tester_port_base % PORTS:
            raise ValueError(f"{tester_port_base} is no multiple of {PORTS}")
        if tester_port_base in self._labs:
            raise ValueError(f"the tester ports from {tester_port_base} on are another lab's")
        self.load()
        namespace = self._namespaces.take()
        lab = KernelLab(self, namespace, self._codecs[ip], tester_port_base)
        try:
            lab.configure(sysctls)
        except (EnvironmentProblem, TargetError):
            lab.close()
            raise
        self._labs[tester_port_base] = lab
        return lab

    def filenos(self) -> list[int]:
        """The trace, to be put in a selector: when it is readable, poll."""
        return [self.trace.fileno()] if self.trace else []

    def poll(self) -> set[int]:
        """Read the trace; the labs, by their ports' base, that have not looked at theirs yet."""
        for record in self.trace.read() if self.trace else []:
            base = record.tester_port // PORTS * PORTS
            lab = self._labs.get(base)
            if lab is not None:
                lab.traces.append(record)
                self.told.add(base)
        if self.trace and max(self.trace.beside, len(self.sends)) > _MOST_UNHEARD:
            self._hear(self.trace)
        return self.told

    def hear(self) -> None:
        """Give what the kernel has said of itself by now to the labs that it is about.

        Asked for by a case that ends, so that no step is later for it.
        """
        self.poll()
        if self.trace:
            self._hear(self.trace)

    def _hear(self, trace: Trace) -> None:
        told = trace.told()
        self.sends.thread = trace.thread
        for one in told:
            whose = (one.tester_port // PORTS * PORTS, one.aside)
            base, aside = (whose if one.tester_port else self.sends.claim(one)) or (-1, None)
            if aside is not None and base in self._labs:
                self._labs[base].asides.append(aside)
        self.sends.forget()

    def forget(self, lab: KernelLab) -> None:
        """A lab has been closed."""
        if self._labs.get(lab.tester_port_base) is lab:
            del self._labs[lab.tester_port_base]
            self.told.discard(lab.tester_port_base)

    def close(self) -> None:
        """Close every lab, then the process; nothing is left."""
        for lab in list(self._labs.values()):
            lab.close()
        if self.trace is not None:
            self.trace.close()
        self.backlog.close()
        self._namespaces.close()
        self._release()

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.close()


def _addresses(ip: int, tester: str) -> WireEnds:
    return WireEnds(ip, tester, veth_plan.TARGET[ip], veth_plan.TESTER_MAC, veth_plan.TARGET_MAC)


class KernelLab:
    """One case's surroundings; made by :meth:`KernelLabs.open`."""

    def __init__(
        self, source: KernelLabs, namespace: netns_client.NewNamespace, codec: FrameCodec, base: int
    ) -> None:
        self._source, self._codec = source, codec
        self.ip = codec.addresses.ip
        self.target_address, self.tester_address = codec.addresses.target, codec.addresses.tester
        self.tester_port_base = base
        self.facts: dict[str, str] = {**source.facts, **namespace.facts}
        self.traced = source.trace is not None
        self.traces: list[TraceRecord] = []
        self.asides: list[Aside] = []
        self._agent, self._diag = namespace.agent, namespace.diag
        self._agent.setblocking(False)
        self._link = Link(namespace.packet)
        self._states = StateReader(namespace.diag, self.target_address, self.tester_address)
        self._path = Path(self._states.read)
        self._inbox = b""
        self._events: list[Event] = []
        self._settled: dict[int, dict[str, Any]] = {}  # answers to the lab's own calls
        self._own = 0  # their numbers count down from -1
        self._lost = self._closed = False

    def configure(self, sysctls: Mapping[str, str]) -> None:
        """Tell the agent its addresses and set, all in one go, what the case asks for."""
        self._order("use", {"target": self.target_address, "tester": self.tester_address})
        orders = {
            self._order("sysctl", {"name": name, "value": value}): name
            for name, value in sysctls.items()
        }
        for order, name in orders.items():
            answer = self._answer(order)
            reason = refusal(answer, sysctls[name])
            if reason:
                raise SettingRefused(name, sysctls[name], reason)
            self.facts[name] = str(answer["text"])

    def filenos(self) -> list[int]:
        """The link and the agent, to be put in a selector: when one is readable, poll."""
        return [self._link.fileno(), self._agent.fileno()]

    def send(self, segment: Segment) -> tuple[float, bytes]:
        """Put a segment on the wire: when it left, and its last frame."""
        *before, frame = self._codec.frames(segment)
        begun = now()
        for fragment in before:
            self._link.send(fragment)
        at = self._link.send(frame)
        self._source.sends.note(begun, now(), self.tester_port_base, at)
        if self.traced and Flags.SYN in segment.flags and segment.sport < MANY:
            self._path.sent_syn(segment.dport, segment.sport, at)
        return at, frame

    def send_icmp(self, error: actions.SendIcmp) -> tuple[float, bytes]:
        """Send an ICMP error that quotes a segment of the target."""
        frame = self._codec.icmp(error)
        return self._link.send(frame), frame

    def call(self, number: int, name: str, args: Mapping[str, int | str]) -> None:
        """Have the agent make a socket call; ``poll`` tells what came of it."""
        line = json.dumps({"id": number, "call": name, "args": dict(args)}).encode() + b"\n"
        self._source.backlog.drain()
        try:
            taken = self._agent.send(line)
        except OSError as error:
            self._lose(f"the agent takes no calls ({error.strerror})")
        else:
            if taken < len(line):
                self._lose("the agent takes no calls (it does not read its stream)")

    def read_state(self, target_port: int, tester_port: int, peer: str = "") -> State:
        """The state of a 4-tuple now; ``peer``: a third host's."""
        self._source.backlog.drain()
        return self._states.read(target_port, tester_port, peer)

    def set_sysctl(self, name: str, value: str) -> str | None:
        """Set one sysctl of the target and read it back; the reason if it could not be."""
        return refusal(self._answer(self._order("sysctl", {"name": name, "value": value})), value)

    def poll(self) -> list[Event]:
        """Everything that has come, by its stamp; never waits."""
        if self._closed:
            return []
        samples = self._path.sample() if self.traced else []
        self._source.poll()
        self._source.told.discard(self.tester_port_base)
        self._read_agent()  # before the link: what a call that has returned sent is there
        self._source.backlog.drain()
        said, self._events = self._events, []  # after the segments: a call is stamped as it ends
        frames = self._link.recv_all()
        for at, frame in frames:
            self._events.append(self._arrival(at, frame))
        if frames and (dropped := self._link.dropped()):
            self._lose(f"the harness read too late and missed {dropped} frames")
        self._events += said
        if self.traced:
            records, self.traces = self.traces, []
            for at, key, state in self._path.advance(now(), samples, records):
                self._events.append(StateReported(at, *key, state))
            self.traced = self._source.trace is not None and not self._source.trace.lost
        events, self._events = self._events, []
        return sorted(events, key=lambda event: event.at)

    def last_words(self) -> tuple[Aside, ...]:
        """What the kernel said of itself in this case, by the time it is said at."""
        self._source.hear()
        told = [*self.asides, *counters(self._agent)]
        return tuple(sorted(told, key=lambda aside: aside.at))

    def _arrival(self, at: float, frame: bytes) -> Event:
        content = self._codec.decode(frame)
        if isinstance(content, Segment):
            if self.traced and content.dport < MANY:
                self._path.came(content.sport, content.dport)
            return Arrived(at, content, frame)
        if isinstance(content, IcmpError):
            content = f"ICMP type {content.type} code {content.code}"
        return Garbage(at, content, frame)

    def _order(self, name: str, args: Mapping[str, int | str]) -> int:
        self._own -= 1
        self.call(self._own, name, args)
        return self._own

    def _answer(self, order: int) -> dict[str, Any]:
        deadline = time.monotonic() + _ANSWER_BOUND
        while order not in self._settled:
            left = deadline - time.monotonic()
            poll = select.poll()
            poll.register(self._agent, select.POLLIN)
            poll.poll(1000 * max(0.0, left))
            self._read_agent()
            if order not in self._settled and (self._lost or left <= 0):
                raise TargetError("The target's agent does not answer.")
        return self._settled.pop(order)

    def _read_agent(self) -> None:
        data = b""
        if not self._lost:
            try:
                data = self._agent.recv(1 << 20)
            except BlockingIOError:
                return
            except OSError as error:
                self._lose(f"the agent is gone ({error.strerror})")
                return
            if not data:
                self._lose("the agent is gone: its process has ended")
        *lines, self._inbox = (self._inbox + data).split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            reply = json.loads(line)
            number, started = int(reply["id"]), seconds(reply["started"])
            if number < 0:
                self._settled[number] = reply
            elif reply.get("pending"):
                tried = seconds(reply.get("tried", reply["started"]))
                self._events.append(CallPending(started, number, tried))
            else:
                value, error = int(reply.get("value", 0)), str(reply.get("errno", ""))
                data, ended = bytes.fromhex(reply.get("data", "")), seconds(reply["ended"])
                told = str(reply.get("text", ""))
                returned = CallReturned(ended, number, started, value, error, data, told)
                self._events.append(returned)
        except (ValueError, KeyError, TypeError):
            self._lose(f"the agent answers what is no protocol: {line[:80]!r}")

    def _lose(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self._events.append(Lost(now(), reason, Owner.HARNESS))

    def close(self) -> None:
        """Give everything back; the kernel takes the namespaces down by itself."""
        if not self._closed:
            self._closed = True
            self._source.forget(self)
            self._link.close()
            self._agent.close()
            self._diag.close()
