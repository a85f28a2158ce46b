"""The commands that play nothing: list, show, check, fmt, schema, diagram."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from conformance import files
from conformance.case.faults import CaseFaults, Fault, render
from conformance.case.fmt import format_text
from conformance.case.load import find, load
from conformance.case.nodes import LARGEST_FILE, TOO_LARGE
from conformance.case.spans import Span
from conformance.commands.choice import Wish, chosen, each_once, paths_of
from conformance.commands.output import in_color, note, say, say_json, slow_line
from conformance.errors import CaseError, EnvironmentProblem
from conformance.targets import open_target
from conformance.targets.base import Job, Target, refusal
from conformance.targets.plan import job_id, known, sentence

# ---- list ----------------------------------------------------------------------------------------


def list_cases(args: Namespace) -> int:
    """The ids that ``run`` would play, as it prints them; any can be pasted as an argument."""
    wish = Wish.of(args)
    asked = chosen(args.paths)
    rows: list[dict[str, Any]] = []
    left_out, missing = 0, 0
    for name in wish.targets(asked):
        try:
            target = open_target(name)
        except EnvironmentProblem as problem:
            note(f"conformance: {sentence(problem)}")
            missing += 1
            continue
        with target:
            plan = wish.plan(asked, target.profile)
            rows += [_row(job, target) for job in plan.jobs]
            left_out += len(plan.slow)
    if not rows and not left_out:
        if missing:
            return EnvironmentProblem.exit_status
        raise wish.nothing(asked)
    if args.json:
        say_json(rows)
    else:
        for row in rows:
            say(f"{row['id']}  {row['title']}")
    if left_out:
        note(slow_line(left_out))
    return 0


def _row(job: Job, target: Target) -> dict[str, Any]:
    case = job.case
    return {
        "id": job_id(job, target.profile.name),
        "case": case.id,
        "path": case.path,
        "line": max(case.span.line, 1),
        "title": case.title,
        "target": target.profile.name,
        "ip": job.ip,
        "verifies": list(case.verifies),
        "skipped": refusal(job, target.profile),
    }


# ---- show, check, fmt ----------------------------------------------------------------------------


def show(args: Namespace) -> int:
    """A case as a ladder, from its text alone."""
    from conformance.report.plan import head, plan

    for number, case in enumerate(each_once(chosen([args.case], fragments=True))):
        color = in_color()
        told = f"{head(case, color=color)}\n{plan(case, color=color)}"
        say(("\n" if number else "") + told, painted=True)
    return 0


def check(args: Namespace) -> int:
    """Every fault of every file, as a person reads it."""
    sources: dict[str, str] = {}
    cases, faults = load(paths_of(args.paths), None, known(), sources)
    for fault in faults:
        say(render(fault, sources))
    places = len({case.path for case in cases})
    if not cases and not faults:
        raise CaseError("nothing to check: there is no case here")
    if faults:
        bad = len({fault.span.path for fault in faults})
        note(f"conformance: {_many(len(faults), 'fault')} in {_many(bad, 'file')}")
        return CaseFaults.exit_status
    say(f"{_many(len(cases), 'case')} in {_many(places, 'file')}: no faults")
    return 0


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" + ("" if count == 1 else "s")


def fmt(args: Namespace) -> int:
    """Spell every file as it is committed; one that cannot be read stays as it is."""
    found = [pair for path in paths_of(args.paths) for pair in find(path)]
    faults = [problem for _, problem in found if problem is not None]
    sources: dict[str, str] = {}
    changed = 0
    for file in (file for file, problem in found if problem is None):
        try:
            formatted = _format(file, write=not args.check)
        except CaseFaults as error:
            faults += error.faults
            sources |= error.sources
        except UnicodeDecodeError:
            faults.append(Fault(Span(str(file), 0, 0), "the file is no UTF-8"))
        except OSError as error:
            faults.append(Fault(Span(str(file), 0, 0), files.reason(error)))
        else:
            if formatted:
                changed += 1
                say(f"{'would format' if args.check else 'formatted'} {file}")
    if faults:
        raise CaseFaults(faults, sources)
    return int(bool(changed) and args.check)


def _format(file: Path, *, write: bool) -> bool:
    """Whether the file was, or would be, changed."""
    octets = files.read(file, LARGEST_FILE + 1)
    if len(octets) > LARGEST_FILE:
        raise CaseFaults([Fault(Span(str(file), 0, 0), TOO_LARGE)], {})
    text = octets.decode("utf-8")
    new = format_text(text, str(file))
    if new == text:
        return False
    if write:
        files.write(file, new.encode("utf-8"))
    return True


# ---- schema, diagram -----------------------------------------------------------------------------


def schema(_: Namespace) -> int:
    """The schema as it is committed beside the cases."""
    from conformance.case.schema import schema as language

    say(json.dumps(language(), indent=2))
    return 0


def diagram(args: Namespace) -> int:
    """The state machine, drawn from the table that the reference runs on."""
    from conformance.reference.transitions import TABLE
    from conformance.report.diagram import mermaid, svg

    say(svg(TABLE) if args.format == "svg" else mermaid(TABLE))
    return 0
