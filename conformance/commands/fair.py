"""``conformance mutate --legal [NAME...]``: is the set of cases fair to every legal TCP?

The set is played on legal variants of the reference (:mod:`conformance.sim.legal`), each in a
process of its own. A case that fails on one of them asks for what no RFC does. Where a variant is
another text and no more, only cases are played that pass it (:mod:`conformance.commands.hunts`).
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Final

from conformance.commands.altered import apart, with_edits
from conformance.commands.faulty import jobs_of, named, played, reason
from conformance.commands.hunts import WRONG, by_place
from conformance.commands.output import note, say
from conformance.exits import Exit
from conformance.play.verdict import Outcome
from conformance.sim.legal import Variant, variants
from conformance.sim.reach import Place, place_of
from conformance.targets.base import Job

_ISN: Final = "wrapping"
_ISN_OF: Final = {4: _ISN, 6: _ISN}


@dataclass(frozen=True, slots=True)
class Unfair:
    """A case that failed on a legal TCP, and how."""

    case: str
    how: str


@dataclass(frozen=True, slots=True)
class Fairness:
    """How one legal TCP fared."""

    variant: Variant
    passed: int
    unfair: tuple[Unfair, ...]


def legal(args: Namespace) -> int:
    """Say which cases are unfair: 0 when none is, 1 when one is."""
    wanted = named(args.faults, variants(), "legal TCP")
    if args.list:
        for variant in wanted:
            say(f"{variant.name}: {variant.permits}")
        return Exit.EXPECTED
    cases, against, count = set(), 0, 0
    for end in play(wanted, jobs_of(args.cases)):
        cases |= {one.case.partition("::")[0] for one in end.unfair}
        against += bool(end.unfair)
        count += end.passed + len(end.unfair)
        _tell(end, as_json=args.json)
    found = f"{len(cases)} cases are unfair, to {against} of them" if cases else "all are fair"
    note(f"{len(wanted)} legal TCPs, {count} plays: {found}")
    return Exit.found(cases)


def _tell(end: Fairness, *, as_json: bool) -> None:
    variant = end.variant
    if as_json:
        unfair = [{"case": one.case, "how": one.how} for one in end.unfair]
        row = {"legal": variant.name, "permits": variant.permits, "passed": end.passed}
        say(json.dumps({**row, "unfair": unfair}))
        return
    for case, plays in groupby(end.unfair, lambda one: one.case.partition("::")[0]):
        first, *others = plays
        more = f", and in {len(others)} more of its plays" if others else ""
        say(f"UNFAIR    {case} to {variant.name}: {first.case} ({first.how}){more}")
    if end.unfair:
        say(f"          {variant.name} is legal: {variant.permits}")
    else:
        say(f"fair      {variant.name}: {end.passed} passed")


def play(wanted: Sequence[Variant], jobs: Sequence[Job]) -> Iterator[Fairness]:
    """How each legal TCP fares, as they end, in the jobs that pass where it is another."""
    able = by_place({variant.name: _place(variant) for variant in wanted}, jobs, _ISN_OF)
    for variant, lines, end in apart(wanted, partial(_judge, able)):
        told = [json.loads(line) for line in lines if line.startswith("{")]
        unfair = [Unfair(**row) for row in told if "case" in row]
        passed = sum(row.get("passed", 0) for row in told)
        if not lines or not lines[-1].startswith('{"passed"'):
            unfair.append(Unfair(lines[-1] if lines else "the first case", f"the stack {end}"))
        yield Fairness(variant, passed, tuple(unfair))


def _place(variant: Variant) -> frozenset[Place]:
    """Where its text is another; none: any play may show what it is."""
    places = [place_of(edit) for edit in variant.edits]
    if variant.settings or variant.lacks or variant.tick or not all(places):
        return frozenset()
    return frozenset().union(*places)


def _judge(able: Mapping[str, Sequence[Job]], variant: Variant, pipe: int) -> None:
    """Play all; each that fails is told at once, at the end how many passed."""
    kinds = with_edits(variant.edits)
    config = kinds.Config(**{"iss": kinds.ISNS[_ISN], **variant.settings})
    target = kinds.Reference(config=config)
    options = target.profile.options - frozenset(variant.lacks)
    target.profile = replace(target.profile, options=options, tick=variant.tick)
    passed = 0
    for job in able[variant.name]:
        record = played(target, job, pipe)
        if record.verdict.outcome in WRONG:
            row = {"case": record.id, "how": reason(record)}
            os.write(pipe, json.dumps(row).encode() + b"\n")
        passed += record.verdict.outcome == Outcome.PASS
    os.write(pipe, json.dumps({"passed": passed}).encode() + b"\n")
