"""A stack that nobody makes calls on: the reference, with an echo server on port 7 (RFC 862),
discard on 9 (RFC 863) and chargen on 19 (RFC 864), which writes the stream function.

It speaks no protocol. Its wire is the descriptor that it was given, or the interface; its clock is
the machine's. Arguments: ``--only NAME`` runs one server, ``--silent`` none, ``--wrong`` writes
other octets, ``--deaf`` answers for no address, ``--die-after N`` ends after so many frames,
``--die-at-text`` at the first text, ``--hang-at-text`` does nothing from then on, ``--no-timers``
sends nothing again.
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

from conformance.live.frames.arp_nd import Neighbours
from conformance.live.frames.codec import FrameCodec, WireEnds
from conformance.reference.machine import Config, Emitted, Returned, Stack
from conformance.tcp.segment import Segment

MACS = ("02:00:00:00:00:02", "02:00:00:00:00:01")  # ours first: here the target is the sender
ENDS = (
    WireEnds(4, "192.0.2.2", "192.0.2.1", *MACS),
    WireEnds(6, "2001:db8::2", "2001:db8::1", *MACS),
)
PORTS = {"echo": 7, "discard": 9, "chargen": 19}
PIECE = 2048  # octets of one write of chargen


class Side:
    """One IP version: a stack of its own, and the servers."""

    def __init__(self, ends: WireEnds, wire: int, servers: list[str], *, wrong: bool) -> None:
        mss = {"mss": 1440, "default_mss": 1220} if ends.ip == 6 else {}
        self.codec, self.neighbours, self.wire = FrameCodec(ends), Neighbours(ends), wire
        self.stack = Stack(Config(iss=(1 << 32) - 3, **mss))  # type: ignore[arg-type]
        self.wrong, self.frail, self.numbers = wrong, "", count(1)
        self.waiting: dict[int, tuple[str, str, int]] = {}  # server, call, handle
        for server in servers:
            self.call(server, "listen", 0, port=PORTS[server])

    def frame(self, frame: bytes, *, deaf: bool) -> None:
        _, answer = self.neighbours.look(frame)
        if answer and not deaf:
            os.write(self.wire, answer)
        content = self.codec.decode(frame)
        if isinstance(content, Segment):
            if self.frail == "die" and content.payload:
                sys.exit("it was told to end")
            while self.frail == "hang" and content.payload:
                pass
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
        server, call, handle = self.waiting.pop(output.number)
        if call == "listen":
            self.call(server, "accept", output.value)
        elif call == "accept":
            self.call(server, "accept", handle)
            if server == "chargen":
                piece = {"text": "wrong"} if self.wrong else {"count": PIECE}
                self.call(server, "send", output.value, **piece)
            self.call(server, "recv", output.value, count=65536)
        elif call == "recv" and not output.value:
            self.call(server, "close", handle)
        elif call == "recv":
            if server == "echo":
                text = bytes(octet ^ self.wrong for octet in output.data)
                self.call(server, "send", handle, text=text.decode())
            self.call(server, "recv", handle, count=65536)
        elif call == "send" and server == "chargen":
            self.call(server, "send", handle, count=PIECE)

    def call(self, server: str, name: str, handle: int, **args: int | str) -> None:
        number = next(self.numbers)
        self.waiting[number] = server, name, handle
        args |= {"socket": handle} if handle else {}
        self.stack.call(number, name, args, time.monotonic())


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
    parser.add_argument("--only", choices=PORTS)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--die-after", type=int, default=1 << 30)
    parser.add_argument("--die-at-text", dest="frail", action="store_const", const="die")
    parser.add_argument("--no-timers", action="store_true")
    parser.add_argument("--hang-at-text", dest="frail", action="store_const", const="hang")
    asked = parser.parse_args()
    wire = open_wire()
    servers = [] if asked.silent else [asked.only] if asked.only else list(PORTS)
    sides = [Side(ends, wire, servers, wrong=asked.wrong) for ends in ENDS]
    poll, seen = select.poll(), 0
    for descriptor in (0, wire):
        poll.register(descriptor, select.POLLIN)
    while True:
        timers = [None if asked.no_timers else side.stack.next_timer for side in sides]
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
                side.frail = asked.frail or ""
                side.frame(frame, deaf=asked.deaf)
        for side in sides:
            if not asked.no_timers:
                side.stack.advance(time.monotonic())
            side.serve()


if __name__ == "__main__":
    main()
