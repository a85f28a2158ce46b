"""The names of settings that a case may use, and what each is on Linux.

A light module: to check a case, nobody should have to open a target.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from conformance.case.settings import Settings, is_declared
from conformance.reference.config import OPTIONS as REFERENCE
from conformance.targets.settings.sysctls import near

# An abstract option to the sysctl that makes it so.
LINUX: Final[Mapping[str, str]] = {
    "timestamps": "net.ipv4.tcp_timestamps",
    "window-scaling": "net.ipv4.tcp_window_scaling",
    "sack": "net.ipv4.tcp_sack",
    "ecn": "net.ipv4.tcp_ecn",
    "accecn": "net.ipv4.tcp_ecn",
    "fastopen": "net.ipv4.tcp_fastopen",
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
_ON: Final = {"fastopen": "3", "accecn": "3"}  # where it is not 1: both ends do so
_NEWER: Final = {LINUX["accecn"]: ("3", "4", "5")}  # values that only some kernels take
_WORDS: Final = {"net.ipv4.tcp_congestion_control": re.compile(r"[a-z0-9_-]+")}
KNOWN: Final = frozenset(LINUX) | frozenset(REFERENCE)
# Those that Linux has had: one may not be loaded, or not be allowed in a namespace.
_ALGORITHMS: Final = frozenset({
    "bbr", "bic", "cdg", "cubic", "dctcp", "dctcp-reno", "highspeed", "htcp", "hybla", "illinois",
    "lp", "nv", "reno", "scalable", "vegas", "veno", "westwood", "yeah",
})  # fmt: skip
_NUMBER: Final = re.compile(r"-?[0-9]{1,10}")


def sysctls(name: str, value: str) -> dict[str, str]:
    """The sysctls that an abstract option stands for on Linux; a raw one stands for itself."""
    raw = LINUX.get(name, name)
    if name in LINUX:
        value = _ON.get(name, "1") if value == "on" else _SWITCH.get(value, value)
    return {raw: value}


def value_problem(name: str, value: str) -> str:
    """Why no target takes the value for the option; empty if one may."""
    if name in LINUX:
        fits = _WORDS.get(LINUX[name], _NUMBER)
        if fits.fullmatch(_SWITCH.get(value, value)):
            return ""
    if name in REFERENCE:
        try:
            REFERENCE[name][1](value)
        except ValueError as error:
            return f"{name} does not take {value}: {error}"
        return ""
    return f"{name} does not take {value}: a number expected, on or off"


def is_known(name: str, value: str, *, lacks: bool, needs: Collection[str]) -> bool:
    """Whether some kernels have the sysctl, and take the value, though this one refuses it.

    ``lacks``: it says that it has not got it, not that it does not take it.
    """
    if name == LINUX["congestion-control"] and value not in _ALGORITHMS:
        return is_declared(name, value, needs)
    return lacks or value in _NEWER.get(name, ()) or is_declared(name, value, needs)


SETTINGS: Final = Settings(KNOWN, value_problem, near)
