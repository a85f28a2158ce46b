"""The page for other languages: what it says a case may assume is held by a legal TCP each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.sim.legal import variants
from conformance.targets.files import build

PAGE = (build.GLUE / "WRITING.md").read_text(encoding="utf-8")


def rows() -> list[list[str]]:
    table = PAGE.split("## What a case may assume")[1]
    cells = [re.split(r" \| ", line.strip("| ")) for line in table.splitlines() if line[:1] == "|"]
    return [row for row in cells if not row[0].startswith("---")][1:]


def test_what_a_case_may_assume_is_held_by_a_legal_tcp() -> None:
    assert len(rows()) > 15
    for of, _, _, held in rows():
        names = set(re.findall(r"`([^`]+)`", held))
        assert names, of
        assert names <= set(variants()), of


def test_each_errno_of_the_page_is_one_that_the_glues_know() -> None:
    header = (build.GLUE / "conformance_glue.h").read_text(encoding="utf-8")
    values = (build.GLUE / "go/src/conformance/values.go").read_text(encoding="utf-8")
    table = PAGE.split("| errno | when |")[1].split("##")[0]
    named = {name for line in table.splitlines() for name in re.findall(r"E[A-Z]{3,}", line[:30])}
    assert len(named) > 12
    for name in named:
        assert f'"{name}"' in header, name
        assert f'"{name}"' in values, name


PROTOCOL = re.compile(r"json|CONFORMANCE_|\bpending\b\W*:|\"(id|started|ended|value)\"|EBADMSG")
TINY = Path(__file__).parents[1] / "glue/tiny.rs"  # the tests do not go where the package goes
WIRED = [
    *("skeleton.c", "lwip.c", "slirp.c", "skeleton.py", "pytcp.py", "skeleton.rs", "skeleton.go"),
    *("ns3.cc", "gvisor/main.go", "gvisor/options.go", TINY.name),
]


@pytest.mark.parametrize("name", WIRED)
def test_an_author_writes_no_line_of_the_protocol(name: str) -> None:
    place = TINY if name == TINY.name else build.GLUE / name
    lines = place.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if PROTOCOL.search(line)] == []


@pytest.mark.parametrize(
    "name", ["conformance_glue.h", "base.py", "conformance_glue.rs", "go/src/conformance/glue.go"]
)
def test_it_stands_in_what_is_copied(name: str) -> None:
    text = (build.GLUE / name).read_text(encoding="utf-8")
    assert len(set(PROTOCOL.findall(text))) > 2
    assert "SPDX-License-Identifier: MIT\n" in text
