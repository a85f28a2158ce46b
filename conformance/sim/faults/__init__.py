"""Wrong TCPs: the reference with one named fault each, as their author might have committed it.

A case proves that it checks what it names when its answers are spoilt (``sim.mutants``); what no
case names is found by these. They were thought of before the cases were looked at. Think of a fault
that a stack's author would commit; one that is invented to be found proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from conformance.sim.edits import Edit

FILES: Final = (
    "sequence", "closing", "sending", "receiving", "states", "calls",
    "edges", "recovering", "telling", "fastopen", "addresses", "signing", "opening", "ending",
    "numbers", "losing", "using", "corners", "waiting", "flights", "glances",
    "unseen", "fresh", "repeats", "drawn",
)  # fmt: skip
_PLAY: Final = re.compile(r"(?P<path>.+?)(?:::reference-ipv| IPv)(?P<ip>[46])(?P<choice>.*)")


@dataclass(frozen=True, slots=True)
class WrongTcp:
    """One fault: in ``place`` (a module of ``conformance.reference``) ``new`` stands for ``old``.

    ``name`` is how the command line knows it, ``about`` what the stack then does, in a line.
    ``equivalent`` says, where no observer can tell it from a right TCP, why not.
    """

    name: str
    about: str
    place: str
    old: str
    new: str
    equivalent: str = ""

    @property
    def edit(self) -> Edit:
        """What it changes."""
        return Edit(self.place, self.old, self.new)


@cache
def found_before() -> dict[str, tuple[str, int]]:
    """By the name of a fault: the case that found it, and over which IP version."""
    lines = Path(__file__).with_name("found.txt").read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines:
        if not line.startswith("#"):
            name, _, play = line.partition(" ")
            if (read := _PLAY.fullmatch(play)) is not None:
                found[name] = (read["path"] + read["choice"], int(read["ip"]))
    return found


@cache
def faults() -> dict[str, WrongTcp]:
    """All of them by name, in the order of their files."""
    found: dict[str, WrongTcp] = {}
    for name in FILES:
        text = Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8")
        for row in yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if row["name"] in found:
                raise ValueError(f"two faults are called {row['name']}")
            found[row["name"]] = WrongTcp(**row)
    return found
