"""Which shipped cases came with which version of the package: ``cases/versions.txt``.

A line that is a version begins its cases, one a line; what is in no list is newer than all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from conformance import files

LIST: Final = "versions.txt"


def shipped() -> Path | None:
    """The cases that came with the package: inside it when installed, beside it in a checkout."""
    home = Path(__file__).parent.parent
    place = next((one for one in (home / "shipped", home.parent / "cases") if one.is_dir()), None)
    here = files.here()
    return place.relative_to(here) if place and here and place.is_relative_to(here) else place


@cache
def listed() -> Mapping[str, str]:
    """The version in which each case came, by its id without parameters."""
    place, found, version = shipped(), {}, ""
    lines = (place / LIST).read_text(encoding="utf-8").splitlines() if place else []
    for line in lines:
        if line[:1].isdigit():
            version = line
        elif line and version:  # the first lines say what the file is
            found[line] = version
    return found


def newer(version: str) -> frozenset[str]:
    """The shipped cases that came after this version."""
    place = shipped()
    if place is None:
        return frozenset()
    return _newer(place, _parts(version))


@cache
def _newer(place: Path, version: tuple[int, ...]) -> frozenset[str]:
    there = {path.relative_to(place).with_suffix("").as_posix() for path in place.rglob("*.yaml")}
    cases = {id for id in there if "fragments" not in id.split("/")}
    return frozenset(cases - {id for id, came in listed().items() if _parts(came) <= version})


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
