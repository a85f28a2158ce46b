"""``addresses:`` of a target file: both ends of the wire, for each IP version.

What is not written is as between namespaces: documentation addresses that nobody owns (RFC 5737,
RFC 3849). Both ends are on one network, since nothing routes between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_interface
from typing import Final

from conformance.case.context import scalar
from conformance.case.nodes import Node, Scalar
from conformance.notation.scanner import suggest
from conformance.targets.files.model import ADDRESSES, FileAddresses
from conformance.targets.files.values import Values

_VERSIONS: Final = {"ipv4": 4, "ipv6": 6}
_FIELDS: Final = ("target", "tester", "prefix", "target-mac", "tester-mac")
_MAC: Final = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_LONGEST: Final = {4: 30, 6: 126}  # a network of two hosts


def read_addresses(values: Values, node: Node) -> Mapping[int, FileAddresses]:
    """The ends of the wire, by IP version."""
    found = dict(ADDRESSES)
    example = "as in {ipv4: {target: 192.0.2.2, tester: 192.0.2.1, prefix: 24}}"
    for key, value in values.entries(node, "IP versions", example):
        if key.text not in _VERSIONS:
            hint = suggest(key.text, _VERSIONS)
            values.faults.add(key.span, f"unknown key {key.text} of addresses", hint)
            continue
        ip = _VERSIONS[key.text]
        found[ip] = _ends(values, value, ip)
    return found


def _ends(values: Values, node: Node, ip: int) -> FileAddresses:
    read: dict[str, str] = {}
    prefix = ADDRESSES[ip].prefix
    for key, value in values.entries(node, "addresses", "as in {target: 192.0.2.2}"):
        one = scalar(value, values, f"the {key.text}")
        if key.text not in _FIELDS:
            hint = suggest(key.text, _FIELDS)
            values.faults.add(key.span, f"unknown key {key.text} of an IP version", hint)
        elif one is None:
            continue
        elif key.text == "prefix":
            prefix = _prefix(values, one, ip) or prefix
        elif key.text.endswith("-mac"):
            read[key.text.replace("-", "_")] = _mac(values, one)
        else:
            read[key.text] = _address(values, one, ip)
    ends = replace(ADDRESSES[ip], prefix=prefix, **read)
    if all(read.get(name, "?") for name in ("target", "tester")):
        _on_one_network(values, node, ends)
    return ends


def _on_one_network(values: Values, node: Node, ends: FileAddresses) -> None:
    target, tester = (ip_interface(f"{end}/{ends.prefix}") for end in (ends.target, ends.tester))
    if target.ip == tester.ip:
        values.faults.add(node.span, f"target and tester are both {target.ip}")
    elif target.network != tester.network:
        message = f"{target} and {tester} are not on one network"
        values.faults.add(node.span, message, "nothing routes between the ends of the wire")


def _address(values: Values, node: Scalar, ip: int) -> str:
    """The address as it is usually written; empty after a fault."""
    try:
        address = IPv4Address(node.text) if ip == 4 else IPv6Address(node.text)
    except ValueError:
        values.faults.add(node.span, f"{node.text} is no IPv{ip} address")
        return ""
    if address.is_multicast or address.is_unspecified or address.is_loopback:
        values.faults.add(node.span, f"{node.text} is no address of one host")
        return ""
    return str(address)


def _mac(values: Values, node: Scalar) -> str:
    if not _MAC.fullmatch(node.text):
        hint = "as in 02:00:00:00:00:02"
        values.faults.add(node.span, f"{node.text} is no Ethernet address", hint)
    elif int(node.text[:2], 16) & 1 or not int(node.text.replace(":", ""), 16):
        values.faults.add(node.span, f"{node.text} is no address of one interface")
    return node.text.lower()


def _prefix(values: Values, node: Scalar, ip: int) -> int | None:
    text = node.text
    if text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= _LONGEST[ip]:
        return int(text)
    values.faults.add(node.span, f"{text} is no length of a prefix: 1 to {_LONGEST[ip]}")
    return None
