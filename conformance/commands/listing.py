"""The command that plays nothing and needs to know the targets: list."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from conformance.commands.choice import chosen
from conformance.commands.kernel_options import surroundings
from conformance.commands.output import note, say, say_json, slow_line
from conformance.commands.request import Request
from conformance.errors import EnvironmentProblem
from conformance.exits import Exit
from conformance.play.profile import Profile
from conformance.targets import Wanted, open_target
from conformance.targets.base import Job, refusal
from conformance.targets.names import job_id, sentence


def list_cases(args: Namespace) -> int:
    """The ids that ``run`` would play, as it prints them; any can be pasted as an argument."""
    request = Request.of(args)
    asked = chosen(args.paths)
    listed: list[tuple[Job, Profile]] = []
    left_out, missing = 0, 0
    names = request.targets(asked)
    wanted = Wanted(surroundings=surroundings(args.surroundings, names))
    for name in names:
        try:
            target = open_target(name, wanted)
        except EnvironmentProblem as problem:
            note(f"conformance: {sentence(problem)}")
            missing += 1
            continue
        with target:
            plan = request.plan(asked, target.profile, target.deviations)
            listed += [(job, target.profile) for job in plan.jobs]
            left_out += len(plan.slow)
    if not listed and not left_out:
        if missing:
            return Exit.BROKEN
        raise request.nothing(asked)
    if args.json:
        say_json([_row(job, profile) for job, profile in listed])
    elif listed:
        said = (f"{job_id(job, profile.name)}  {job.case.title}" for job, profile in listed)
        say("\n".join(said))
    if left_out:
        note(slow_line(left_out))
    return Exit.EXPECTED


def _row(job: Job, profile: Profile) -> dict[str, Any]:
    case = job.case
    return {
        "id": job_id(job, profile.name),
        "case": case.id,
        "path": case.path,
        "line": max(case.span.line, 1),
        "title": case.title,
        "target": profile.name,
        "ip": job.ip,
        "verifies": list(case.all_verifies),
        "skipped": refusal(job, profile),
    }
