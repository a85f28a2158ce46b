"""A JSON Schema (draft 2020-12) of the language, for editors.

It is made from the same tables that the decoder reads, so it cannot know a verb that the decoder
does not. It is wider than the decoder where a schema cannot say it: the notation inside a text,
names, ranges.
"""

from __future__ import annotations

import re
from typing import Any, Final

from conformance.case import icmp, ip, ports
from conformance.case.arguments import OPTION, READERS
from conformance.case.assumes import ASSUMPTIONS
from conformance.case.decode import CASE_KEYS, VERSIONS
from conformance.case.segments import FIELD_RANGES
from conformance.case.step import COMMON, Arg, Step
from conformance.case.tester import KEYS
from conformance.case.texts import (
    FLAGS,
    KEY_ID,
    LINE,
    LONG,
    SEGMENT,
    SENT,
    SPAWNED,
    SYN,
    TEXTS,
    WHOLE_NUMBER,
    text,
)
from conformance.case.verbs import VERBS
from conformance.case.verbs.call import OfCall
from conformance.case.verbs.send import Send
from conformance.tcp.options import FAMILIES, Text
from conformance.tcp.segment import ROOM
from conformance.tcp.seq import MODULUS

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final = {"type": "string", "minLength": 1}
_PLAIN: Final = {"type": ["string", "number", "boolean"]}
_NUMBER: Final = {"type": ["integer", "string"]}
_HOSTILE: Final = ("checksum", "offset", "reserved", "raw")  # to send alone
_SHARED: Final = (Arg.SEGMENT, Arg.CALL)
_STEPS: Final = {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 1}


def schema() -> dict[str, Any]:
    """The schema of a case file."""
    return {
        "$schema": DRAFT,
        "title": "A TCP conformance case",
        "type": "object",
        "properties": {name: {**_key(name), "description": doc} for name, doc in CASE_KEYS.items()},
        "required": ["title", "steps"],
        "additionalProperties": False,
        "$defs": {
            "step": {"anyOf": [_step(verb) for verb in VERBS]},
            "branch": _branch(),
            "segment": _segment(SEGMENT),
            "sent": _segment(SENT, seen=False),
            "seen": _segment(SEGMENT, sent=False),
            "call": dict(TEXTS[Arg.CALL]),
            "spawned": SPAWNED,
            "icmp": _icmp(),
            "deviation": _deviation(),
        },
    }


def _key(name: str) -> dict[str, Any]:
    settings = {"type": "object", "additionalProperties": _PLAIN}
    texts = {"type": "array", "items": _TEXT, "uniqueItems": True}
    values = {
        "anyOf": [
            {"type": "array", "items": _PLAIN, "minItems": 1},
            {"type": "object", "additionalProperties": _PLAIN, "minProperties": 1},
        ]
    }
    return {
        "title": LINE,
        "about": _TEXT,
        "verifies": texts,
        "target": {
            "type": "object",
            "properties": {"needs": texts, "options": settings, "sysctl": settings},
            "additionalProperties": False,
        },
        "tester": {
            "type": "object",
            "properties": {
                "isn": {
                    **_NUMBER,
                    "pattern": WHOLE_NUMBER,
                    "minimum": 0,
                    "maximum": MODULUS - 1,
                    "description": KEYS["isn"],
                },
                "md5": {**_PLAIN, "description": KEYS["md5"]},
                "ao": {
                    **settings,
                    "propertyNames": {"pattern": KEY_ID},
                    "minProperties": 1,
                    "description": KEYS["ao"],
                },
                "ports": {**ports.schema(), "description": KEYS["ports"]},
            },
            "minProperties": 1,
            "additionalProperties": False,
        },
        "parameters": {"type": "object", "additionalProperties": values, "minProperties": 1},
        "given": dict(READERS[Arg.FRAGMENT].schema),
        "steps": _STEPS,
        "deviations": {
            "type": "object",
            "propertyNames": {"pattern": f"^{OPTION.pattern}$"},
            "additionalProperties": {
                "type": "array",
                "items": {"$ref": "#/$defs/deviation"},
                "minItems": 1,
            },
        },
        "unwatched": texts,
        "assumes": {**texts, "items": {"enum": list(ASSUMPTIONS)}},
    }[name]


def _step(verb: type[Step]) -> dict[str, Any]:
    properties = {verb.verb: {**_value(verb.argument), "description": verb.doc}}
    if verb.argument in _SHARED:
        properties[verb.verb] = {"$ref": f"#/$defs/{_shared(verb)}", "description": verb.doc}
    for name, sibling in {**verb.siblings, **COMMON}.items():
        properties[name] = {**_value(sibling.arg), "description": sibling.doc}
    return {
        "type": "object",
        "title": verb.verb,
        "properties": properties,
        "required": [verb.verb],
        "additionalProperties": False,
        **_together(verb),
    }


def _shared(verb: type[Step]) -> str:
    """The definition of its value, where others have the same."""
    if issubclass(verb, OfCall):
        return "call" if verb.returns else "spawned"
    return {"send": "sent", "expect": "seen", "allow": "seen"}.get(verb.verb, "segment")


