"""``conformance/README.md``: its picture is the contract's, and what it names is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "conformance" / "README.md").read_text(encoding="utf-8")


def contract(container: str) -> list[str]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one.get("containers") == [container])
    return list(layers)


def test_the_pictures_are_the_contracts() -> None:
    whole, parts = TEXT.split("```\n")[1:4:2]
    assert whole.splitlines() == contract("conformance")
    lines = parts.splitlines()
    assert [line[:20].strip() for line in lines if line[0] != " "] == contract("conformance.live")
    assert [line[20:].strip() for line in lines if line[20:]] == contract("conformance.targets")


def test_each_package_has_its_line() -> None:
    packages = {path.parent.name for path in ROOT.glob("conformance/*/__init__.py")}
    modules = {path.stem for path in ROOT.glob("conformance/*.py")} - {"__init__"}
    lines = TEXT.partition("- `tcp`")[2].partition("\n## ")[0] + "`tcp`"
    assert {name for name in packages | modules if f"`{name}`" not in lines} == set()


def test_what_it_names_is_there() -> None:
    names = set(re.findall(r"`([\w/.]+\.(?:py|md|json))`", TEXT))
    folders = [ROOT, *(ROOT / "conformance").glob("*/"), ROOT / "conformance"]
    names = {name for name in names if "NAME" not in name}
    lost = {name for name in names if not any((place / name).exists() for place in folders)}
    assert lost == set()
    assert len(names) > 20
