"""The README's test command plays each test once: in one of the two halves of ``tox.ini``."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def named() -> list[str]:
    """What the halves play; what one leaves out stands once more."""
    ini = ConfigParser(interpolation=None)
    ini.read(ROOT / "tox.ini")
    return re.findall(r"tests/[\w./]+", ini["testenv"]["commands"])


def test_each_folder_of_tests_is_in_one_half() -> None:
    there = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    folders = [name for name in named() if not name.endswith(".py")]
    assert sorted(folders) == sorted(f"tests/{name}" for name in there)


def test_a_file_that_one_half_leaves_out_is_in_the_other() -> None:
    files = [name for name in named() if name.endswith(".py")]
    assert files == ["tests/glue/test_shipped_targets.py"] * 2
    assert (ROOT / files[0]).is_file()
