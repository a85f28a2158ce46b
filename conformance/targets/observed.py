"""What a run saw, as a file of deviations: a draft at first, then merged into what is there.

Rules:

- An entry that was seen again stays as it is written, with its reason and all comments.
- One that was not seen goes, and it is told; where the target's other IP version still shows it, or
  was not played, it stays for that one. Of a target that has versions it stays, and is told: the
  others may still show it, and only the author knows.
- What is new comes last, grouped by what was seen, the commonest first. It has no reason, which is
  a fault of the file until somebody writes one.
- An entry that goes on (``instead:``) was seen where the case played all of its steps. Where it was
  not, what the case does without it is not known: the entry goes, and the next run tells.
- Where all choices of a case's parameters are new and alike, they are one entry, ``CASE[*]``. One
  of them that passes later parts it into those that still deviate and those that were not played.
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
from conformance.case.expand import choices
from conformance.case.faults import CaseFaults
from conformance.play.profile import Ability, within
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.targets.deviations import (
    NOTHING,
    Deviations,
    not_seen,
    place,
    read,
    read_text,
)
from conformance.targets.known import ANY, KnownDeviation, all_of
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
    against: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def gone(self, known: KnownDeviation) -> set[int]:
        """The IP versions over which an entry was not seen though it was looked for."""
        if not within(self.version, known.versions):
            return set()
        if known.instead:
            return {ip for ip, not_seen in self.against.items() if known.step in not_seen}
        return {
            ip
            for ip, ends in self.ends.items()
            if known.ip in (0, ip) and not any(end and known.fits(*end) for end in ends)
        }

    def new(self, known: Iterable[KnownDeviation]) -> dict[int, End]:
        """What none of these entries speaks of; 0 where it is the same wherever it was played."""
        found: dict[int, End] = {}
        for ip, ends in self.ends.items():
            spoken = any(
                not one.instead and one.ip in (0, ip) and within(self.version, one.versions)
                for one in known
            )
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
        self._skipped: set[str] = set()
        self._choices: dict[str, tuple[str, ...]] = {}  # every choice of a case's parameters
        self._ips: frozenset[int] = frozenset()  # those of the target

    def add(self, record: Record) -> None:
        """One more final record."""
        verdict, profile, case = record.verdict, record.profile, record.case
        self._played.add(case.id.partition("[")[0])
        if "[" in case.id and all_of(case.id) not in self._choices:
            self._choices[all_of(case.id)] = tuple(choices(case)) or (case.id,)
        self._ips = frozenset({4, 6} if Ability.IPV6 in profile.abilities else {4})
        if verdict is None or verdict.outcome not in _JUDGED:
            if verdict is not None and verdict.outcome is Outcome.SKIPPED:
                self._skipped.add(case.id)
            return
        seen = self._seen.setdefault(case.id, _Seen(profile.version, self._ips))
        # A case that deviates by its own file, or no longer by the target's, has no failure.
        failed = verdict.outcome in _FAILED and verdict.failure is not None
        against = not_seen(record)
        seen.against[record.addressing.ip].update(against)
        if not against and not self._stood_still(record):
            seen.ends[record.addressing.ip].append(place(record) if failed else None)

    def _stood_still(self, record: Record) -> bool:
        """Whether it ended where it is known to go on: it was played without the file."""
        id, step = record.case.id, place(record)[0]
        known = (*self._known.entries.get(id, ()), *self._known.entries.get(all_of(id), ()))
        return step in {one.step for one in known if one.instead}

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
        left: list[Entry] = []
        passed = 0
        for id in self._choices.get(case, ()):
            ips, seen = self._share(id, known), self._seen.get(id)
            gone = seen.gone(known) & ips if seen and not seen.version else set()
            passed += any(not seen or known.instead or not any(seen.ends[ip]) for ip in gone)
            if rest := ips - gone:
                whole = rest == self._ips
                left.append((id, known if whole else replace(known, ip=max(rest))))
        if not passed:
            return None
        why = known.because or "no reason"
        now = "do not go on so, so play them again" if known.instead else "pass now"
        played = sum(id in self._seen for id in self._choices[case])
        self.told.append(f"parted, {passed} of {played} {now}: {case}: {why}")
        return left

    def _share(self, id: str, known: KnownDeviation) -> set[int]:
        """The IP versions over which an entry for all choices speaks of this one.

        There it has none of its own, or one that goes.
        """
        seen = self._seen.get(id)
        ips = {known.ip} if known.ip else set(self._ips)
        for own in self._known.entries.get(id, ()):
            if bool(own.instead) == bool(known.instead) and own.versions in ("", known.versions):
                own_ips = {own.ip} if own.ip else self._ips
                ips -= own_ips - (seen.gone(own) if seen else set())
        return ips

    def _joined(self, new: list[Entry], known: Mapping[str, Any]) -> Iterator[Entry]:
        """All that one case makes of its parameters as one entry, where all of it is alike."""
        choices: dict[str, list[Entry]] = {}
        for id, entry in new:
            choices.setdefault(all_of(id) if "[" in id else id, []).append((id, entry))
        for case, entries in choices.items():
            others = self._choices.get(case, ())
            known_of = all(id in self._seen or id in self._skipped for id in others)
            alike = len({(one.step, one.seen, one.ip) for _, one in entries}) == 1
            ends = any(not one.instead for one in known.get(case, ()))
            judged = sum(id in self._seen for id in others)
            whole = known_of and len(entries) == judged > 1 and not ends
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
        now = f"it {'differs' if otherwise else 'passes'} now"
        if known.instead:
            now = f"it does not go on so after {known.step}, so play it again"
        self.told.append(f"dropped, {now}{over}: {why}")
        return replace(known, ip=max(left)) if left else None


# ---- the text ------------------------------------------------------------------------------------


def _each(known: Deviations) -> Iterator[Entry]:
    for case, entries in known.entries.items():
        yield from ((case, entry) for entry in entries)


def _spoken(
    seen: _Seen, case: str, known: Mapping[str, list[KnownDeviation]]
) -> list[KnownDeviation]:
    """The entries that speak of a case; one for all choices does over the IP where it is right."""
    found = list(known.get(case, ()))
    for one in known.get(all_of(case), ()):
        gone = seen.gone(one)
        rest = ({one.ip} if one.ip else seen.ips) - gone
        found += [replace(one, ip=max(rest)) if gone else one] if rest else []
    return found


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


def _order(one: KnownDeviation) -> tuple[int, str, str]:
    return one.ip, one.versions, one.step


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
        group = (one.because, one.versions, str(one.ip), word, one.through, one.written, *alike)
        groups.setdefault(group, []).append((case, one))
    for (because, versions, ip, word, through, written, *_), cases in sorted(
        groups.items(), key=lambda one: -len(one[1])
    ):
        yield f"- {word}: >-" if because else _NEW
        yield from (
            f"    {line}" for line in textwrap.wrap(because, _WIDTH, break_on_hyphens=False)
        )
        yield from [f"  versions: {versions}"] if versions else []
        yield from [f"  ip: {ip}"] if ip != "0" else []
        yield from [f"  through: {json.dumps(through)}"] if through else []
        yield from _instead(written) if written else ()
        yield "  cases:"
        for case, one in cases:
            key = case if _PLAIN.fullmatch(case) else json.dumps(case)
            end = f"[{json.dumps(one.step)}, {json.dumps(one.seen)}]"
            yield f"    {key}: {json.dumps(one.step) if written else end}"


def _instead(written: str) -> Iterator[str]:
    """The steps as they were written, at their place in a group."""
    if written.startswith("["):
        yield f"  instead: {written}"
        return
    yield "  instead:"
    yield textwrap.indent(written, "    ")
