"""What a target may tell of itself by name: tcp_info's fields, and the kernel's counters.

A field is named as in ``struct tcp_info`` (include/uapi/linux/tcp.h) without ``tcpi_`` and with
hyphens; ``snd_cwnd`` and ``snd_ssthresh`` are ``cwnd`` and ``ssthresh``, as everybody says. Which
octets they are in the kernel's answer only its agent knows. A counter is named as in
/proc/net/netstat and /proc/net/snmp: those of TCP bare, all others with their group, as in
``IpExtInCEPkts``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from conformance.case.context import Context, parsed, plain_text
from conformance.case.faults import Faults
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node
from conformance.notation.amount import (
    Amount,
    parse_count,
    parse_difference,
    parse_time,
    print_amount,
)
from conformance.notation.scanner import suggest

CA_STATE: Final = "ca-state"
CA_STATES: Final = ("open", "disorder", "cwr", "recovery", "loss")  # enum tcp_ca_state, by number
TIMES: Final = frozenset((
    "rto", "ato", "last-data-sent", "last-data-recv", "last-ack-recv", "rtt", "rttvar", "rcv-rtt",
    "min-rtt", "busy-time", "rwnd-limited", "sndbuf-limited", "total-rto-time",
))  # fmt: skip
COUNTS: Final = frozenset((
    "retransmits", "probes", "backoff", "options", "snd-wscale", "rcv-wscale", "snd-mss", "rcv-mss",
    "unacked", "sacked", "lost", "retrans", "fackets", "pmtu", "rcv-ssthresh", "ssthresh", "cwnd",
    "advmss", "reordering", "rcv-space", "total-retrans", "pacing-rate", "max-pacing-rate",
    "bytes-acked", "bytes-received", "segs-out", "segs-in", "notsent-bytes", "data-segs-in",
    "data-segs-out", "delivery-rate", "delivered", "delivered-ce", "bytes-sent", "bytes-retrans",
    "dsack-dups", "reord-seen", "rcv-ooopack", "snd-wnd", "rcv-wnd", "rehash", "total-rto",
    "total-rto-recoveries",
))  # fmt: skip
FIELDS: Final = tuple(sorted({CA_STATE, *TIMES, *COUNTS}))
COUNTER: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_LONG: Final = {"snd-cwnd": "cwnd", "snd-ssthresh": "ssthresh"}

Info = dict[str, Amount | str]
Counters = dict[str, Amount]
# What is near a name that no kernel ever had; None for one that some had.
Near = Callable[[str], Collection[str] | None]


def read_info(node: Node, context: Context) -> Info | None:
    """A mapping of fields to what they are to be."""
    if not isinstance(node, MappingNode) or not node.entries:
        context.faults.add(node.span, "a mapping of tcp_info's fields expected", "as in {cwnd: 10}")
        return None
    before = len(context.faults)
    found: Info = {}
    for key, value in node.entries:
        if context.faults.full:
            break
        name = key.text
        if name == CA_STATE:
            state = plain_text(value, context, "a state of congestion avoidance")
            if state is not None and state not in CA_STATES:
                hint = suggest(state, CA_STATES)
                context.faults.add(value.span, f"unknown {CA_STATE} {state}", hint)
            found[name] = state or ""
        elif name in TIMES or name in COUNTS:
            parse, what = (parse_time, "a time") if name in TIMES else (parse_count, "a number")
            amount = parsed(value, context, f"{what} for {name}", parse)
            if amount is not None:
                found[name] = amount
        else:
            plain = name.removeprefix("tcpi_").replace("_", "-")
            hint = suggest(_LONG.get(plain, plain), FIELDS)
            context.faults.add(key.span, f"tcp_info has no field {name}", hint)
    return found if len(context.faults) == before else None


def read_counters(node: Node, context: Context) -> Counters | None:
    """A mapping of counters to how far they have moved."""
    if not isinstance(node, MappingNode) or not node.entries:
        hint = "as in {TCPChallengeACK: +1}"
        context.faults.add(node.span, "a mapping of the kernel's counters expected", hint)
        return None
    before = len(context.faults)
    found: Counters = {}
    for key, value in node.entries:
        if context.faults.full:
            break
        if not COUNTER.fullmatch(key.text):
            hint = "as in TCPChallengeACK"
            context.faults.add(key.span, f"{key.text} is no name of a counter", hint)
            continue
        amount = parsed(value, context, f"a difference for {key.text}", parse_difference)
        if amount is not None:
            found[key.text] = amount
    return found if len(context.faults) == before else None


def check_counters(node: Node, near: Near | None, faults: Faults) -> None:
    """A name that no kernel ever had would skip the case everywhere."""
    for key, _ in node.entries if near is not None and isinstance(node, MappingNode) else ():
        found = None if faults.full or near is None else near(key.text)
        if found is not None:
            faults.add(key.span, f"no kernel has a counter {key.text}", suggest(key.text, found))


def show_told(value: Mapping[str, Amount | str]) -> str:
    """``{cwnd: 10, ca-state: recovery}``."""
    return f"{{{', '.join(f'{name}: {show_one(one)}' for name, one in value.items())}}}"


def listed(value: Mapping[str, Amount | str]) -> str:
    """``cwnd 10, ca-state recovery``, for a ladder."""
    return ", ".join(f"{name} {show_one(one)}" for name, one in value.items())


def show_one(one: Amount | str) -> str:
    """What one name is to be."""
    return one if isinstance(one, str) else print_amount(one)


_PLAIN: Final = {"type": ["integer", "string"]}
INFO_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        name: {"anyOf": [{"enum": list(CA_STATES)}, {"type": "string", "pattern": "[$]"}]}
        if name == CA_STATE
        else {"type": "string"}
        if name in TIMES
        else _PLAIN
        for name in FIELDS
    },
    "additionalProperties": False,
    "minProperties": 1,
}
COUNTERS_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "propertyNames": {"pattern": f"^{COUNTER.pattern}$"},
    "additionalProperties": _PLAIN,
    "minProperties": 1,
}
