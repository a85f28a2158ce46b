"""A JSON Schema (draft 2020-12) of a line of a record, for other programs.

It is made from the tables that :mod:`.json_codec` writes and reads by, so it cannot know a part
that no record has. It is wider than the reader where a schema cannot say it: the order of lines,
octets of an option that do not fit its length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any, Final, get_type_hints

from conformance.case.spans import Span
from conformance.errors import Death, Owner
from conformance.play.profile import Ability, Part, Profile, Tolerance
from conformance.play.record import Addressing
from conformance.play.verdict import Difference, Outcome
from conformance.report.json_codec import LARGEST, OPTIONS, RANGES
from conformance.report.jsonlines import ASIDES, EVENTS, FORMAT
from conformance.tcp.flags import Flags
from conformance.tcp.ip import Fragments, IpFields
from conformance.tcp.options import Option
from conformance.tcp.segment import Segment
from conformance.tcp.states import State

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final = {"type": "string"}
_FINITE: Final = {"exclusiveMinimum": -LARGEST, "exclusiveMaximum": LARGEST}
_WHOLE: Final = {"type": "integer", **_FINITE}
_NUMBER: Final = {"type": "number", **_FINITE}
_SECONDS: Final = {**_NUMBER, "description": "seconds on the lab's clock"}
_OCTETS: Final = {"type": "string", "pattern": "^([0-9a-f]{2})*$"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_NAMED: Final = {"type": "object", "additionalProperties": _TEXT}
_NAME: Final = {"type": "string", "pattern": "^[^/]"}
_PARTS: Final = (Segment, IpFields, Fragments, Span, Profile, Tolerance, Addressing, Difference)


def schema() -> dict[str, Any]:
    """The schema of one line of a record."""
    return {
        "$schema": _DRAFT,
        "title": "A line of a record of a TCP conformance run",
        "description": f"Format {FORMAT}. A conversation is a case line, its events in the order "
        "they were fed, and a verdict line; without that one it was cut off.",
        "oneOf": [
            {"$ref": "#/$defs/case"},
            *({"$ref": f"#/$defs/{name}"} for name in (*EVENTS, *ASIDES)),
            {"$ref": "#/$defs/verdict"},
        ],
        "$defs": {
            "case": _case(),
            "verdict": _verdict(),
            "failure": _failure(),
            "option": {"oneOf": [_option(name, kind) for name, kind in OPTIONS.items()]},
            **{name: _event(name, kind) for name, kind in EVENTS.items()},
            **{name: _aside(name, kind) for name, kind in ASIDES.items()},
            **{_called(kind): _object(kind) for kind in _PARTS},
        },
    }


def _closed(parts: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An object of these parts; only the optional ones may be missing."""
    return {
        "type": "object",
        "properties": {**parts, **(optional or {})},
        "required": list(parts),
        "additionalProperties": False,
    }


def _case() -> dict[str, Any]:
    return _closed(
        {
            "type": {"const": "case"},
            "format": {"const": FORMAT},
            "id": {"type": "string", "description": "as every report prints it"},
            "case": {"type": "string", "description": "the id of the case, of no target"},
            "path": {**_NAME, "description": "its file, one of the sources"},
            "title": _TEXT,
            "parameters": _NAMED,
            "sources": {
                "type": "object",
                "propertyNames": _NAME,
                "additionalProperties": _TEXT,
                "description": "the text of each file, by its name below the root of the cases",
            },
            "profile": _ref(Profile),
            "addressing": _ref(Addressing),
            "started": _SECONDS,
        },
        {"conformance": {**_TEXT, "description": "the version that played it: the set's too"}},
    )


def _verdict() -> dict[str, Any]:
    return _closed(
        {
            "type": {"const": "verdict"},
            "outcome": _members(Outcome),
            "reason": _TEXT,
            "lateness": {**_NUMBER, "description": "of the harness at the worst, in seconds"},
            "allowed": {**_NUMBER, "description": "what leaves the verdict sound, in seconds"},
            "reruns": _WHOLE,
        },
        {
            "doubted": _members(Outcome),
            "owner": _members(Owner),
            "tolerated": {**_TEXTS, "description": "the tolerances of the target that were used"},
            "without": {**_TEXTS, "description": "rules of no MUST that it set aside"},
            "let_by": {"const": True, "description": "it deviates by what was tolerated alone"},
            "disputed": {"const": True, "description": "the target's author disputes the case"},
            "new": {"const": True, "description": "the case is younger than what is known of it"},
            "step": {
                **_ref(Span),
                "description": "the step that it ended at; after the last: none",
            },
            "failure": {"$ref": "#/$defs/failure"},
        },
    )


