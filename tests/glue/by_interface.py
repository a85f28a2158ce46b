"""The liar on a network interface that it opens itself: for wires that are no descriptor."""

from __future__ import annotations

import socket

import liar

SOL_PACKET, IGNORE_OUTGOING, EVERYTHING = 263, 23, 3


class ByInterface(liar.Liar):
    """Frames by a packet socket."""

    def open_wire(self) -> int:
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        packet.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
        packet.bind((self.interface, EVERYTHING))
        return packet.detach()


if __name__ == "__main__":
    ByInterface(liar.arguments()).serve()
