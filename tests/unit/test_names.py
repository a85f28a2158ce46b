"""One public class name, one thing: who searches for a name finds what it is."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "conformance"
# Names that may stand twice, and where else: what is copied elsewhere is not searched here.
AGAIN = {
    # What a glue of somebody's own is written with; the verb of a case has the field's word, too.
    "Call": {"glue/base.py"},
    # The skeleton of a glue, which becomes somebody's own file, and says its own Glue and Socket.
    "Glue": {"glue/skeleton.py"},
    "Socket": {"glue/skeleton.py"},
}


def test_one_public_class_name_is_one_thing() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(path.relative_to(PACKAGE).as_posix())
    assert len(places) > 200
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert {
        name: found for name, found in twice.items() if len(found - AGAIN.get(name, set())) > 1
    } == {}
    assert twice.keys() == AGAIN.keys()  # what no longer stands twice leaves the list
