"""``tolerances:`` of a target file: quirks by their names, each with its reason, and one's own.

::

    tolerances:
      rst-carries-ack: it copies the flags of its answer from one template
      ack-of-close:
        segment: ACK seq=SND.NXT ack=RCV.NXT
        after:   close
        because: close() flushes an ACK, before its FIN
"""

from __future__ import annotations

from typing import Final

from conformance.case.context import scalar
from conformance.case.nodes import Mapping, Node, Scalar
from conformance.case.segments import read_segment
from conformance.notation.scanner import suggest
from conformance.play.profile import Tolerance
from conformance.play.tolerances import QUIRKS, SITUATIONS
from conformance.targets.files.values import Values

_KEYS: Final = ("segment", "after", "because")
_EXAMPLE: Final = "as in {rst-carries-ack: why it is so, in one sentence}"


def read_tolerances(values: Values, node: Node) -> tuple[Tolerance, ...]:
    """All of them, in their order."""
    found = []
    for key, value in values.entries(node, "tolerances", _EXAMPLE):
        own = isinstance(value, Mapping)
        if not own and key.text not in QUIRKS:
            hint = suggest(key.text, QUIRKS) or "one of your own has segment: and after:"
            values.faults.add(key.span, f"unknown tolerance {key.text}", hint)
        elif own and key.text in QUIRKS:
            message = f"{key.text} has a meaning of its own and takes no segment:"
            values.faults.add(value.span, message, "a reason alone, or another name")
        else:
            one = _own(values, key.text, value) if own else _named(values, key.text, value)
            found += [one] if one else []
    return tuple(found)


def _named(values: Values, name: str, node: Node) -> Tolerance | None:
    because = _reason(values, node)
    return Tolerance(name, because) if because else None


def _own(values: Values, name: str, node: Node) -> Tolerance | None:
    assert isinstance(node, Mapping)
    for key, _ in node.entries:
        if key.text not in _KEYS:
            values.faults.add(key.span, f"unknown key {key.text}", suggest(key.text, _KEYS))
    parts = {name: node.get(name) for name in _KEYS}
    for missing in (name for name, part in parts.items() if part is None):
        values.faults.add(node.span, f"{name} has no {missing}:", f"it needs {', '.join(_KEYS)}")
    segment, after, because = parts.values()
    if segment is None or after is None or because is None:
        return None
    situation, reason = _after(values, after), _reason(values, because)
    if not isinstance(segment, Scalar):
        values.faults.add(segment.span, "a segment in one line expected", "as in ACK seq=SND.NXT")
        return None
    if read_segment(segment, values) is None or not situation or not reason:
        return None
    return Tolerance(name, reason, " ".join(segment.text.split()), situation)


def _after(values: Values, node: Node) -> str:
    found = scalar(node, values, " or ".join(SITUATIONS))
    if found is None or found.text in SITUATIONS:
        return found.text if found else ""
    hint = suggest(found.text, SITUATIONS) or ", ".join(SITUATIONS)
    values.faults.add(node.span, f"unknown situation {found.text}", hint)
    return ""


def _reason(values: Values, node: Node) -> str:
    found = scalar(node, values, "a reason")
    text = " ".join(found.text.split()) if found else ""
    if found and not text:
        values.faults.add(node.span, "a reason expected", "why it is so, in one sentence")
    return text
