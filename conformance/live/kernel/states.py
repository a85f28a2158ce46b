"""The state of a 4-tuple, asked of the target's kernel by sock_diag: one exact lookup.

Rules: one message, one answer, no dump; asking disturbs nothing and costs microseconds, so a
sample can be taken in the middle of an exchange. The kernel searches all its tables, in this
order of what a case sees: full sockets (orphans as well: no descriptor is needed), SYN-RECEIVED
request sockets, TIME-WAIT mini-sockets (whose substate tells FIN-WAIT-2 from TIME-WAIT). If none
fits, it falls back to a listener on the port, so the answer's own ports decide whether the tuple
was found.

The request is packed by hand, once: pyroute2 dumps and filters, it has no exact lookup.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

from conformance.errors import TargetError
from conformance.tcp.addresses import OTHER, STRANGERS
from conformance.tcp.states import State

_SOCK_DIAG_BY_FAMILY: Final = 20
_NLMSG_ERROR: Final = 2
_ENOENT: Final = 2
_ANY: Final = struct.pack("=LLL", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # interface, cookie

# <net/tcp_states.h>; a request socket shows as SYN_RECV or, while a dump runs, as NEW_SYN_RECV.
STATES: Final = {
    1: State.ESTABLISHED,
    2: State.SYN_SENT,
    3: State.SYN_RECEIVED,
    4: State.FIN_WAIT_1,
    5: State.FIN_WAIT_2,
    6: State.TIME_WAIT,
    7: State.CLOSED,
    8: State.CLOSE_WAIT,
    9: State.LAST_ACK,
    10: State.LISTEN,
    11: State.CLOSING,
    12: State.SYN_RECEIVED,
    13: State.CLOSED,  # bound, no more
}


class StateReader:
    """Samples states through a sock_diag socket that was opened in the target's namespace."""

    def __init__(self, diag: socket.socket, target_address: str, tester_address: str) -> None:
        self._diag = diag
        family = socket.AF_INET6 if ":" in target_address else socket.AF_INET
        # struct inet_diag_req_v2: family, protocol, extensions, pad, states (unused when exact).
        self._head = struct.pack(
            "=LHHLL BBBBL", 72, _SOCK_DIAG_BY_FAMILY, 1, 0, 0, family, 6, 0, 0, 0xFFFFFFFF
        )
        third = STRANGERS[OTHER][6 if family == socket.AF_INET6 else 4]
        # struct inet_diag_sockid after the ports: addresses, any interface, any cookie.
        self._tails = {
            peer: b"".join(socket.inet_pton(family, host).ljust(16, b"\0") for host in hosts) + _ANY
            for peer, hosts in {
                "": (target_address, tester_address), OTHER: (target_address, third),
            }.items()
        }  # fmt: skip

    def read(self, target_port: int, tester_port: int, peer: str = "") -> State:
        """The state of the tuple now; LISTEN or CLOSED if there is no such connection.

        ``peer``: the third host, whose address stands in the tuple then.
        """
        ports = struct.pack("!HH", target_port, tester_port)
        try:
            self._diag.send(self._head + ports + self._tails[peer])
            answer = self._diag.recv(4096)
        except OSError as error:
            raise TargetError(f"The target's states cannot be read: {error.strerror}.") from error
        (kind,) = struct.unpack_from("=H", answer, 4)
        if kind == _NLMSG_ERROR:
            (code,) = struct.unpack_from("=i", answer, 16)
            if -code == _ENOENT:
                return State.CLOSED
            raise TargetError(f"The target's states cannot be read: {os.strerror(-code)}.")
        state = STATES.get(answer[17], State.CLOSED)
        if state is State.LISTEN or answer[20:24] == ports:
            return state
        return State.CLOSED
