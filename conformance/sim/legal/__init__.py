"""Legal TCPs: the reference as other authors might have written it, with the RFC on their side.

A case that fails on one of them is unfair: it asks for what no RFC does. What :mod:`.faults` holds
that no observer can tell from a right TCP is legal too, and among them. The reference itself (an
initial window of 10, RFC 5961, timestamps, no SACK) is none of them: everything is played on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from conformance.sim.edits import Edit
from conformance.sim.faults import faults

FILES: Final = (
    "sending", "receiving", "connecting", "timing", "options", "choosing", "letter", "habits",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variant:
    """One legal TCP: ``settings`` are fields of the reference's Config, ``edits`` change its text.

    ``permits``: the RFC's section that does, in a sentence. ``lacks``: options that it has not.
    ``tick``: what its profile says of its clock.
    """

    name: str
    permits: str
    settings: Mapping[str, Any]
    edits: tuple[Edit, ...]
    lacks: tuple[str, ...] = ()
    tick: float = 0.0


@cache
def variants() -> dict[str, Variant]:
    """All of them by name, in the order of their files."""
    found = [_variant(row) for name in FILES for row in _rows(name)]
    found += [
        Variant(fault.name, fault.equivalent, {}, (fault.edit,))
        for fault in faults().values()
        if fault.equivalent
    ]
    by_name = {variant.name: variant for variant in found}
    if len(by_name) < len(found):
        raise ValueError("two legal TCPs have one name")
    return by_name


def _rows(name: str) -> list[dict[str, Any]]:
    text = Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8")
    return list(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _variant(row: dict[str, Any]) -> Variant:
    edits = tuple(Edit(**edit) for edit in row.get("edits", ()))
    lacks = tuple(row.get("lacks", ()))
    settings, tick = row.get("settings", {}), row.get("tick", 0.0)
    return Variant(row["name"], row["permits"], settings, edits, lacks, tick)
