"""The names of settings that a case may use, and what each is on Linux.

A light module: to check a case, nobody should have to open a target.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.reference.config import OPTIONS as REFERENCE

# An abstract option to the sysctl that makes it so.
LINUX: Final[Mapping[str, str]] = {
    "timestamps": "net.ipv4.tcp_timestamps",
    "window-scaling": "net.ipv4.tcp_window_scaling",
    "sack": "net.ipv4.tcp_sack",
    "ecn": "net.ipv4.tcp_ecn",
    "syn-retries": "net.ipv4.tcp_syn_retries",
    "synack-retries": "net.ipv4.tcp_synack_retries",
    "orphan-retries": "net.ipv4.tcp_orphan_retries",
    "retries": "net.ipv4.tcp_retries2",
    "linear-syn-retries": "net.ipv4.tcp_syn_linear_timeouts",
    "rfc1337": "net.ipv4.tcp_rfc1337",
    "congestion-control": "net.ipv4.tcp_congestion_control",
    "keepalive-idle": "net.ipv4.tcp_keepalive_time",
    "keepalive-interval": "net.ipv4.tcp_keepalive_intvl",
    "keepalive-count": "net.ipv4.tcp_keepalive_probes",
}
# What a kernel does that has not the sysctl yet: so it is set already.
IMPLIED: Final = {"net.ipv4.tcp_syn_linear_timeouts": "0"}
_SWITCH: Final = {"off": "0", "on": "1"}
KNOWN: Final = frozenset(LINUX) | frozenset(REFERENCE)


def sysctls(name: str, value: str) -> dict[str, str]:
    """The sysctls that an abstract option stands for on Linux; a raw one stands for itself."""
    return {LINUX[name]: _SWITCH.get(value, value)} if name in LINUX else {name: value}
