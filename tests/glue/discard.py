"""A stack that nobody makes calls on: the reference, with a discard server on port 9 (RFC 863).

It speaks no protocol. Its wire is the descriptor that it was given, or the interface; its clock is
the machine's. Arguments: ``--silent`` runs no server, ``--deaf`` answers for no address,
``--die-after N`` ends after so many frames.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import sys
import time
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance.reference import Config, Emitted, Returned, Stack
from conformance.shell.codec import Addresses, Codec
from conformance.shell.neighbours import Neighbours
from conformance.tcp.segment import Segment

MACS = ("02:00:00:00:00:02", "02:00:00:00:00:01")  # ours first: here the target is the sender
ENDS = (
    Addresses(4, "192.0.2.2", "192.0.2.1", *MACS),
    Addresses(6, "2001:db8::2", "2001:db8::1", *MACS),
)
PORT = 9


class Side:
    """One IP version: a stack of its own, and a server that reads and forgets."""

    def __init__(self, ends: Addresses, wire: int, *, serves: bool) -> None:
        mss = {"mss": 1440, "default_mss": 1220} if ends.ip == 6 else {}
        self.codec, self.neighbours, self.wire = Codec(ends), Neighbours(ends), wire
        self.stack = Stack(Config(iss=(1 << 32) - 3, **mss))  # type: ignore[arg-type]
        self.numbers, self.reads, self.accepts = count(1), dict[int, int](), set[int]()
        if serves:
            self.stack.call(0, "listen", {"port": PORT}, time.monotonic())

    def frame(self, frame: bytes, *, deaf: bool) -> None:
        _, answer = self.neighbours.look(frame)
        if answer and not deaf:
            os.write(self.wire, answer)
        content = self.codec.decode(frame)
        if isinstance(content, Segment):
            self.stack.arrive(content, time.monotonic())

    def serve(self) -> None:
        """Send what the stack sends; accept, read, close at the end."""
        outputs = self.stack.outputs()
        while outputs:
            for output in outputs:
                if isinstance(output, Emitted):
                    os.write(self.wire, self.codec.encode(output.segment))
                elif isinstance(output, Returned) and not output.errno:
                    self.returned(output)
            outputs = self.stack.outputs()

    def returned(self, output: Returned) -> None:
        if output.number == 0:  # it listens
            self.listener = output.value
            self.accept()
        elif output.number in self.accepts:
            self.read(output.value)
            self.accept()
        elif output.number in self.reads:
            handle = self.reads.pop(output.number)
            if output.value:
                self.read(handle)
            else:
                self.call("close", {"socket": handle})

    def call(self, name: str, args: dict[str, int | str]) -> int:
        number = next(self.numbers)
        if name == "recv":
            self.reads[number] = int(args["socket"])
        elif name == "accept":
            self.accepts.add(number)
        self.stack.call(number, name, args, time.monotonic())
        return number

    def accept(self) -> None:
        self.call("accept", {"socket": self.listener})

    def read(self, handle: int) -> None:
        self.call("recv", {"socket": handle, "count": 65536})


def open_wire() -> int:
    interface = os.environ.get("CONFORMANCE_INTERFACE", "")
    if not interface:
        return int(os.environ["CONFORMANCE_WIRE_FD"])
    packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    packet.setsockopt(263, 23, 1)  # PACKET_IGNORE_OUTGOING
    packet.bind((interface, 3))
    return packet.detach()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--die-after", type=int, default=1 << 30)
    asked = parser.parse_args()
    wire = open_wire()
    sides = [Side(ends, wire, serves=not asked.silent) for ends in ENDS]
    poll, seen = select.poll(), 0
    for descriptor in (0, wire):
        poll.register(descriptor, select.POLLIN)
    while True:
        timers = [side.stack.next_timer for side in sides]
        due = min((at for at in timers if at is not None), default=None)
        wait = None if due is None else max(0, int(1000 * (due - time.monotonic())) + 1)
        ready = dict(poll.poll(wait))
        if 0 in ready:
            return
        if wire in ready:
            frame, seen = os.read(wire, 65536), seen + 1
            if seen > asked.die_after:
                sys.exit("it was told to end")
            for side in sides:
                side.frame(frame, deaf=asked.deaf)
        for side in sides:
            side.stack.advance(time.monotonic())
            side.serve()


if __name__ == "__main__":
    main()
