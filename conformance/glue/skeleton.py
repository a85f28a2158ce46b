"""The glue program of @NAME@: it wires the stack to the harness.

It runs as it is: a toy that answers ARP and refuses every connection. Put your stack where the
comments say so. ``conformance.glue.base`` explains what each method is for; a copy of that one
file next to this one will do where the package is not installed.

SPDX-License-Identifier: MIT
SPDX-FileCopyrightText: 2026 The tcp-conformance authors
"""

from __future__ import annotations

import socket
import struct

from conformance.glue.base import Lab, Refused, Sockets
from conformance.glue.base import Socket as Base

ARP, IPV4, TCP = 0x0806, 0x0800, 6
SYN, RST, ACK = 0x02, 0x04, 0x10


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of octets."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return 0xFFFF - total % 0xFFFF


class Toy:
    """A stack that knows no connections. YOUR STACK takes its place."""

    def __init__(self, lab: Lab) -> None:
        self.address = socket.inet_aton(lab.target)
        self.mac = bytes.fromhex(lab.target_mac.replace(":", ""))

    def answer(self, frame: bytes) -> bytes:
        """The frame that answers this one, or nothing."""
        kind, body = int.from_bytes(frame[12:14], "big"), frame[14:]
        if kind == ARP and len(body) >= 28 and body[6:8] == b"\0\1" and body[24:28] == self.address:
            reply = body[:6] + b"\0\2" + self.mac + self.address + body[8:18]
            return frame[6:12] + self.mac + frame[12:14] + reply
        if kind == IPV4 and len(body) >= 40 and body[9] == TCP and body[16:20] == self.address:
            segment = self.refuse(body)
            return frame[6:12] + self.mac + frame[12:14] + segment if segment else b""
        return b""

    def refuse(self, packet: bytes) -> bytes:
        """RFC 9293 3.10.7.1: a SYN to a port where nobody listens is answered with a RST."""
        source, target = packet[12:16], packet[16:20]
        sport, dport, seq = struct.unpack("!HHI", packet[20:28])
        if packet[33] & (SYN | RST | ACK) != SYN:
            return b""
        acked = (seq + 1) & 0xFFFFFFFF
        header = struct.pack("!HHIIBBHHH", dport, sport, 0, acked, 5 << 4, RST | ACK, 0, 0, 0)
        pseudo = target + source + struct.pack("!HH", TCP, len(header))
        header = header[:16] + struct.pack("!H", checksum(pseudo + header)) + header[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, TCP, 0) + target + source
        return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + header


class Socket(Base):
    """A socket of the stack: add bind, listen, connect, send, shutdown, close, abort.

    Each passes its call on to your stack. What the stack's callbacks tell goes into ``incoming``,
    ``ready``, ``established``, ``ended`` and ``fail("ECONNRESET")``; or override accept,
    connected and recv as well, and raise BlockingIOError while there is nothing.
    """


class Glue(Sockets):
    """@NAME@ behind the protocol."""

    text = "@NAME@ 0"  # name and version
    abilities = ("CALLS", "STATE")  # also ACTIVE-OPEN, IPV6, ICMP, OPTIONS, as it can
    clocks = ("real", "virtual")  # leave out "virtual" unless now() is your stack's only clock

    def use(self, lab: Lab) -> None:
        """YOUR STACK starts here, with this address on its one interface."""
        if lab.six:
            raise Refused("EAFNOSUPPORT")
        self.stack = Toy(lab)

    def arrive(self, frame: bytes) -> None:
        """A frame for your stack; what its driver sends goes to ``transmit``."""
        answer = self.stack.answer(frame) if self.lab else b""
        if answer:
            self.transmit(answer)

    def due(self) -> int | None:
        """When your stack's next timer runs out, ns on the clock of ``now()``; None for never."""
        return None

    def expire(self) -> None:
        """Run your stack's timers that are due at ``now()``."""

    def socket(self) -> Socket:
        """A socket of your stack."""
        return Socket(self)

    def state(self, local: int, remote: int) -> str:
        """Ask your stack, whether there is a handle or not: SYN-RECEIVED, TIME-WAIT, ..."""
        return ""

    # Add ``reset(self)`` if your stack can forget all connections without a segment, and say
    # ``reset: call`` in the target file: then one process serves the whole run.


if __name__ == "__main__":
    Glue().serve()
