"""``ip:`` of the mapping form: what the IP layer under a segment is, or has to be.

The table says what each key takes, in which IP version it is, and whether a received packet can be
held to it; the decoder, the schema and ``lint`` read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.case.context import Context, note_flaws, scalar
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node
from conformance.case.plain import flow_text, is_integer, literals, parse_hex, resolved
from conformance.notation.expr import ANY, Range, Value, members, parse_value
from conformance.notation.ip import ECT, MARKS, UNWRITTEN, IpText
from conformance.notation.printer import print_value
from conformance.notation.scanner import NotationError, suggest
from conformance.tcp.addresses import FROM, OTHER, OWN, SECOND, STRANGERS, TO
from conformance.tcp.ip import Fragments

_SWITCH: Final = {"true": True, "false": False}
_ORDERS: Final = {"in-order": False, "reversed": True}


@dataclass(frozen=True, slots=True)
class IpKey:
    """One key: the greatest number that it takes, 0 for what is none; a line on it.

    ``version``: the only one that has it, 0 for both. ``seen``: a received packet shows it.
    """

    doc: str
    most: int = 0
    version: int = 0
    seen: bool = False


KEYS: Final[Mapping[str, IpKey]] = {
    "ttl": IpKey("TTL, or hop limit", 255, seen=True),
    "tos": IpKey("TOS, or traffic class: the whole octet", 255, seen=True),
    "dscp": IpKey("its upper six bits", 63, seen=True),
    "ecn": IpKey("its lower two: not-ECT, ECT0, ECT1, CE; ECT is either", seen=True),
    "df": IpKey("do not fragment; IPv6 has no other packets", seen=True),
    "flow": IpKey("the flow label", (1 << 20) - 1, 6, seen=True),
    "options": IpKey("octets of options, zeros to the end of the word", version=4),
    "hop-by-hop": IpKey("octets of options of this header, padded", version=6),
    "destination": IpKey("octets of options of this header, padded", version=6),
    "fragments": IpKey("in so many fragments", 255),
    "order": IpKey("of the fragments: in-order, reversed"),
    "overlap": IpKey("octets that each fragment repeats of the one before", 1 << 16),
    "length": IpKey("what the packet's length says too much, as in -4", 1 << 16),
    "behind": IpKey("octets behind the packet, in its frame"),
    "from": IpKey(f"its source address: {', '.join(FROM)}; to expect: {', '.join(OWN)}", seen=True),
    "to": IpKey(f"its destination address: {', '.join(TO)}; to expect: {OTHER}", seen=True),
}
_FIELDS: Final = {"from": "sender", "to": "receiver"}  # where it is not the key itself
_ADDRESSES: Final = {"from": FROM, "to": TO}
# Whom a packet names that is sent, and one that is seen: the tester plays the third host itself.
_SENT: Final = {"from": FROM, "to": tuple(host for host in TO if host != OTHER)}
_SEEN: Final = {"from": OWN, "to": (OTHER,)}
_MOST_OCTETS: Final = {"options": 40, "hop-by-hop": 246, "destination": 246, "behind": 1024}


def named(text: IpText) -> list[str]:
    """The keys with which it is written."""
    return list(_parts(text))


def show(text: IpText) -> str:
    """The committed spelling, ``{ttl: 1}``; empty where nothing is written."""
    parts = _parts(text)
    return f"{{{', '.join(f'{name}: {said}' for name, said in parts.items())}}}" if parts else ""


def _parts(text: IpText) -> dict[str, str]:
    parts: dict[str, str] = {}
    if text == UNWRITTEN:
        return parts
    for name in ("ttl", "tos", "dscp"):
        if (value := getattr(text, name)) is not None:
            parts[name] = flow_text(print_value(value))
    if text.ecn is not None:
        parts["ecn"] = text.ecn
    if text.df is not None:
        parts["df"] = str(text.df).lower()
    if text.flow is not None:
        parts["flow"] = flow_text(print_value(text.flow))
    for name in ("options", "hop-by-hop", "destination"):
        if octets := getattr(text, name.replace("-", "_")):
            parts[name] = "0x" + octets.hex()
    if text.fragments is not None:
        parts["fragments"] = str(text.fragments.count)
        if text.fragments.reversed:
            parts["order"] = "reversed"
        if text.fragments.overlap:
            parts["overlap"] = str(text.fragments.overlap)
    if text.length:
        parts["length"] = f"{text.length:+d}"
    if text.behind:
        parts["behind"] = "0x" + text.behind.hex()
    for name, field in _FIELDS.items():
        if whom := getattr(text, field):
            parts[name] = whom
    return parts


def unseen(text: IpText) -> list[str]:
    """The keys that no packet of the target shows, or may have."""
    foreign = ["from"] if text.sender and text.sender not in OWN else []
    foreign += ["to"] if text.receiver not in ("", OTHER) else []
    return foreign + [name for name in named(text) if not KEYS[name].seen]


def needs(text: IpText, *, sent: bool) -> frozenset[str]:
    """The abilities without which it cannot be sent, or expected."""
    whom = {text.sender, text.receiver} - {""}
    hosts = {"ADDRESSES"} if SECOND in whom else set()
    hosts |= {"THIRD-HOST"} if OTHER in whom else set()
    return frozenset(hosts | ({"OWN-LINK"} if whom and sent else set()))


def inexact(text: IpText) -> list[str]:
    """The keys of which a sender cannot make one packet."""
    found = ["ecn"] if text.ecn == ECT else []
    for name in ("ttl", "tos", "dscp", "flow"):
        value = getattr(text, name)
        if value is not None and not (isinstance(value, Range) and value.high is None):
            found.append(name)
    return found


class IpReader:
    """Reads the mapping, key by key; faults are noted."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._faults = context.faults

    def read(self, node: Node) -> IpText | None:
        """What is written; None after a fault that left nothing to read."""
        if not isinstance(node, MappingNode):
            self._faults.add(node.span, "ip is a mapping", "as in ip: {ttl: 1}")
            return None
        found: dict[str, Any] = {}
        for key, value in node.entries:
            if self._faults.full:
                break
            if key.text in KEYS:
                found[key.text] = self._value(key.text, value)
            else:
                hint = suggest(key.text, KEYS)
                self._faults.add(key.span, f"unknown key {key.text} of the IP layer", hint)
        places = {key.text: value for key, value in node.entries}
        if "tos" in found and (twice := [name for name in ("dscp", "ecn") if name in found]):
            message = f"tos: is the whole octet, and {twice[0]}: a part of it"
            self._faults.add(places["tos"].span, message)
        plan = self._plan(found, places)
        return replace(IpText(**_named(found)), fragments=plan)

    def _plan(self, found: dict[str, Any], places: Mapping[str, Node]) -> Fragments | None:
        count = found.pop("fragments", None)
        order, overlap = found.pop("order", None), found.pop("overlap", None)
        if "fragments" not in places:
            for name in ("order", "overlap"):
                if name in places:
                    hint = "as in ip: {fragments: 2}"
                    self._faults.add(places[name].span, f"{name}: is of fragments", hint)
            return None
        if count is not None and count < 2:
            self._faults.add(places["fragments"].span, "a packet is in 2 fragments or more")
        if overlap is not None and overlap % 8:
            message = "fragments begin at multiples of 8 octets"
            self._faults.add(places["overlap"].span, message)
        return Fragments(count or 2, bool(order), overlap or 0)

    def _value(self, name: str, node: Node) -> Any:
        if name in _MOST_OCTETS:
            return self._octets(name, node)
        if name in ("ttl", "tos", "dscp", "flow"):
            return self._number(name, node)
        if name == "length":
            return self._length(node)
        if name in ("fragments", "overlap"):
            text = self._text(node, name)
            if text is None or (is_integer(text) and int(text, 0) <= KEYS[name].most):
                return None if text is None else int(text, 0)
            self._faults.add(node.span, f"{name} {text} is out of range", f"0 to {KEYS[name].most}")
            return None
        words: Mapping[str, Any] = {mark: mark for mark in MARKS}
        whom = {key: {one: one for one in among} for key, among in _ADDRESSES.items()}
        words = {"ecn": words, "df": _SWITCH, "order": _ORDERS, **whom}[name]
        text = self._text(node, name)
        if text is not None and text not in words:
            self._faults.add(node.span, f"{name} is not {text}", suggest(text, words))
        return None if text is None else words.get(text)

    def _text(self, node: Node, name: str) -> str | None:
        text: str | None = self._parsed(node, f"a value of {name}", resolved)
        return text

    def _parsed(self, node: Node, what: str, parse: Callable[..., Any]) -> Any:
        found = scalar(node, self._context, what)
        if found is None:
            return None
        try:
            return parse(found.text, self._context.params)
        except NotationError as error:
            note_flaws(found, error, self._context)
            return None

    def _number(self, name: str, node: Node) -> Value | None:
        most = KEYS[name].most
        value: Value | None = self._parsed(node, f"a number for {name}", parse_value)
        if value is not None and value != ANY:
            ends = sum(1 + (one.high is not None) for one in members(value))
            numbers = literals(value)
            if len(numbers) < ends or not all(0 <= number <= most for number in numbers):
                shown = print_value(value)
                self._faults.add(node.span, f"{name} {shown} is out of range", f"0 to {most}")
        return value

    def _length(self, node: Node) -> int:
        text = self._text(node, "length") or "0"
        number = text[1:] if text[:1] in ("-", "+") else text
        most = KEYS["length"].most
        if not is_integer(number) or int(number, 0) > most or text == number:
            hint = "-4 is four octets less than there are, +4 four more"
            self._faults.add(node.span, f"length {text} is no difference", hint)
            return 0
        return int(number, 0) * (-1 if text[0] == "-" else 1)

    def _octets(self, name: str, node: Node) -> bytes:
        octets: bytes = self._parsed(node, "octets as 0x and pairs of digits", parse_hex) or b""
        most = _MOST_OCTETS[name]
        if len(octets) > most:
            self._faults.add(node.span, f"{len(octets)} octets are too many", f"at most {most}")
        return octets


