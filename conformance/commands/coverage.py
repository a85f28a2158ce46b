"""``conformance coverage``: which rules the cases verify, and which they do not.

Tables: by RFC and level, by state and event of RFC 9293 section 3.10, what is missing, by name, and
what no case can show, with the reason. A claim of an event is held to what the reference saw in a
play of the case: one that the play does not bear out is a fault of the case, and ends in status 2.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from conformance import files
from conformance.case.model import Case
from conformance.commands.choice import chosen, each_once
from conformance.commands.output import note, say
from conformance.errors import CaseError
from conformance.exits import Exit
from conformance.play.verdict import Outcome
from conformance.play.watch import RULES
from conformance.reference.config import Config
from conformance.requirements.catalogue import Requirement, catalogue
from conformance.sim.observed import Event, Observed
from conformance.targets import open_target
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference
from conformance.targets.runs.schedule import play_once
from conformance.targets.runs.selection import is_slow, versions

_STATES = (
    "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
    "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT",
)  # fmt: skip


@dataclass(slots=True)
class Coverage:
    """Who verifies what: a requirement's cases, and how they ended on a target that was asked."""

    cases: dict[str, list[str]] = field(default_factory=dict)
    ends: dict[str, Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, cases: Iterable[Case]) -> Coverage:
        """What the cases claim, and what is watched in each of them."""
        found = cls({rule.requirement: [f"watched in every case: {rule.name}"] for rule in RULES})
        for case in cases:
            for id in case.verifies:
                found.cases.setdefault(id, []).append(case.id)
        return found


def coverage(args: Namespace) -> int:
    """Print it, or hold a snapshot to it; 2 when that is stale or a claim is not borne out."""
    cases = each_once(chosen(args.paths))
    found = Coverage.of(cases)
    if args.target:
        _play(found, cases, args.target)
    if args.format == "json":
        text = json.dumps(_object(found), indent=1)
    else:
        text = "\n".join([*_by_rfc(found), "", *_matrix(found), "", *_holes(found)])
    if args.check:
        _hold(args.check, text)
    else:
        say(text)
    false = unborne(cases)
    for told in false:
        note(told)
    return Exit.WRONG if false else Exit.EXPECTED


def _hold(place: str, text: str) -> None:
    """Raise CaseError where a file is not this text, with the first line that differs."""
    try:
        there = files.read(place).decode(errors="replace").splitlines()
    except OSError as error:
        raise CaseError(f"--check {place} cannot be read: {files.reason(error)}") from None
    for number, (old, new) in enumerate(zip_longest(there, text.splitlines()), 1):
        if old != new:
            told = "would not be there" if new is None else f"would be {new!r}"
            raise CaseError(f"{place}:{number}: the snapshot is stale: this line {told}")
    say(f"{place} is what the cases verify")


def _play(found: Coverage, cases: Sequence[Case], name: str) -> None:
    with open_target(name) as target:
        jobs = [Job(case, ip) for case in cases for ip in versions(target.profile)]
        quick = [job for job in jobs if not is_slow(job, target.profile)]

        def done(job: Job, record: object) -> None:
            verdict = getattr(record, "verdict", None)
            outcome = str(verdict.outcome if verdict else Outcome.ERROR)
            for id in job.case.verifies:
                found.ends.setdefault(id, Counter())[outcome] += 1

        play_once(target, quick, done)


def unborne(cases: Iterable[Case]) -> list[str]:
    """The events that a file claims and that no play of its cases on the reference came to."""
    claims: dict[tuple[str, str], Case] = {}
    borne: set[tuple[str, str]] = set()
    for case in cases:
        rows = [row for id in case.verifies if (row := catalogue().get(id)) and row.state]
        seen = {(str(state), cell) for state, cell in _seen(case)} if rows else set()
        for row in rows:
            claims.setdefault((case.path, row.id), case)
            if not seen or (row.state, row.cell) in seen:  # what cannot be played, cannot be held
                borne.add((case.path, row.id))
    return [
        f"{path}:{case.span.line or 1}: {id} is claimed, and no play on the reference brings "
        f"{catalogue()[id].cell} to {catalogue()[id].state}"
        for (path, id), case in claims.items()
        if (path, id) not in borne
    ]


def _seen(case: Case) -> set[Event]:
    """What the reference saw in a play of the case; nothing where it could not be played."""
    stacks: list[Observed] = []

    def made(config: Config) -> Observed:
        stacks.append(Observed(config))
        return stacks[-1]

    Reference(make=made).play(Job(case))
    return set().union(*(stack.seen for stack in stacks))


def _by_rfc(found: Coverage) -> list[str]:
    lines = ["RFC        rules   verified   unseen   by level"]
    groups: dict[str, list[Requirement]] = {}
    for row in catalogue().values():
        if row.applicable:
            name = f"{row.rfc} 3.10" if row.state else str(row.rfc)
            groups.setdefault(name, []).append(row)
    for name, rows in groups.items():
        done = [row for row in rows if row.id in found.cases]
        unseen = sum(bool(row.unseen) for row in rows)
        levels = Counter(row.level for row in rows if not row.state)
        have = Counter(row.level for row in done)
        told = ", ".join(f"{level} {have[level]}/{levels[level]}" for level in levels)
        lines.append(f"{name:<10} {len(rows):5}   {len(done):8}   {unseen:6}   {told}".rstrip())
    return lines


def _matrix(found: Coverage) -> list[str]:
    """States down, events across: rows of 3.10 that are verified, of those that there are."""
    events = [row for row in catalogue().values() if row.state and row.applicable]
    cells = list(dict.fromkeys(row.cell for row in events))
    width = max(map(len, _STATES))
    lines = [f"{'verified of all':<{width}}  " + "  ".join(cells)]
    for state in _STATES:
        shown = []
        for cell in cells:
            rows = [row for row in events if (row.state, row.cell) == (state, cell)]
            done = sum(row.id in found.cases for row in rows)
            shown.append(f"{f'{done}/{len(rows)}' if rows else '-':<{len(cell)}}")
        lines.append(f"{state:<{width}}  " + "  ".join(shown).rstrip())
    return lines


def _holes(found: Coverage) -> list[str]:
    rows = [row for row in catalogue().values() if row.applicable and row.id not in found.cases]
    holes = [row for row in rows if not row.unseen]
    unseen = [row for row in rows if row.unseen]
    return [
        f"not verified by any case: {len(holes)}",
        *(f"  {row.id}  {row.level}: {row.text}" for row in holes),
        "",
        f"what no case can show: {len(unseen)}",
        *(f"  {row.id}  {row.level}: {row.unseen}" for row in unseen),
    ]


def _object(found: Coverage) -> list[dict[str, object]]:
    return [
        {
            "id": row.id,
            "level": row.level,
            "section": row.section,
            "state": row.state,
            "event": row.cell,
            "text": row.text,
            "unseen": row.unseen,
            "cases": found.cases.get(row.id, []),
            "outcomes": dict(found.ends.get(row.id, {})),
        }
        for row in catalogue().values()
        if row.applicable
    ]
