"""A place of the reference with another text: what makes another TCP of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """In ``place`` (a module of ``conformance.reference``) ``new`` stands for ``old``."""

    place: str
    old: str
    new: str

    def applied(self, source: str) -> str:
        """The module's text with it; ValueError where the place is not there, or not one."""
        count = source.count(self.old)
        if count != 1:
            raise ValueError(f"{self.place} has {count} such places")
        return source.replace(self.old, self.new)
