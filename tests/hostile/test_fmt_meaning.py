"""``fmt`` never changes what a file means: of all shipped cases, in random spellings."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import mutations
import pytest
from respell import Respeller

from conformance.case.faults import CaseFaults, Fault
from conformance.case.fmt import format_text
from conformance.case.load import load
from conformance.case.model import Case
from conformance.case.nodes import Mapping, Node, Scalar, Sequence, parse
from conformance.case.spans import Span
from conformance.targets.names import vocabulary

CASES = Path("cases")
FILES = [path.relative_to(CASES) for path in sorted(CASES.rglob("*.yaml"))]


def plain(value: Any) -> Any:
    """A value without the places that it stood at."""
    if isinstance(value, Enum | str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        skipped = ("sources", "names", "path")
        names = (each.name for each in fields(value) if each.name not in skipped)
        parts = ((name, getattr(value, name)) for name in names)
        return (type(value).__name__, {n: plain(p) for n, p in parts if not isinstance(p, Span)})
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


def meaning(cases: Iterable[Case]) -> dict[str, Any]:
    return {case.id: plain(case) for case in cases}


def told(faults: Iterable[Fault], below: Path) -> list[tuple[str, str]]:
    """The faults without their lines and columns."""
    return sorted(
        (str(Path(one.span.path).relative_to(below)), re.sub(r"line \d+", "line", one.message))
        for one in faults
    )


def read(root: Path) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    cases, faults = load([root], None, vocabulary())
    return meaning(cases), told(faults, root)


def write(root: Path, file: Path, text: str) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_bytes(text.encode())


def same_tree(one: Node, other: Node) -> bool:
    if isinstance(one, Scalar):
        return isinstance(other, Scalar) and one.text == other.text
    if isinstance(one, Sequence):
        return isinstance(other, Sequence) and len(one.items) == len(other.items) and all(
            map(same_tree, one.items, other.items)
        )  # fmt: skip
    pairs = [part for pair in one.entries for part in pair]
    others = [part for pair in other.entries for part in pair] if isinstance(other, Mapping) else []
    return len(pairs) == len(others) and all(map(same_tree, pairs, others))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_spelling_of_every_shipped_case_keeps_its_meaning(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    spelled, formatted = tmp_path / "spelled", tmp_path / "formatted"
    refused = []
    for file in FILES:
        root, _ = parse(str(file), (CASES / file).read_text(encoding="utf-8"))
        assert isinstance(root, Mapping)
        text = Respeller(dice).text(root)
        again, _ = parse(str(file), text.replace("\r\n", "\n"))
        assert same_tree(root, again), f"{file}: the test itself spells it wrong:\n{text}"
        try:
            new = format_text(text, str(file))
        except CaseFaults as faults:
            refused.append(str(faults))
            continue
        assert format_text(new, str(file)) == new, text
        write(spelled, file, text)
        write(formatted, file, new)
    assert refused == []
    assert read(formatted) == read(spelled)


def test_no_bad_file_becomes_another_one(tmp_path: Path) -> None:
    """What ``fmt`` takes at all has the same cases and the same faults afterwards."""
    dice = random.Random(3)
    before, after = tmp_path / "before", tmp_path / "after"
    small = [file for file in FILES if (CASES / file).stat().st_size < 1500]
    taken = 0
    for number in range(500):
        octets = mutations.case_text(dice, (CASES / dice.choice(small)).read_bytes())
        try:
            text = octets.decode()
            new = format_text(text)
        except (UnicodeDecodeError, CaseFaults):
            continue
        taken += 1
        assert format_text(new) == new, text
        write(before, Path(f"{number}.yaml"), text)
        write(after, Path(f"{number}.yaml"), new)
    for root in (before, after):
        for file in FILES:
            if file.parts[0] == "fragments":
                write(root, file, (CASES / file).read_text(encoding="utf-8"))
    assert taken > 100
    assert read(after) == read(before)
