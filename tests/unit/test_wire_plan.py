"""The netlink plan that lays the wire is, octet by octet, what pyroute2 builds of the same."""

import socket
from typing import Any

import pytest
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from conformance.live.workers import veth_plan
from conformance.live.workers.veth_plan import (
    INDEX,
    INTERFACE,
    MTU,
    TARGET,
    TARGET_MAC,
    TESTER_MAC,
    Plan,
)
from conformance.tcp.addresses import OTHER, STRANGERS


def by_pyroute2(slot: int, peer_fd: int) -> Plan:
    up = {"flags": 1, "change": 1}
    peer = {"index": INDEX, "attrs": end(TARGET_MAC, ("IFLA_NET_NS_FD", peer_fd))}
    data = ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", peer)]})
    kind = ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "veth"), data]})
    addresses, neighbours = [], []
    for family, ip, prefix in ((socket.AF_INET, 4, 24), (socket.AF_INET6, 6, 64)):
        second = ("198.51.100.2", 32) if ip == 4 else ("2001:db8:1::2", 128)
        for one, length in (second, (TARGET[ip], prefix)):
            own = [("IFA_ADDRESS", one), ("IFA_LOCAL", one), ("IFA_FLAGS", 0x02)]
            if ip == 6:
                del own[1]
            addresses.append({"family": family, "prefixlen": length, "index": INDEX, "attrs": own})
        for host in (veth_plan.tester_address(ip, slot), STRANGERS[OTHER][ip]):
            known = [("NDA_DST", host), ("NDA_LLADDR", TESTER_MAC)]
            neighbours.append({"family": family, "ifindex": INDEX, "state": 0x80, "attrs": known})
    route = {"family": socket.AF_INET6, "dst_len": 128, "attrs": [("RTA_DST", TARGET[6])]}
    return {
        "tester": [
            message(ifinfmsg, 16, 0x605, {"index": INDEX, "attrs": end(TESTER_MAC, kind)}),
            message(ifinfmsg, 16, 5, {"index": INDEX, **up}),
        ],
        "target": [
            message(ifinfmsg, 16, 5, {"index": 1, **up}),
            message(ifinfmsg, 16, 5, {"index": INDEX, **up}),
            *(message(ifaddrmsg, 20, 0x605, fields) for fields in addresses),
            *(message(ndmsg, 28, 0x605, fields) for fields in neighbours),
        ],
        "carrier": [message(ifinfmsg, 18, 1, {"index": INDEX})],
        "local": [message(rtmsg, 26, 1, route)],
    }


def end(mac: str, *more: object) -> list[object]:
    return [("IFLA_IFNAME", INTERFACE), ("IFLA_ADDRESS", mac), ("IFLA_MTU", MTU), *more]


def message(build: Any, kind: int, flags: int, fields: dict[str, Any]) -> str:
    built = build()
    for name, value in fields.items():
        built[name] = value
    built["header"]["type"], built["header"]["flags"] = kind, flags
    built.encode()
    return bytes(built.data).hex()


@pytest.mark.parametrize("slot", [0, 1, 7, 250])
def test_the_plan_is_what_pyroute2_builds(slot: int) -> None:
    ours, theirs = veth_plan.plan(slot), by_pyroute2(slot, veth_plan.PEER_FD)
    assert list(ours) == list(theirs)
    for who, messages in theirs.items():
        assert ours[who] == messages, who
