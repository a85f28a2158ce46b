"""The glue of PyTCP (``pip install pmd-pytcp``), a TCP/IP stack in Python that runs on asyncio.

The address is put on the interface before the stack starts, by the API that does not probe for it
first. A reset stops all timers and forgets the sockets; nothing is sent.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib.metadata import version
from typing import Any

from pmd_net_addr import Ip4Address, Ip4IfAddr, Ip6Address, Ip6IfAddr, MacAddress
from pmd_net_proto.lib.inet_cksum import inet_cksum as short_sum
from pmd_pytcp import socket as api
from pmd_pytcp import stack
from pmd_pytcp.lib.interface_layer import InterfaceLayer
from pmd_pytcp.protocols.tcp.session import tcp__session
from pmd_pytcp.stack import lifecycle

from conformance.glue import aio, base

# What a SYN offers. ECN is off unless it is set: its SYN (RFC 9768 3.1.1) is no SYN of RFC 9293.
OFFERED = {"ts": True, "wscale": True, "sack": True, "ecn": False, "accecn": False}
GENERAL = ("KEEPALIVE", "OOBINLINE")  # options of any socket; the sizes of buffers it heeds nowhere
OFFERS = partial(tcp__session.AdvertiseState, **OFFERED)
stack.TCP__ISS_SECRET = bytes(16)  # the same case has the same ISN each time


def whole_sum(*buffers: Any, init: int = 0) -> int:
    """PyTCP's sum with its last carry, forgotten in one segment of some 65,536 (RFC 1071).

    No case in particular meets that, so none could record it. All ones are the sum of nothing.
    """
    found = int(short_sum(*buffers, init=init))
    return found - (found == 0xFFFF)


class PytcpSocket(aio.AsyncSocket):
    """One of PyTCP's sockets."""

    def pending(self) -> int:
        return int(self.under.status().rx_buffer_len)

    def setsockopt(self, name: str, value: Any) -> None:
        prefix, level = ("SO_", api.SOL_SOCKET) if name in GENERAL else ("TCP_", api.IPPROTO_TCP)
        if not hasattr(api, prefix + name):
            raise base.Refused("ENOPROTOOPT")
        unit = 1000 if name in ("KEEPIDLE", "KEEPINTVL") else 1  # milliseconds, for seconds
        self.under.setsockopt(level, getattr(api, prefix + name), value * unit)


class PyTcp(aio.Asynchronous):
    """PyTCP behind the protocol."""

    text = f"PyTCP {version('pmd-pytcp')}"
    abilities = ("CALLS", "STATE", "ACTIVE-OPEN", "IPV6", "ICMP", "OPTIONS")
    settings = tuple(OFFERED)

    async def boot(self, lab: base.Lab, device: int) -> None:
        if stack.stack_initialized:
            await lifecycle.stop()
        lifecycle.init(
            fd=device, layer=InterfaceLayer.L2, mtu=lab.mtu, mac_address=MacAddress(lab.target_mac),
            ip4_support=not lab.six, ip4_dhcp=False, ip6_support=lab.six, ip6_gua_autoconfig=False,
            ip6_lla_autoconfig=False,
        )  # fmt: skip
        (number,) = stack.interfaces.keys()
        address, host = (Ip6Address, Ip6IfAddr) if lab.six else (Ip4Address, Ip4IfAddr)
        stack.address.interface(number).add(ifaddr=host(f"{lab.target}/{lab.prefix}"))
        stack.neighbor.interface(number).add(ip=address(lab.tester), mac=MacAddress(lab.tester_mac))
        await lifecycle.start()

    def socket(self) -> PytcpSocket:
        family = api.AddressFamily.INET6 if self.lab and self.lab.six else api.AddressFamily.INET4
        return PytcpSocket(self, api.socket(family, api.SocketType.STREAM))

    def state(self, local: int, remote: int) -> str:
        for sock in stack.sockets.values():
            if (sock.local_port, sock.remote_port) == (local, remote):
                return str(sock.state.name).replace("RCVD", "RECEIVED").replace("_", "-")
        return ""

    def set(self, name: str, value: str) -> None:
        on = base.switch(value)
        if name == "accecn" and on:
            self.set("ecn", value)  # who speaks AccECN falls back to ECN (RFC 9768 section 3.1.2)
        OFFERS.keywords[name] = on
        for sock in stack.sockets.values():  # a listener has its next connection made already
            if sock.tcp_session is not None and str(sock.state.name) == "LISTEN":
                setattr(sock.tcp_session._advertise, name, on)

    def reset(self) -> None:
        super().reset()
        stack.sockets.clear()
        OFFERS.keywords.update(OFFERED)


if __name__ == "__main__":
    tcp__session.AdvertiseState = OFFERS
    for module in [one for one in sys.modules.values() if hasattr(one, "inet_cksum")]:
        vars(module)["inet_cksum"] = whole_sum
    PyTcp().serve()
