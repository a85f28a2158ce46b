"""One change of a kernel's source: all of its places or none, and why.

A change that has been made already (a tree that carries it) is left alone. Places are found by
regular expressions and not by patches: one says which lines matter, and so fits each release since
6.1 and trees of others, where a patch would want its neighbours too, and one file a release.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import EnvironmentProblem


@dataclass(frozen=True, slots=True)
class Place:
    """One replacement: a regular expression, and what stands there instead."""

    path: str
    old: str
    new: str

    def changed(self, text: str) -> str | None:
        """The text with it; None if the place is not there."""
        if self.new in text:
            return text
        changed, count = re.subn(self.old, lambda _: self.new, text, count=1)
        return changed if count else None


@dataclass(frozen=True, slots=True)
class TreeEdit:
    """Places that are changed together, and why."""

    why: str
    places: tuple[Place, ...]
    needed: bool = True

    def apply(self, tree: Path) -> list[str]:
        """Change the tree, all or nothing; the files, none if it cannot be and need not be."""
        before: dict[str, str] = {}
        texts: dict[str, str] = {}
        for place in self.places:
            path = tree / place.path
            there = path.read_text(encoding="utf-8") if path.is_file() else ""
            before[place.path] = there
            changed = place.changed(texts.get(place.path, there))
            if changed is None and self.needed:
                raise EnvironmentProblem(
                    f"This kernel's {place.path} is not as it should be, so it cannot be built "
                    f"for virtual time ({self.why})."
                )
            if changed is None:
                return []
            texts[place.path] = changed
        for name, text in texts.items():
            if text != before[name]:  # what make sees as new is made again
                (tree / name).write_text(text, encoding="utf-8")
        return list(texts)
