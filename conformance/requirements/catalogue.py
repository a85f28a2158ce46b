"""The requirements that a case can verify, in our own words; where an RFC differs, it is right.

An id is the RFC and a name below it: ``rfc9293/MUST-12`` (the RFC's own labels), ``U-...`` (a
capital-letter rule without a label), ``T-...`` (a testable rule in plain words), ``EV-...`` (one
cell of section 3.10, with its state and its event) and ``rfc5961/3.2-a`` (our numbering of
another RFC's rules). The data is JSON, one requirement a line: all of it loads in a few
milliseconds, on first use, where YAML would take a tenth of a second.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from conformance.notation.scanner import suggest as closest

FILES: Final = ("rfc9293.json", "events.json", "extensions.json")
UNSEEN: Final = "unseen.json"  # what the shipped cases cannot show, each with the reason
# How strong a requirement is, in one word, and the keywords of RFC 2119 that say so.
LEVELS: Final = {
    "MUST": frozenset({"MUST", "MUST NOT"}),
    "SHOULD": frozenset({"SHOULD", "SHOULD NOT", "RECOMMENDED"}),
    "MAY": frozenset({"MAY"}),
    "event": frozenset({"event"}),
    "text": frozenset({"text"}),
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement. ``level`` is the RFC's keyword, ``text`` for a rule without one, ``event``
    for a row of section 3.10 and ``n/a`` for a cell that cannot happen.

    ``state`` and ``cell`` place an event in the matrix; they are empty for the rest. ``unseen`` is
    why none of the shipped cases can show whether it is kept.
    """

    id: str
    rfc: int
    section: str
    level: str
    text: str
    state: str = ""
    cell: str = ""
    unseen: str = ""

    @property
    def applicable(self) -> bool:
        """Whether any case can verify it."""
        return self.level != "n/a"


@cache
def catalogue() -> dict[str, Requirement]:
    """Every requirement by its id, in the order of the RFCs."""
    unseen = {row["id"]: row["because"] for row in _rows(UNSEEN)}
    found: dict[str, Requirement] = {}
    for row in (row for name in FILES for row in _rows(name)):
        rfc = int(row["id"].partition("/")[0].removeprefix("rfc"))
        found[row["id"]] = Requirement(rfc=rfc, **row, unseen=unseen.get(row["id"], ""))
    return found


def _rows(name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(
        Path(__file__).with_name(name).read_text(encoding="utf-8")
    )
    return found


def get(id: str) -> Requirement | None:
    """The requirement of this id, or None."""
    return catalogue().get(id)


def known() -> frozenset[str]:
    """Every id."""
    return frozenset(catalogue())


def suggest(id: str) -> str:
    """A hint for an id that does not exist: the closest one, or where to look."""
    rfc, slash, name = id.partition("/")
    families = sorted({one.partition("/")[0] for one in catalogue()})
    if not slash:
        return f"as in rfc9293/{id}" if f"rfc9293/{id}" in catalogue() else "as in rfc9293/MUST-12"
    if rfc not in families:
        return closest(rfc, families) or f"RFCs with requirements: {', '.join(families)}"
    names = [one.partition("/")[2] for one in catalogue() if one.startswith(rfc + "/")]
    return closest(name, names).replace("did you mean ", f"did you mean {rfc}/")


def problem(id: str) -> str | None:
    """None for an id that a case can verify, else a hint; the decoder's ``Known.requirement``."""
    found = get(id)
    if found is None:
        return suggest(id)
    return None if found.applicable else f"no case can verify it: {found.text}"
