"""``tester: {ports: {b: {of: a, to: 4711}}}``: which ports a connection is between.

One that is not named has a port of the tester to itself and goes to the target's one port. A pair
of sockets, address and port at both ends, is one connection (RFC 9293 section 3.4.1): so another
may have the same port of the tester, where the target's is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from conformance.case.arguments import bounded
from conformance.case.context import Context, plain_text
from conformance.case.model import Between
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node
from conformance.case.spans import Span
from conformance.case.step import FIRST_CONNECTION, Step
from conformance.case.texts import WHOLE_NUMBER
from conformance.notation.scanner import suggest

KEYS: Final = {
    "of": "the connection whose port of the tester it has; left out, one of its own",
    "to": "the target's port; left out, the one that the target connects from",
}
EXAMPLE: Final = "as in ports: {b: {of: a, to: 4711}}"
_MOST: Final = 65535


def read(node: Node, context: Context) -> Between:
    """What is said of one connection; faults are noted."""
    of, to = "", 0
    if not isinstance(node, MappingNode) or not node.entries:
        context.faults.add(node.span, "of: or to: expected", EXAMPLE)
        return Between(span=node.span)
    for key, value in node.entries:
        match key.text:
            case "of":
                of = plain_text(value, context, "a connection") or ""
            case "to":
                to = bounded(value, context, "to", 1, _MOST) or 0
            case other:
                message = f"unknown key {other} of a connection's ports"
                context.faults.add(key.span, message, suggest(other, KEYS))
    return Between(of, to, node.span)


def show(ports: Mapping[str, Between]) -> str:
    """As a case writes it: ``{b: {of: a, to: 4711}}``."""
    told = []
    for name, one in ports.items():
        words = [f"{key}: {value}" for key, value in (("of", one.of), ("to", one.to)) if value]
        told.append(f"{name}: {{{', '.join(words)}}}")
    return f"{{{', '.join(told)}}}"


def flaws(ports: Mapping[str, Between], steps: Sequence[Step]) -> Iterator[tuple[Span, str, str]]:
    """What is wrong with them: the place, the message and a hint."""
    if not ports:
        return
    known = dict.fromkeys([FIRST_CONNECTION, *(step.conn for step in steps)])
    pairs: dict[tuple[str, int], str] = {}
    for name, said in ports.items():
        if said.of and said.to and (other := pairs.setdefault((said.of, said.to), name)) != name:
            yield said.span, f"{other} and {name} are between the same ports", ""
        for one in filter(None, (name, said.of)):
            if one not in known:
                yield said.span, f"no step is of connection {one}", suggest(one, known)
        if said.of and (said.of == name or ports.get(said.of, Between()).of):
            message = f"{said.of} has no port of its own to share"
            yield said.span, message, "name the connection that was there first"
        if not said.to and any(step.by_tester for step in _first(name, steps)):
            message = f"the tester opens {name}: to which port of the target is not said"
            yield said.span, message, EXAMPLE


def _first(name: str, steps: Sequence[Step]) -> Sequence[Step]:
    return [step for step in steps if step.conn == name and step.patterns][:1]


def schema() -> dict[str, Any]:
    """For editors."""
    port = {"type": ["integer", "string"], "pattern": WHOLE_NUMBER, "minimum": 1, "maximum": _MOST}
    text = {"type": "string"}
    said = {"of": {**text, "description": KEYS["of"]}, "to": {**port, "description": KEYS["to"]}}
    return {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": said,
            "minProperties": 1,
            "additionalProperties": False,
        },
        "minProperties": 1,
    }