def _named(found: Mapping[str, Any]) -> dict[str, Any]:
    """As the fields of ``IpText`` are called."""
    return {_FIELDS.get(name, name.replace("-", "_")): value for name, value in found.items()}


def versions(texts: list[IpText]) -> frozenset[int]:
    """The IP versions in which all that is written exists."""
    only = {KEYS[name].version for text in texts for name in named(text)} - {0}
    whom = [STRANGERS.get(one, {}) for text in texts for one in (text.sender, text.receiver)]
    return frozenset(
        version
        for version in (4, 6)
        if only <= {version} and all(version in one for one in whom if one)
    )


def schema(*, sent: bool, seen: bool) -> dict[str, Any]:
    """For editors: of a packet that is sent, or seen, or may be either."""
    properties: dict[str, Any] = {}
    named = [table for table, wanted in ((_SENT, sent), (_SEEN, seen)) if wanted]
    hosts = {name: [*dict.fromkeys(sum((one[name] for one in named), ()))] for name in _ADDRESSES}
    for name, key in KEYS.items():
        if not sent and not key.seen:
            continue
        kind: dict[str, Any] = {"type": ["integer", "string"]}
        if name == "df":
            kind = {"type": ["boolean", "string"]}
        elif key.most and name != "length":
            kind |= {"minimum": 0, "maximum": key.most}
        elif name in hosts:
            kind = {"type": "string", "anyOf": [{"enum": hosts[name]}, {"pattern": "[$]"}]}
        version = f" (IPv{key.version})" if key.version else ""
        properties[name] = {**kind, "description": key.doc + version}
    return {"type": "object", "properties": properties, "additionalProperties": False}
