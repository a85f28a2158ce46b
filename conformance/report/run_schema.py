"""A JSON Schema (draft 2020-12) of a line of ``run --json``; :mod:`.summary` says what each is."""

from __future__ import annotations

from typing import Any, Final

from conformance.errors import Owner
from conformance.exits import Exit
from conformance.play.verdict import Outcome

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_COUNT: Final = {"type": "integer", "minimum": 0}
_SECONDS: Final = {"type": "number"}
_OUTCOMES: Final = [str(one) for one in Outcome]


def schema() -> dict[str, Any]:
    """The schema of one line: a case, a target that failed as a whole, or the last."""
    return {
        "$schema": _DRAFT,
        "title": "A line of conformance run --json",
        "description": "A case a line, as each ends; the last line is the summary.",
        "oneOf": [_case(), _target(), _summary()],
    }


def _open(name: str, parts: dict[str, Any]) -> dict[str, Any]:
    """An object with all of these; keys are only ever added, so others may be there."""
    parts = {"type": {"const": name}, **parts}
    return {"title": name, "type": "object", "properties": parts, "required": list(parts)}


def _case() -> dict[str, Any]:
    difference = {
        "type": "object",
        "properties": dict.fromkeys(("field", "expected", "actual"), _TEXT),
        "required": ["field", "expected", "actual"],
    }
    return _open(
        "case",
        {
            "id": {**_TEXT, "description": "as every report prints it; conformance run takes it"},
            **dict.fromkeys(("case", "path", "title", "target"), _TEXT),
            "ip": {"enum": [4, 6]},
            "isn": {
                "type": ["integer", "null"], "minimum": 0, "maximum": (1 << 32) - 1,
                "description": "the tester's first ISN; null of what was not played",
            },
            "verifies": {**_TEXTS, "description": "ids of requirements"},
            "outcome": {"enum": _OUTCOMES},
            "reason": {**_TEXT, "description": "of a pass: what it does not show"},
            "owner": {"enum": ["", *map(str, Owner)], "description": "whose fault an error is"},
            "step": {**_TEXT, "description": "file:line:column; empty after the last"},
            "expected": {**_TEXTS, "description": "all that would have been accepted"},
            "actual": {**_TEXT, "description": "what came instead, in the notation"},
            "differences": {"type": "array", "items": difference},
            "requirement": {**_TEXT, "description": "what was broken, where that is known"},
            "seconds": {**_SECONDS, "description": "on the target's clock"},
            "lateness": {**_SECONDS, "description": "the greatest delay of the harness"},
            "reruns": {**_COUNT, "description": "how often it was played again alone"},
            "tolerated": {**_TEXTS, "description": "the tolerances of the target that were used"},
            "without": {**_TEXTS, "description": "rules of no MUST that it set aside"},
        },
    )  # fmt: skip


def _target() -> dict[str, Any]:
    return _open("target", {"target": _TEXT, "error": _TEXT})


def _summary() -> dict[str, Any]:
    counts = {"type": "object", "properties": dict.fromkeys(_OUTCOMES, _COUNT)}
    return _open(
        "summary",
        {
            "outcomes": {**counts, "required": _OUTCOMES},
            "left_out": _COUNT,
            "reruns": _COUNT,
            "tolerated": {"type": "object", "additionalProperties": _COUNT},
            "without": {"type": "object", "additionalProperties": _COUNT},
            "seconds": _SECONDS,
            "exit_status": {"enum": [Exit.EXPECTED, Exit.FAILED, Exit.WRONG, Exit.BROKEN]},
        },
    )
