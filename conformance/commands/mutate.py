"""``conformance mutate --answers PATH``: is every check of a case able to fail?

Each answer of the reference in a case is spoilt in every way, once (see
:mod:`conformance.sim.mutants`), and the case has to notice. What it does not notice is told in its
own words: a case that lets it pass checks less than its author means.
"""

from __future__ import annotations

import json
from argparse import Namespace
from functools import partial

from conformance.case.verbs.call import Spawn
from conformance.commands.choice import chosen, each_once
from conformance.commands.output import note, say
from conformance.errors import CaseError
from conformance.exits import Exit
from conformance.play.record import Record, What
from conformance.play.verdict import Outcome
from conformance.sim.mutants import PASSING, Mutant, Spoiler, mutants, survivors
from conformance.targets.base import Job
from conformance.targets.kinds.reference import ISNS, Reference


def mutate(args: Namespace) -> int:
    """Say what survives: 0 when nothing does, 1 when something does or a case fails by itself."""
    target = Reference(ISNS["wrapping"])
    count = played = alive = failed = 0
    for case in each_once(chosen(args.answers)):
        counted = Spoiler()
        record = target.play(Job(case), counted)
        assert record.verdict is not None
        if record.verdict.outcome not in PASSING:
            note(f"{record.id} does not pass by itself: {record.verdict.reason}")
            failed += record.verdict.outcome is not Outcome.SKIPPED
            continue
        played += 1
        count += len(list(mutants(record, counted)))
        play = partial(target.play, Job(case))
        for mutant in survivors(record, counted, play):
            alive += 1
            _tell(record, counted, mutant, as_json=args.json)
    if not played and not failed:
        raise CaseError("nothing was spoilt: no case was played on the reference")
    cases = "1 case" if played == 1 else f"{played} cases"
    note(f"{count} mutants of the answers in {cases}: {alive} not noticed")
    return Exit.found(alive or failed)


def _tell(record: Record, counted: Spoiler, mutant: Mutant, *, as_json: bool) -> None:
    what = _answer(record, counted, mutant)
    if as_json:
        row = {"id": record.id, "answer": what, "kind": mutant.kind, "how": mutant.how}
        say(json.dumps(row))
    else:
        say(f"{record.id}: nobody notices when {what} is spoilt: {mutant.how}")


def _answer(record: Record, counted: Spoiler, mutant: Mutant) -> str:
    """The answer that was spoilt, as the ladder has it."""
    match mutant.kind:
        case "state":
            return counted.read[mutant.where].text
        case "transition":
            return f"the way to {counted.transitions[mutant.where]}"
    wanted = What.RECEIVED if mutant.kind == "segment" else What.CALL
    told = [
        entry.text
        for entry in record.entries
        if entry.what is wanted and not isinstance(entry.step, Spawn)
    ]
    return told[mutant.where] if mutant.where < len(told) else f"{mutant.kind} {mutant.where + 1}"
