"""What a case says of the tester: ``tester: {isn: 0xFFFFFFF0}``."""

from __future__ import annotations

from typing import Final

from conformance.case.arguments import bounded
from conformance.case.context import Context
from conformance.case.nodes import Mapping, Node
from conformance.notation.scanner import suggest
from conformance.tcp.seq import MODULUS

KEYS: Final = {"isn": "the ISN of each of its connections"}


def read_isn(node: Node, context: Context) -> int | None:
    """The tester's ISN, 0 to 2**32 - 1; None after a fault."""
    if not isinstance(node, Mapping) or not node.entries:
        context.faults.add(node.span, "a mapping expected", "as in tester: {isn: 0xFFFFFFF0}")
        return None
    found = None
    for key, value in node.entries:
        if context.faults.full:
            break
        if key.text == "isn":
            found = bounded(value, context, "isn", 0, MODULUS - 1)
        else:
            hint = suggest(key.text, KEYS)
            context.faults.add(key.span, f"unknown key {key.text} of tester", hint)
    return found
