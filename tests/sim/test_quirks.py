"""A stack with a quirk: with its tolerance the cases say as much as they do without the quirk."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from conformance.commands.altered import apart, with_edits
from conformance.commands.faulty import jobs_of
from conformance.play.profile import Tolerance
from conformance.play.tolerances import QUIRKS
from conformance.sim.edits import Edit
from conformance.sim.faults import faults
from conformance.sim.quirks import quirks
from conformance.targets.base import Job
from conformance.targets.deviations import read_text
from conformance.targets.kinds.reference import Reference
from conformance.targets.runs.proposals import explaining

CASES = Path(__file__).parents[2] / "cases" / "rfc9293"
# Where a quirk is met, what fails by it at least, and faults that are found behind it.
SAMPLES = {
    "window-update-after-read": (
        ["3.6-close/half-close-receives.yaml", "3.6-close/peer-fin-with-data.yaml"], 2,
        ["recv-no-eof", "fin-takes-no-number"],
    ),
    "second-ack-of-syn-ack": (
        ["3.10.7.3-syn-sent", "3.5.3-reset-processing/beyond-the-window.yaml"], 10,
        ["syn-sent-takes-any-ack", "unacceptable-rst-is-answered"],
    ),
    "no-challenge-ack": (
        ["3.5.3-reset-processing/in-window.yaml", "3.5-establish/half-open-syn-in-window.yaml",
         "3.10.7.4-segment-arrives/syn.yaml"], 10,
        ["established-forgets-rst", "fin-wait-1-forgets-rst"],
    ),
    "rst-carries-ack": (
        ["3.10.7.1-closed"], 5, ["closed-port-is-silent", "reset-ack-without-length"],
    ),
    "no-urgent": (["3.8.5-urgent"], 2, ["urgent-never-told", "urgent-counted-from-rcv-nxt"]),
    "empty-probe": (
        ["3.8-data/probe-back-off.yaml", "3.8-data/probe-patience.yaml"], 2,
        ["probes-do-not-back-off", "three-probes"],
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """The reference with these edits, played with these tolerances."""

    edits: tuple[Edit, ...] = ()
    tolerated: tuple[str, ...] = ()


def ends(stacks: list[Stack], jobs: list[Job]) -> dict[Stack, dict[str, list[str]]]:
    """How each job ended, by its id, and which tolerances would have been used."""
    found = {}
    for stack, lines, _ in apart(stacks, partial(_play, jobs)):
        rows = (json.loads(line) for line in lines if line.startswith("["))
        found[stack] = {id: end for id, *end in rows}
    return found


def verdicts(ends: dict[str, list[str]]) -> dict[str, str]:
    return {id: outcome for id, (outcome, *_) in ends.items()}


def _play(jobs: list[Job], stack: Stack, pipe: int) -> None:
    target = with_edits(stack.edits).Reference()
    tolerances = tuple(Tolerance(name, "it is so") for name in stack.tolerated)
    target.profile = replace(target.profile, tolerances=tolerances)
    for job in jobs:
        record = target.play(job)
        line = json.dumps([record.id, str(record.verdict.outcome), *explaining(record)])
        os.write(pipe, line.encode() + b"\n")


def test_each_tolerance_has_its_stack() -> None:
    assert set(quirks()) == set(QUIRKS) == set(SAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("name", SAMPLES)
def test_all_else_is_judged_as_without_the_quirk(name: str) -> None:
    folders, least, behind = SAMPLES[name]
    jobs = [job for job in jobs_of([str(CASES / folder) for folder in folders]) if job.ip == 4]
    edits = quirks()[name]
    plain, quirk, let_by = Stack(), Stack(edits), Stack(edits, (name,))
    unused = Stack((), (name,))
    others = [Stack((*edits, faults()[fault].edit), (name,)) for fault in behind]
    played = ends([plain, quirk, let_by, unused, *others], jobs)
    found = {stack: verdicts(ends) for stack, ends in played.items()}
    assert {*found[plain].values()} == {"pass"}
    assert found[unused] == found[plain]  # without its quirk a tolerance is never used
    lost = {id for id, end in found[quirk].items() if end != "pass"}
    assert len(lost) >= least
    proposed = [end[1:] for id, end in played[quirk].items() if id in lost]
    assert 2 * proposed.count([name]) > len(lost)
    assert proposed.count([name]) + proposed.count([]) == len(lost)  # and never another
    assert all(len(end) == 1 for end in played[plain].values())
    asserted = {id: "deviates" if id in lost else "pass" for id in found[plain]}
    assert found[let_by] == asserted
    for fault, hidden in zip(behind, others, strict=True):
        assert {"fail", "blocked"} & {*found[hidden].values()}, fault


def test_what_is_said_instead_is_gone_on_from_and_a_fault_behind_it_is_found() -> None:
    row = '["expect: RST seq=wrong.ack", [expect: "RST,ACK seq=wrong.ack ack=*"]]'
    case = "rfc9293/3.10.7.3-syn-sent/wrong-ack"
    known = read_text(f'- because: it is so\n  cases: {{"{case}[*]": {row}}}\n', "toy.yaml")
    jobs = [job for job in jobs_of([str(CASES.parent / f"{case}.yaml")]) if job.ip == 4]
    profile = Reference().profile
    going_on = [replace(job, case=known.joined(job.case, 4, profile)) for job in jobs]
    quirk = Stack(quirks()["rst-carries-ack"])
    faulty = Stack((*quirk.edits, faults()["syn-sent-forgets-syn-ack"].edit))
    alone = ends([quirk, faulty], jobs)
    assert alone[quirk] == alone[faulty]  # the quirk hides it
    assert {*verdicts(alone[quirk]).values()} == {"fail"}
    played = ends([Stack(), quirk, faulty], going_on)
    assert {*verdicts(played[quirk]).values()} == {"deviates"}
    assert {*verdicts(played[faulty]).values()} == {"fail"}
    assert {*verdicts(played[Stack()]).values()} == {"fail"}  # it is strict
