"""The glue of PyTCP (``pip install pmd-pytcp``), a TCP/IP stack in Python that runs on asyncio.

The address is put on the interface before the stack starts, by the API that does not probe for it
first. A reset takes the sessions' timers and forgets them; nothing is sent.
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import Any

from pmd_net_addr import Ip4Address, Ip4IfAddr, Ip6Address, Ip6IfAddr, MacAddress
from pmd_pytcp import socket as api
from pmd_pytcp import stack
from pmd_pytcp.lib.interface_layer import InterfaceLayer
from pmd_pytcp.protocols.tcp.session import tcp__session
from pmd_pytcp.stack import lifecycle, sysctl

from conformance.glue import aio, base

# What a SYN offers. ECN is off unless it is set: its SYN (RFC 9768 3.1.1) is no SYN of RFC 9293.
PLAIN = {"ecn": False, "accecn": False}
OFFERS = partial(tcp__session.AdvertiseState, **PLAIN)
SWITCHES = ("ts", "wscale", "sack", "ecn", "accecn", "fastopen")


class Socket(aio.Socket):
    """One of PyTCP's sockets."""

    def run(self, name: str, *args: Any, **named: Any) -> Any:
        if name in ("send", "recv", "shutdown") and self.under.tcp_session is None:
            raise base.Refused("ENOTCONN")
        return super().run(name, *args, **named)

    def listen(self, port: int | None, backlog: int) -> Any:
        return super().listen(port, max(backlog, 1))

    def pending(self) -> int:
        return int(self.under.status().rx_buffer_len)

    def setsockopt(self, name: str, value: Any) -> None:
        milliseconds = name in ("KEEPIDLE", "KEEPINTVL")  # where others count seconds
        self.under.setsockopt(*option(name), value * 1000 if milliseconds else value)


def option(name: str) -> tuple[int, int]:
    """Level and number of an option; PyTCP keeps the sizes of buffers, and heeds them nowhere."""
    for prefix, level in (("TCP_", api.IPPROTO_TCP), ("SO_", api.SOL_SOCKET)):
        if hasattr(api, prefix + name) and name not in ("RCVBUF", "SNDBUF"):
            return level, getattr(api, prefix + name)
    raise base.Refused("ENOPROTOOPT")


class PyTcp(aio.Asynchronous):
    """PyTCP behind the protocol."""

    text = f"PyTCP {version('pmd-pytcp')}"
    abilities = ("CALLS", "STATE", "ACTIVE-OPEN", "IPV6", "ICMP", "OPTIONS")

    def use(self, lab: base.Lab) -> None:
        self.begin_anew(lambda device: self.begin_stack(lab, device))

    async def begin_stack(self, lab: base.Lab, device: int) -> None:
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
        neighbor = stack.neighbor.interface(number)
        neighbor.add(ip=address(lab.tester), mac=MacAddress(lab.tester_mac))
        await lifecycle.start()

    def socket(self) -> Socket:
        family = api.AddressFamily.INET6 if self.lab and self.lab.six else api.AddressFamily.INET4
        return Socket(self, api.socket(family, api.SocketType.STREAM))

    def state(self, local: int, remote: int) -> str:
        for sock in stack.sockets.values():
            if (sock.local_port, sock.remote_port) == (local, remote):
                return str(sock.state.name).replace("RCVD", "RECEIVED").replace("_", "-")
        return ""

    def listens(self, local: int) -> bool:
        return self.state(local, 0) == "LISTEN"

    def set(self, name: str, value: str) -> None:
        number = {"on": 1, "off": 0}.get(value) if value in ("on", "off") else int(value)
        if name in SWITCHES:
            OFFERS.keywords[name] = bool(number)
            for sock in stack.sockets.values():  # a listener has its next connection made already
                if str(sock.state.name) == "LISTEN":
                    setattr(sock.tcp_session._advertise, name, bool(number))
        elif name in sysctl.list_keys():
            sysctl.set(name, number)
        else:
            raise base.Refused("ENOPROTOOPT")

    def reset(self) -> None:
        for sock in stack.sockets.values():
            if sock.tcp_session is not None:
                sock.tcp_session._cancel_all_timers()
        stack.sockets.clear()
        stack.tcp_stack.fastopen_cookies.clear()
        stack.tcp_stack.fastopen_negative.clear()
        sysctl.reset_to_defaults()
        OFFERS.keywords.clear()
        OFFERS.keywords.update(PLAIN)


if __name__ == "__main__":
    tcp__session.AdvertiseState = OFFERS
    PyTcp().serve()
