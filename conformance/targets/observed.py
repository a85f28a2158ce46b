"""What a run saw, as a file of deviations: a draft at first, then merged into what is there.

Rules:

- An entry that was seen again stays as it is written, with its reason and all comments.
- One that was not seen goes, and it is told; where the target's other IP version still shows it, or
  was not played, it stays for that one. Of a target that has versions it stays, and is told: the
  others may still show it, and only the author knows.
- What is new comes last, grouped by what was seen, the commonest first. It has no reason, which is
  a fault of the file until somebody writes one.
- Where all choices of a case's parameters that were played are new and alike, they are one entry,
  ``CASE[*]``. One of them that passes later parts it into those that still deviate.
- A new file says the version of the shipped cases; one that is there says the present one once all
  cases that came since were played.
- Of a case that was not played, or not judged, nothing is known: its entries stay.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from conformance import __version__, files
from conformance.case.faults import CaseFaults
from conformance.play.profile import Ability, within
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets.deviations import (
    ANY,
    NOTHING,
    Deviations,
    KnownDeviation,
    all_of,
    place,
    read,
    read_text,
)
from conformance.targets.releases import newer

_FAILED: Final = frozenset({Outcome.FAIL, Outcome.BLOCKED, Outcome.DEVIATES})
_JUDGED: Final = _FAILED | {Outcome.PASS}
_NEW: Final = "- because:  # to be written: why, in one sentence"
_PLAIN: Final = re.compile(r"[\w./\[\]=,+*-]+")  # an id that needs no quotes
_WIDTH: Final = 96

End = tuple[str, str]  # the step, and what was seen there
Entry = tuple[str, KnownDeviation]  # the case's id first


@dataclass(slots=True)
class _Seen:
    """How one case ended, by IP version; None: as the case says. ``ips``: those of the target."""

    version: str
    ips: frozenset[int]
    ends: dict[int, list[End | None]] = field(default_factory=lambda: defaultdict(list))

    def gone(self, known: KnownDeviation) -> set[int]:
        """The IP versions over which an entry was not seen though it was looked for."""
        if not within(self.version, known.versions):
            return set()
        return {
            ip
            for ip, ends in self.ends.items()
            if known.ip in (0, ip) and not any(end and known.fits(*end) for end in ends)
        }

    def new(self, known: Iterable[KnownDeviation]) -> dict[int, End]:
        """What none of these entries speaks of; 0 where it is the same wherever it was played."""
        found: dict[int, End] = {}
        for ip, ends in self.ends.items():
            spoken = any(one.ip in (0, ip) and within(self.version, one.versions) for one in known)
            end = next(filter(None, ends), None)
            if end is not None and not spoken:
                found[ip] = end
        alike = len(found) == len(self.ends) and len(set(found.values())) == 1
        return {0: next(iter(found.values()))} if alike else found


class Draft:
    """What a run saw; ``text`` is the file, and ``told`` what has changed in it then."""

    def __init__(self, path: Path | None = None) -> None:
        """``path``: the file that may be there already; CaseFaults where it is none of these."""
        self.told: list[str] = []
        there = path is not None and files.is_file(path) and path.stat().st_size > 0
        self._text, self._known = read(path, reasons=False) if path and there else ("", NOTHING)
        self._seen: dict[str, _Seen] = {}
        self._drafts = not there
        self._played: set[str] = set()

    def add(self, record: Record) -> None:
        """One more final record."""
        verdict, profile = record.verdict, record.profile
        self._played.add(record.case.id.partition("[")[0])
        if verdict is None or verdict.outcome not in _JUDGED:
            return
        ips = frozenset({4, 6} if Ability.IPV6 in profile.abilities else {4})
        seen = self._seen.setdefault(record.case.id, _Seen(profile.version, ips))
        # A case that deviates by its own file, or no longer by the target's, has no failure.
        failed = verdict.outcome in _FAILED and verdict.failure is not None
        seen.ends[record.addressing.ip].append(place(record) if failed else None)

    def text(self) -> str:
        """The file."""
        stay: list[Entry] = []
        moved: list[Entry] = []
        for case, entry in _each(self._known):
            if case.endswith(ANY) and (parted := self._parted(case, entry)) is not None:
                moved += parted
                continue
            left = self._left(case, entry)
            if left is not None:
                (stay if left == entry else moved).append((case, left))
        known = _by_case([*stay, *moved])
        new = [
            (case, KnownDeviation(*end, because="", ip=ip))
            for case, seen in sorted(self._seen.items())
            for ip, end in seen.new(_spoken(seen, case, known)).items()
        ]
        new = list(self._joined(new, known))
        if new:
            self.told.append(f"{len(new)} without a reason: write one for each group")
        added = [*_written(moved), *_written(new)]
        text = _only(self._text, self._known, stay) + _lines(added)
        if not _says(text, [*stay, *moved, *new]):  # it was laid out in some other way
            text = _lines([*self._version(), *_written(stay), *added] or ["[]"])
        elif self._drafts:
            text = _lines(self._version()) + text
        elif self._version() != [f"- cases: {self._known.cases}"]:
            text = text.replace(f"- cases: {self._known.cases}\n", _lines(self._version()), 1)
        return text

    def _version(self) -> list[str]:
        """The line that says with which cases the file was made."""
        known = self._known.cases
        if not self._drafts and not known:
            return []
        if not self._drafts and newer(known) - self._played:
            return [f"- cases: {known}"]
        return [f"- cases: {__version__}"]

    def _parted(self, case: str, known: KnownDeviation) -> list[Entry] | None:
        """What is left of an entry for all choices of which some pass now; None where none does."""
        seen = {
            id: one
            for id, one in self._seen.items()
            if id != case and all_of(id) == case and id not in self._known.entries
        }
        gone = {id for id, one in seen.items() if one.gone(known) and not one.version}
        passed = [id for id in gone if not any(map(any, seen[id].ends.values()))]
        if not passed:
            return None
        why = known.because or "no reason"
        self.told.append(f"parted, {len(passed)} of {len(seen)} pass now: {case}: {why}")
        return [(id, known) for id in seen if id not in gone]

    def _joined(self, new: list[Entry], known: Mapping[str, Any]) -> Iterator[Entry]:
        """All that one case makes of its parameters as one entry, where all of it is alike."""
        choices: dict[str, list[Entry]] = {}
        for id, entry in new:
            choices.setdefault(all_of(id) if "[" in id else id, []).append((id, entry))
        for case, entries in choices.items():
            others = sum(all_of(id) == case and "[" in id for id in self._seen)
            alike = len({(one.step, one.seen, one.ip) for _, one in entries}) == 1
            whole = len(entries) == others > 1 and case not in known
            yield from [(case, entries[0][1])] if alike and whole else entries

    def _left(self, case: str, known: KnownDeviation) -> KnownDeviation | None:
        """What is left of an entry after this run."""
        seen = self._seen.get(case)
        gone = seen.gone(known) if seen else set()
        if seen is None or not gone:
            return known
        why = f"{case}: {known.because or 'no reason'}"
        if seen.version:
            self.told.append(f"kept, though not seen on {seen.version}: {why}")
            return known
        otherwise = any(end for ip in gone for end in seen.ends[ip])
        left = ({known.ip} if known.ip else seen.ips) - gone
        over = "" if not left else f" over IPv{max(gone)}"
        self.told.append(f"dropped, it {'differs' if otherwise else 'passes'} now{over}: {why}")
        return replace(known, ip=max(left)) if left else None


# ---- the text ------------------------------------------------------------------------------------


def _each(known: Deviations) -> Iterator[Entry]:
    for case, entries in known.entries.items():
        yield from ((case, entry) for entry in entries)


def _spoken(
    seen: _Seen, case: str, known: Mapping[str, list[KnownDeviation]]
) -> list[KnownDeviation]:
    """The entries that speak of a case; one for all choices does where it is right."""
    wide = (one for one in known.get(all_of(case), ()) if not seen.gone(one))
    return [*known.get(case, ()), *wide]


def _by_case(entries: Iterable[Entry]) -> dict[str, list[KnownDeviation]]:
    found: dict[str, list[KnownDeviation]] = {}
    for case, entry in entries:
        found.setdefault(case, []).append(entry)
    return found


def _says(text: str, entries: Iterable[Entry]) -> bool:
    """Whether the text is a file with these entries."""
    try:
        found = read_text(text).entries
    except CaseFaults:
        return False
    wanted = _by_case(entries)
    return found.keys() == wanted.keys() and all(
        sorted(found[case], key=_order) == sorted(wanted[case], key=_order) for case in wanted
    )


def _order(one: KnownDeviation) -> tuple[int, str]:
    return one.ip, one.versions


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _only(text: str, known: Deviations, stay: Iterable[Entry]) -> str:
    """The file without the lines of the entries that do not stay, and of groups that are empty."""
    kept = [entry for _, entry in stay]
    lives = {entry.group for entry in kept}
    dead: set[int] = set()
    for _, entry in _each(known):
        if not any(entry is one for one in kept):
            dead.update(entry.lines if entry.group in lives else entry.group)
    lines = text.split("\n")
    left = [line for number, line in enumerate(lines, 1) if number not in dead]
    text = "\n".join(left).rstrip("\n")
    return f"{text}\n" if text else ""


def _written(entries: Iterable[Entry]) -> Iterator[str]:
    """Groups: what has one reason, or, without one, was seen alike; the commonest first."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for case, one in entries:
        alike = () if one.because else (one.step.partition(":")[0], one.seen)
        word = "disputed" if one.disputed else "because"
        group = (one.because, one.versions, str(one.ip), word, *alike)
        groups.setdefault(group, []).append((case, one))
    for (because, versions, ip, word, *_), cases in sorted(
        groups.items(), key=lambda one: -len(one[1])
    ):
        yield f"- {word}: >-" if because else _NEW
        yield from (
            f"    {line}" for line in textwrap.wrap(because, _WIDTH, break_on_hyphens=False)
        )
        yield from [f"  versions: {versions}"] if versions else []
        yield from [f"  ip: {ip}"] if ip != "0" else []
        yield "  cases:"
        for case, one in cases:
            key = case if _PLAIN.fullmatch(case) else json.dumps(case)
            yield f"    {key}: [{json.dumps(one.step)}, {json.dumps(one.seen)}]"
