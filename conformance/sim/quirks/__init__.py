"""Stacks with a quirk: the reference, with one deviation that many cases meet on their way.

Each shows that its tolerance (:mod:`conformance.play.tolerances`) lets the rest be judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from conformance.sim.edits import Edit


@cache
def quirks() -> Mapping[str, tuple[Edit, ...]]:
    """What makes the reference one of them, by the name of its tolerance."""
    text = Path(__file__).with_name("quirks.yaml").read_text(encoding="utf-8")
    rows = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {row["tolerance"]: tuple(Edit(**edit) for edit in row["edits"]) for row in rows}
