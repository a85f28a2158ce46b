"""A glue program around the reference TCP: honest unless its command line tells it to err.

It is the other side of every test of the harness's side: what a target file may name, and each
way in which such a program can fail. Without a fault it keeps to the protocol and to RFC 9293, on
the real clock and on the virtual one.
"""

from __future__ import annotations

import argparse
import os
import signal
import struct
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance.case.icmp import ERRORS
from conformance.glue.base import LATER, Call, Glue, Lab, Refused
from conformance.live.frames.arp_nd import question
from conformance.live.frames.codec import FrameCodec, IcmpError, WireEnds
from conformance.live.workers.veth_plan import MTU
from conformance.play.profile import Ability
from conformance.reference.calls import CALLS
from conformance.reference.config import OPTIONS
from conformance.reference.machine import Config, Emitted, Pending, Returned, Stack, StateEntered
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap
from conformance.tcp.states import State

SECOND = 10**9
FIRST_HANDLE = 3  # of the protocol; the reference's is 1
ISS = (1 << 32) - 3  # so that the numbers wrap within the exchange
HONEST = ("CALLS", "STATE", "ACTIVE-OPEN", "IPV6", "OPTIONS", "ICMP", "INFO")
# What a program that claims the ability without having it cannot do.
LACKING = {"CALLS": set(CALLS), "STATE": {"state"}, "INFO": {"info"}, "ACTIVE-OPEN": {"connect"},
           "OPTIONS": {"set"}, "VIRTUAL-TIME": {"advance"}}  # fmt: skip
LIES = ("state", "drop-fin", "ack-too-much", "stamps", "no-timers", "knows-all", "mute",
        "faints", "text", "wrong-reset", "asks-around")  # fmt: skip


ROUTER = {4: "192.0.2.77", 6: "2001:db8::77"}