def _together(verb: type[Step]) -> dict[str, Any]:
    """What may not stand together in a step of it."""
    if verb is Send:
        return {
            "dependentSchemas": {"cut": {"properties": {verb.verb: _not(SYN, SYN)}}},
            "if": {"not": {"required": ["cut"]}},
            "then": {"properties": {verb.verb: _not(LONG, None)}},
        }
    beside = {
        sibling: {"properties": dict.fromkeys(others, False)}
        for sibling, others in verb.excludes.items()
    }
    return {"dependentSchemas": beside} if beside else {}


def _not(line: dict[str, Any], flags: dict[str, Any] | None) -> dict[str, Any]:
    """A segment that is none of these, in a line; with these flags, or longer than the link."""
    field = {"flags": {"not": flags}} if flags else {"len": {"maximum": ROOM}}
    text = {"type": "string", "not": line}
    return {"anyOf": [text, {"type": "object", "properties": field}]}


def _value(arg: Arg) -> dict[str, Any]:
    if arg is Arg.SEGMENT:  # beside a verb it is one of the target
        return {"$ref": "#/$defs/seen"}
    return TEXTS.get(arg) or dict(READERS[arg].schema)


def _branch() -> dict[str, Any]:
    may = {"include", "either", "info"} | {v.verb for v in VERBS if v.begins_branch}
    cannot = [v.verb for v in VERBS if v.verb not in may]
    first = {"$ref": "#/$defs/step", "properties": dict.fromkeys(cannot, False)}
    steps = {**_STEPS, "prefixItems": [first]}  # the first step tells one branch from another
    whole = {
        "type": "object",
        "properties": {"permits": _TEXT, "without": _TEXT, "steps": steps},
        "required": ["steps"],
        "additionalProperties": False,
    }
    return {"anyOf": [steps, whole]}


def _segment(line: dict[str, Any], *, sent: bool = True, seen: bool = True) -> dict[str, Any]:
    def number(most: int) -> dict[str, Any]:
        return {"type": ["integer", "string"], "minimum": 0, "maximum": most}

    properties: dict[str, Any] = {
        "flags": {**text(FLAGS), "description": "as in FIN,ACK; none for no bit"},
        **{
            name: {**_NUMBER, "minimum": low, "maximum": high}
            for name, (low, high) in FIELD_RANGES.items()
        },
        "data": {"type": ["string", "integer"], "description": "a text, or 0x and digits"},
        "options": _options(),
        "checksum": {**number(65535), "description": "bad, or the field itself"},
        "offset": {**number(15), "description": "the header length field, in 32-bit words"},
        "reserved": {**number(7), "description": "the reserved bits"},
        "raw": {"type": ["string", "integer"], "description": "the octets of the options"},
        "ip": {**ip.schema(sent=sent, seen=seen), "description": "the IP layer under it"},
    }
    if not sent:
        properties = {name: one for name, one in properties.items() if name not in _HOSTILE}
    whole = {
        "type": "object",
        "properties": properties,
        "required": ["flags"],
        "additionalProperties": False,
    }
    return {"anyOf": [{**line, "description": "as in FIN,ACK seq=1 ack=1"}, whole]}


def _options() -> dict[str, Any]:
    """A text that is ``<...>`` of what the families are written as; a parameter may be any of it.

    What stands after a name is told from what does not by its marks alone.
    """
    texts = {family.name: family.text for family in FAMILIES if family.text is not None}
    known = "; ".join(f"{name} {text.form}".strip() for name, text in texts.items())
    each = rf"\s*(?:{'|'.join(_option(name, text) for name, text in texts.items())})"
    rest = r"\s*\.\.\.\s*"
    whole = rf"^\s*<(?:\s*|{rest}|{each}(?:,{each})*(?:,{rest})?)>\s*$"
    return {
        **_TEXT,
        "description": f"as in <mss 1460, nop>: {known}",
        "anyOf": [{"pattern": "[$]"}, {"pattern": whole}],
    }


def _option(name: str, text: Text) -> str:
    if not text.numbers and not text.octets:
        return rf"{re.escape(name)}\??\s*"
    value = "[^,<>]+"
    if text.fewer or not text.numbers:  # octets alone, or none
        return rf"{re.escape(name)}(?:(?![A-Za-z0-9_.]){value}|\s*)"
    marked = text.mark and len(text.numbers) > 1
    values = f"{value}{re.escape(text.mark)}{value}" if marked else value
    return f"{re.escape(name)}(?![A-Za-z0-9_.]){values}"


def _icmp() -> dict[str, Any]:
    names = {"anyOf": [{"enum": list(icmp.BY_NAME)}, {"type": "string", "pattern": "[$]"}]}
    numbers = dict.fromkeys(("type", "code", "mtu", "pointer", "value"), _NUMBER)
    return {
        "type": "object",
        "properties": {"error": names, "quotes": dict(READERS[Arg.LABEL].schema), **numbers},
        "required": ["quotes"],
        "additionalProperties": False,
    }


def _deviation() -> dict[str, Any]:
    label = dict(READERS[Arg.LABEL].schema)
    return {
        "type": "object",
        "properties": {
            "step": label,
            "through": label,
            "versions": {"type": "string", "pattern": f"^{VERSIONS.pattern}$"},
            "instead": _STEPS,
            "because": _TEXT,
        },
        "required": ["step", "instead", "because"],
        "additionalProperties": False,
    }
