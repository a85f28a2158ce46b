"""What a case may name, and how cases and errors are named to a user.

A light module: ``check``, ``show`` and ``fmt`` read it, and none of them opens a target or plays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.case.decode import Known
from conformance.case.model import Case
from conformance.errors import ConformanceError
from conformance.play.played import played_id
from conformance.play.profile import Ability
from conformance.requirements import catalogue
from conformance.targets.releases import shipped
from conformance.targets.settings.counters import near as near_counter
from conformance.targets.settings.options import SETTINGS

if TYPE_CHECKING:
    from conformance.targets.base import Job


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case that somebody asked for; only on one target, IP version or ISN when these are set."""

    case: Case
    target: str = ""
    ip: int = 0
    isn: int | None = None


def vocabulary() -> Known:
    """What a case may name: requirements, watch rules, abilities, and the shipped fragments."""
    return Known(
        requirement=catalogue.problem,
        watch_rules=_watch_rules,
        abilities=frozenset(str(ability) for ability in Ability),
        settings=SETTINGS,
        shipped=shipped(),
        counter=near_counter,
    )


def _watch_rules() -> frozenset[str]:
    """Imported when a case names one: the rules look at segments, and few cases name any."""
    from conformance.play.watch import RULE_NAMES

    return RULE_NAMES


def requirement_text(id: str) -> tuple[str, str] | None:
    """A requirement's level and text, for a report."""
    found = catalogue.get(id)
    return (found.level, found.text) if found else None


def job_id(job: Job, target: str) -> str:
    """The id that the job's record will have."""
    return played_id(job.case.id, target, job.ip, job.isn)


def sentence(error: ConformanceError) -> str:
    """What the user reads."""
    return str(error).rstrip(".")
