"""The tuple of the verbs, walked: each is whole, is played by its own runner, and is documented."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from pathlib import Path

import pytest

from conformance.case.arguments import READERS
from conformance.case.step import COMMON, Step, Way
from conformance.case.verbs import BY_NAME, VERBS
from conformance.case.verbs.include import Include
from conformance.steps import RUNNERS

LANGUAGE = Path(__file__).parents[2] / "cases" / "README.md"


def test_each_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(VERBS)
    assert not set(BY_NAME) & set(COMMON)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.verb)
def test_each_is_whole(verb: type[Step]) -> None:
    assert verb.argument in READERS
    assert isinstance(verb.way, Way)
    assert verb.doc
    fields = {field.name for field in dataclasses.fields(verb)}
    for name, sibling in {**verb.siblings, **COMMON}.items():
        assert sibling.arg in READERS
        assert sibling.doc
        assert (sibling.field or name) in fields
    assert not set(verb.siblings) & set(COMMON)
    own = {"span", "text", "value", "conn", "label", "origin", "verifies", "after", "within"}
    held = {sibling.field or name for name, sibling in verb.siblings.items()}
    assert fields - own <= held


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.verb)
def test_each_is_played_by_a_runner_of_its_own_steps(verb: type[Step]) -> None:
    if verb is Include:
        assert verb not in RUNNERS
        return
    runner = RUNNERS[verb]
    assert inspect.isgeneratorfunction(runner)
    assert typing.get_type_hints(runner)["step"] is verb


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.verb)
def test_each_is_in_the_table_of_the_language(verb: type[Step]) -> None:
    table = (
        LANGUAGE.read_text(encoding="utf-8").partition("## Steps")[2].partition("\n\nAny step")[0]
    )
    (row,) = (line for line in table.splitlines() if re.search(rf"`{verb.verb}: ", line))
    for name in verb.siblings:
        assert name in row or "as `expect`" in row
