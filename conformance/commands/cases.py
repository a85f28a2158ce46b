"""The commands that need no target: show, check, fmt, schema, diagram."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from conformance import files
from conformance.case import assumes, timers
from conformance.case.faults import CaseFaults, Fault, render
from conformance.case.fmt import format_text
from conformance.case.load import find
from conformance.case.nodes import LARGEST_FILE, TOO_LARGE
from conformance.case.spans import Span
from conformance.commands.choice import chosen, each_once, paths_of
from conformance.commands.output import in_color, note, say
from conformance.commands.shares import load
from conformance.errors import CaseError
from conformance.exits import Exit
from conformance.targets.names import vocabulary

# ---- show, check, fmt ----------------------------------------------------------------------------


def show(args: Namespace) -> int:
    """A case as a ladder, from its text alone."""
    from conformance.report.plan import head, plan

    for number, case in enumerate(each_once(chosen([args.case], fragments=True))):
        color = in_color()
        told = f"{head(case, color=color)}\n{plan(case, color=color)}"
        say(("\n" if number else "") + told, painted=True)
    return Exit.EXPECTED


def check(args: Namespace) -> int:
    """Every fault of every file, as a person reads it; else what no RFC asks of a target."""
    sources: dict[str, str] = {}
    cases, faults = load(paths_of(args.paths), vocabulary(), sources)
    for fault in faults:
        say(render(fault, sources))
    places = len({case.path for case in cases})
    if not cases and not faults:
        raise CaseError("nothing to check: there is no case here")
    if faults:
        bad = len({fault.span.path for fault in faults})
        note(f"conformance: {_many(len(faults), 'fault')} in {_many(bad, 'file')}")
        return Exit.WRONG
    told = dict.fromkeys(
        remark for of in (assumes, timers) for case in cases for remark in of.remarks(case)
    )
    for remark in told:
        say(render(replace(remark, message=f"remark: {remark.message}"), sources))
    noted = f", {_many(len(told), 'remark')}" if told else ""
    say(f"{_many(len(cases), 'case')} in {_many(places, 'file')}: no faults{noted}")
    return Exit.EXPECTED


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
    return Exit.found(changed and args.check)


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


def schema(args: Namespace) -> int:
    """A schema as it is committed: beside the cases, or in ``report``."""
    match args.of:
        case "record":
            from conformance.report.record_schema import schema as made
        case "run":
            from conformance.report.run_schema import schema as made
        case _:
            from conformance.case.schema import schema as made
    say(json.dumps(made(), indent=2))
    return Exit.EXPECTED


def diagram(args: Namespace) -> int:
    """The state machine, drawn from the table that the reference runs on."""
    from conformance.reference.transitions import TABLE
    from conformance.report.diagram import mermaid, svg

    say(svg(TABLE) if args.format == "svg" else mermaid(TABLE))
    return Exit.EXPECTED