def _failure() -> dict[str, Any]:
    return _closed(
        {
            "message": _TEXT,
            "expected": {**_TEXTS, "description": "all that would have been accepted"},
            "actual": _TEXT,
            "differences": {"type": "array", "items": _ref(Difference)},
            "requirement": _TEXT,
        }
    )


def _event(name: str, kind: type[Any]) -> dict[str, Any]:
    found = _object(kind)
    head = {"type": {"const": name}, "now": {**_SECONDS, "description": "when it was fed"}}
    found["properties"] = {**head, **found["properties"]}
    found["required"] = ["type", "now", *found["required"]]
    return found


def _aside(name: str, kind: type[Any]) -> dict[str, Any]:
    found = _object(kind)
    found["properties"] = {"type": {"const": name}, **found["properties"]}
    found["required"] = ["type", *found["required"]]
    return found


def _object(kind: type[Any]) -> dict[str, Any]:
    """A dataclass; what has its default is left out when it is written."""
    hints, ranges = get_type_hints(kind), RANGES.get(kind, {})
    parts, needed = {}, []
    for each in fields(kind):
        parts[each.name] = part = dict(_kind(hints[each.name]))
        if each.name in ranges:
            low, high = ranges[each.name]
            whole = hints[each.name] is not float
            part |= {"minimum": int(low) if whole else low, "maximum": int(high) if whole else high}
        if each.default is MISSING and each.default_factory is MISSING:
            needed.append(each.name)
    if kind is Addressing:
        parts["ip"] = {"enum": [4, 6]}
    return {
        "type": "object", "properties": parts, "required": needed, "additionalProperties": False,
    }  # fmt: skip


def _option(name: str, kind: type[Any]) -> dict[str, Any]:
    """``["mss", 1460]``: its name, then its parts."""
    hints = get_type_hints(kind)
    parts = [{"const": name}, *(_kind(hints[each.name]) for each in fields(kind))]
    return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}


def _called(kind: type[Any]) -> str:
    return kind.__name__.lower()


def _ref(kind: type[Any]) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{_called(kind)}"}


def _members(kind: type[Enum]) -> dict[str, Any]:
    return {"enum": [str(one) for one in kind]}


def _several(kind: type[Enum]) -> dict[str, Any]:
    return {"type": "array", "items": _members(kind), "uniqueItems": True}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _kind(hint: Any) -> Mapping[str, Any]:
    """What a field of this declared type is in JSON."""
    return _KINDS[hint]


_PAIRS: Final = {
    "type": "array",
    "items": {"type": "array", "items": _WHOLE, "minItems": 2, "maxItems": 2},
}
_KINDS: Final[Mapping[Any, Mapping[str, Any]]] = {
    str: _TEXT,
    int: _WHOLE,
    float: _NUMBER,
    bytes: _OCTETS,
    int | None: _or_null(_WHOLE),
    bool: {"type": "boolean"},
    bool | None: {"type": ["boolean", "null"]},
    Fragments | None: {"oneOf": [_ref(Fragments), {"type": "null"}]},
    Flags: {"type": "integer", "minimum": 0, "maximum": 0x1FF},
    State: _members(State),
    Owner: _members(Owner),
    Death: _members(Death),
    Segment: _ref(Segment),
    IpFields: _ref(IpFields),
    Mapping[str, str]: _NAMED,
    tuple[str, ...]: _TEXTS,
    tuple[Option, ...]: {"type": "array", "items": {"$ref": "#/$defs/option"}},
    tuple[tuple[int, int], ...]: _PAIRS,
    tuple[int, ...]: {"type": "array", "items": _WHOLE},
    frozenset[str]: {"type": "array", "items": _TEXT, "uniqueItems": True},
    frozenset[Ability]: _several(Ability),
    frozenset[Part]: _several(Part),
    tuple[Tolerance, ...]: {"type": "array", "items": _ref(Tolerance)},
}
