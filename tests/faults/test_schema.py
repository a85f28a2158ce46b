"""What is refused is refused in the editor too, but for what a schema cannot say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

HERE = Path(__file__).parent
SCHEMA = Draft202012Validator(json.loads((HERE.parents[1] / "cases/case.schema.json").read_text()))

# Only ``check`` finds what these have; each begins with why, and its files follow.
ONLY_CHECK = """
    needs the steps before it: what was opened, closed, named, sent
        calls-sockets calls-spawn icmp-quotes names-undefined told-sockets fragment-names
        either-names free third-host-path
    needs the steps as a whole: that one of them checks, how many, how often, of which connections
        case-checks-nothing case-tester-ports-names repeats-each-unused repeats-too-many
        repeats-without-end
    needs the labels of the steps
        deviation-loses-label deviation-names deviation-places deviation-twice
    needs other files
        fragment-bomb fragment-conflict fragment-deep fragment-parameters fragment-ports
        fragment-ring fragment-self
    needs the value that a parameter has, or where it is used
        parameters-bad-value parameters-none parameters-too-many parameters-unknown
        parameters-unused
    needs the value of a sum, of a number that is no field's, or words that are alike
        segment-too-long too-long calls-together
    needs both IP versions at once
        ip-layer-open
    needs what targets, kernels and watches have, which the language does not know
        case-unwatched settings-unknown
    is lost when YAML is read: anchors, merges, a key that is written twice
        yaml-anchor-alias yaml-duplicate-key yaml-merge-key
"""
LISTED = {word for line in ONLY_CHECK.splitlines() if line[:8].isspace() for word in line.split()}


def read(path: Path) -> object:
    """As an editor reads it; None where it is no YAML at all."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return None


@pytest.mark.parametrize("path", sorted(HERE.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_schema_refuses_it_or_cannot(path: Path) -> None:
    assert SCHEMA.is_valid(read(path)) == (path.stem in LISTED)


def test_the_list_names_files() -> None:
    assert {path.stem for path in HERE.glob("*.yaml")} >= LISTED