class Liar(Glue):
    """The reference behind the protocol; ``faults`` is what the command line asked for."""

    text, settings = "reference", tuple(OPTIONS)

    def __init__(self, faults: argparse.Namespace) -> None:
        super().__init__()
        self.faults, self.asked, self.wet = faults, 0, False
        self.abilities = tuple(dict.fromkeys((*HONEST, faults.claim or "CALLS")))
        self.origin, self.numbers = self.now() - 1000 * SECOND, count(1)
        self.stack, self.open = Stack(Config(iss=ISS)), dict[int, Call]()
        self.codec: FrameCodec | None = None
        self.asking = b""  # for a router

    # The stack's time is in seconds; it begins at 1000 as the virtual clock does.

    def seconds(self) -> float:
        return (self.now() - self.origin) / SECOND

    def due(self) -> int | None:
        if self.faults.flood and self.wet:
            return self.now()
        timer = None if self.faults.lie == "no-timers" else self.stack.next_timer
        return None if timer is None else self.origin + int(timer * SECOND + 0.999)

    def expire(self) -> None:
        if self.faults.flood and self.wet:
            for _ in range(64):
                self.transmit(bytes(60))
        timer = self.stack.next_timer
        if timer is not None and self.due() is not None and timer <= self.seconds() + 1e-6:
            self.stack.advance(max(self.seconds(), timer))
            self.collect()

    # Frames

    def use(self, lab: Lab) -> None:
        if lab.six and self.faults.claim == "IPV6":
            raise Refused("EAFNOSUPPORT")
        swapped = (lab.target, lab.tester, lab.target_mac, lab.tester_mac)
        self.codec = FrameCodec(WireEnds(6 if lab.six else 4, *swapped))
        if self.faults.lie == "asks-around":  # built here, what builds it takes a while to load
            self.asking = question(self.codec.addresses, ROUTER[self.codec.addresses.ip])
        mss = {"mss": 1440, "default_mss": 1220} if lab.six else {}
        self.stack = Stack(replace(Config(iss=ISS), **mss))  # type: ignore[arg-type]

    def arrive(self, frame: bytes) -> None:
        os.write(2, b"x" * self.faults.shout)
        if self.faults.lie == "faints" and len(frame) > MTU:
            sys.exit("it faints at a long frame")
        content = self.codec.decode(frame) if self.codec else ""
        if isinstance(content, Segment):
            self.stack.arrive(content, self.seconds())
        elif isinstance(content, IcmpError):
            self.icmp(content)
        self.collect()
        if isinstance(content, Segment) and Flags[self.faults.on] in content.flags:
            self.die()

    def die(self) -> None:
        """As the command line says; what it has sent is on the wire already."""
        how = self.faults.dies
        if how == "loop":
            if self.faults.once and self.faults.once.exists():
                return
            if self.faults.once:
                self.faults.once.touch()
            while True:
                time.sleep(600)
        elif how == "panic":
            os.write(2, b"panic: nil pointer\n\ngoroutine 1:\n" + b"main.go:7 +0x1d\n" * 200)
            os._exit(2)
        elif how:
            os.write(2, b"it was told to\n")
            os.kill(os.getpid(), signal.Signals[how])

    def icmp(self, message: IcmpError) -> None:
        """An error quotes the IP header and the first octets of the segment."""
        six = bool(self.lab and self.lab.six)
        quoted = message.body[4 + (40 if six else 20) :]
        pair = (message.type, message.code)
        kinds = (error.kind for error in ERRORS if (error.v6 if six else error.v4) == pair)
        kind = next(kinds, "")
        if kind and len(quoted) >= 8:
            sport, dport, seq = struct.unpack("!HHI", quoted[:8])
            quote = Segment(sport, dport, Flags.ACK, seq)
            (mtu,) = struct.unpack("!I", message.body[:4])
            self.stack.icmp(kind, quote, self.seconds(), mtu, 6 if six else 4)

    def emit(self, segment: Segment) -> None:
        """Send what the stack sends, or what the fault makes of it."""
        self.wet = True
        if self.asking:  # instead of an answer
            self.transmit(self.asking)
            return
        if self.faults.lie == "drop-fin" and Flags.FIN in segment.flags:
            return
        acks = Flags.ACK in segment.flags and not segment.flags & (Flags.SYN | Flags.RST)
        if self.faults.lie == "ack-too-much" and acks:
            segment = replace(segment, ack=wrap(segment.ack + 1))
        if self.faults.lie == "wrong-reset" and segment.has(Flags.RST):
            segment = replace(segment, ack=wrap(segment.ack - 1))
        if self.faults.frames is not None:
            self.transmit(bytes(self.faults.frames))
        if self.codec:
            self.transmit(self.codec.encode(segment))

    # Calls

    def begin(self, call: Call) -> None:
        """The reference has calls of its own kind, with handles from 1 on."""
        self.asked += 1
        if self.faults.die_after is not None and self.asked > self.faults.die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.lab is not None:
            time.sleep(self.faults.late)
            if self.faults.garbage:
                self._queue(self.sink, b"\x00\xff this is no reply\n")
        if self.faults.lie == "knows-all" and call.name == "frobnicate":
            call.end(0)
        elif self.faults.refuse[0] in (call.name, *call.args.values()):
            call.fail(self.faults.refuse[1])
        elif call.name in LACKING.get(self.faults.claim, ()):
            call.fail("ENOSYS")
        elif call.name not in CALLS:
            super().begin(call)
        elif self.sound(call):
            self.start(call, self.pass_on)

    def pass_on(self, call: Call, **_: object) -> object:
        args, number = dict(call.args), next(self.numbers)
        if "socket" in args:
            args["socket"] = self.handle(args["socket"])
        if self.faults.lie == "text" and "text" in args:
            args["text"] = args["text"].upper()
        self.open[number] = call
        self.stack.call(number, call.name, args, self.seconds())
        self.collect()
        return LATER

    def handle(self, value: object) -> int:
        if type(value) is not int:
            raise Refused("EBADF")
        return value - FIRST_HANDLE + 1

    def collect(self) -> None:
        """Frames and answers, in the order in which the stack gave them."""
        for output in self.stack.outputs():
            match output:
                case Emitted(segment):
                    self.emit(segment)
                case Pending(number):
                    self.open[number].wait()
                case Returned(number, value, errno, data, text):
                    self.answer(self.open.pop(number), value, errno, data, text)
                case StateEntered():
                    pass

    def answer(self, call: Call, value: int, errno: str, data: bytes, text: str) -> None:
        if errno:
            call.fail(errno)
        elif call.name in ("socket", "listen", "accept", "connect", "dup"):
            call.end(value + FIRST_HANDLE - 1)
        elif call.name == "info":
            call.end({"value": value, "text": text})
        else:
            call.end({"value": value, "data": data.hex()} if call.name == "recv" else value)

    def call_version(self, call: Call) -> dict[str, Any]:
        if self.faults.no_start:
            sys.exit("the stack cannot be started: it was told not to")
        return {**super().call_version(call), "value": self.faults.protocol}

    def reply(self, fields: dict[str, Any]) -> None:
        if self.faults.lie == "mute" and fields.get("errno") == "EBADMSG":
            return
        if self.faults.lie == "stamps" and "ended" in fields:
            fields |= {"started": time.monotonic_ns(), "ended": time.monotonic_ns()}
        super().reply(fields)

    def state(self, local: int, remote: int) -> str:
        state = self.stack.state(local, remote)
        if self.faults.lie == "state":
            truth = state is State.ESTABLISHED
            state = State.CLOSE_WAIT if truth else State.ESTABLISHED
        return str(state)

    def set(self, name: str, value: str) -> None:
        self.stack.set_option(name, value)

    def reset(self) -> None:
        for call in self.open.values():
            call.fail("ECANCELED")
        self.open.clear()
        self.stack, self.codec = Stack(Config(iss=ISS)), None


def arguments() -> argparse.Namespace:
    """The faults, each off by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lie", choices=LIES, help="what it says or sends that is not so")
    parser.add_argument("--no-start", action="store_true", help="end before the first answer")
    parser.add_argument("--garbage", action="store_true", help="write what is no protocol")
    parser.add_argument("--late", type=float, default=0.0, help="answer so many seconds late")
    parser.add_argument("--die-after", type=int, help="be killed after so many requests")
    parser.add_argument("--dies", default="", help="panic, loop, SIG..., at a segment with FLAG")
    parser.add_argument("--on", default="FIN", metavar="FLAG")
    parser.add_argument("--once", type=Path, help="and only if there is no such file yet")
    parser.add_argument("--claim", choices=list(Ability), help="claim what it then cannot do")
    parser.add_argument("--frames", type=int, help="send a frame of so many octets, 0 or 70000")
    parser.add_argument("--flood", action="store_true", help="send frames without end")
    parser.add_argument("--shout", type=int, default=0, help="octets to stderr with each frame")
    parser.add_argument("--refuse", nargs=2, default=("", ""), help="a call or word, its errno")
    parser.add_argument("--protocol", type=int, default=1, help="the version it speaks")
    return parser.parse_args()


if __name__ == "__main__":
    Liar(arguments()).serve()
