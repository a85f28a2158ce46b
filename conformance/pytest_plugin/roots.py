"""What a value of the ini option means: a place of the project, or one of the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from conformance.pytest_plugin import INI

SHIPPED: Final = "shipped:"  # before a path among the cases that came with the package


def place_of(path: Path, home: Path) -> Path:
    """Where the cases are that a value of the ini option means; ``home`` is that of the file."""
    word = str(path.relative_to(home)) if path.is_relative_to(home) else ""
    if not word.startswith(SHIPPED):
        return path
    from conformance.commands.choice import shipped
    from conformance.errors import CaseError

    found = (shipped().absolute() / word.removeprefix(SHIPPED)).resolve()
    if not found.exists():
        raise CaseError(f"{INI}: {word}: no such cases came with this")
    return found
