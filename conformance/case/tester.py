"""What a case says of the tester: ``tester: {isn: 0xFFFFFFF0, md5: secret}`` and more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from conformance.case import ports
from conformance.case.arguments import bounded
from conformance.case.context import Context, plain_text
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Scalar
from conformance.case.plain import is_integer
from conformance.notation.scanner import suggest
from conformance.tcp.seq import MODULUS

KEYS: Final = {
    "isn": "the ISN of each of its connections",
    "md5": "its key for the TCP MD5 option, of 1 to 80 characters",
    "ao": "its master keys for TCP-AO, by the KeyID on the wire",
    "ports": "which ports a connection is between, by its name",
}
# How each is told where a fragment and its case differ.
SHOWN: Final[Mapping[str, Callable[[Any], str]]] = {
    "isn": hex,
    "md5": str,
    "ao": str,
    "ports": ports.show,
}
LONGEST_KEY: Final = 80  # octets, which RFC 2385 section 4.5 asks for; Linux has no more for either
_LARGEST_ID: Final = 255


def read_tester(node: Node | None, context: Context) -> dict[str, Any]:
    """The fields of a case that it says; none after a fault."""
    if node is None:
        return {}
    found: dict[str, Any] = {}
    for key, value in _entries(node, context, "as in tester: {isn: 0xFFFFFFF0}"):
        match key.text:
            case "isn":
                found["isn"] = bounded(value, context, "isn", 0, MODULUS - 1)
            case "md5":
                found["md5"] = _key(value, context)
            case "ao":
                found["ao"] = _keys(value, context)
            case "ports":
                entries = _entries(value, context, ports.EXAMPLE)
                found["ports"] = {name.text: ports.read(one, context) for name, one in entries}
            case other:
                context.faults.add(key.span, f"unknown key {other} of tester", suggest(other, KEYS))
    return found


def _entries(node: Node, context: Context, example: str) -> Iterator[tuple[Scalar, Node]]:
    """What a mapping holds; it has to be one, and to hold something."""
    if not isinstance(node, MappingNode) or not node.entries:
        context.faults.add(node.span, "a mapping expected", example)
        return
    for entry in node.entries:
        if context.faults.full:
            return
        yield entry


def _key(node: Node, context: Context) -> str:
    text = plain_text(node, context, "a key") or ""
    if len(text.encode()) > LONGEST_KEY:
        context.faults.add(node.span, "this key is too long", f"at most {LONGEST_KEY} octets")
    return text


def _keys(node: Node, context: Context) -> dict[int, str]:
    found: dict[int, str] = {}
    for key, value in _entries(node, context, "as in ao: {1: secret}"):
        if not is_integer(key.text) or int(key.text, 0) > _LARGEST_ID:
            context.faults.add(key.span, f"{key.text} is no KeyID", f"0 to {_LARGEST_ID}")
        else:
            found[int(key.text, 0)] = _key(value, context)
    return found
