"""The tester's end of the wire: frames out and in, each with its stamp.

- Stamps are the kernel's (see ``frames.packet_socket``): on a veth pair the target often answers
  before ``send`` has returned to Python.
- Nothing that comes is lost silently: the receive buffer is large and its drops are counted.
"""

from __future__ import annotations

import socket
import time
from typing import Final

from conformance.errors import TargetError
from conformance.live.clock import seconds
from conformance.live.frames import packet_socket

_FRAME: Final = 65536


class Link:
    """Frames out and in, each with its stamp; non-blocking."""

    def __init__(self, packet: socket.socket) -> None:
        self._packet = packet
        packet.setblocking(False)
        packet_socket.stamped(packet, departures=True)

    def fileno(self) -> int:
        """For a selector."""
        return self._packet.fileno()

    def send(self, frame: bytes) -> float:
        """Put the frame on the wire; the time at which the driver took it."""
        before = time.time_ns()
        try:
            self._packet.send(frame)
        except OSError as error:
            raise TargetError(f"The link does not take a frame: {error.strerror}.") from error
        stamp = None  # an earlier frame's may be late
        while (taken := packet_socket.departure(self._packet)) is not None:
            stamp = taken
        return seconds(stamp if stamp is not None and stamp >= before else before)

    def recv_all(self) -> list[tuple[float, bytes]]:
        """Every frame that has come, with the kernel's receive stamp."""
        frames: list[tuple[float, bytes]] = []
        while True:
            try:
                frame, ancillary, _ = packet_socket.received(self._packet, _FRAME)
            except BlockingIOError:
                return frames
            except OSError as error:
                raise TargetError(f"The link is gone: {error.strerror}.") from error
            frames.append((seconds(packet_socket.stamp(ancillary) or time.time_ns()), frame))

    def dropped(self) -> int:
        """How many frames the receive buffer could not hold since the last asking."""
        return packet_socket.drops(self._packet)

    def close(self) -> None:
        """Give the socket back; the pair of interfaces goes with its namespaces."""
        self._packet.close()
