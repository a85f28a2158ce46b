"""What is played: cases to jobs.

A job that takes longer than ``LONGEST`` of real time is left out unless it is asked for; the caller
says how many were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.play.estimate import least
from conformance.play.isn import isns as isns_for
from conformance.play.profile import Ability, Profile
from conformance.requirements.catalogue import LEVELS, get
from conformance.targets.base import Job, refusal
from conformance.targets.deviations import NOTHING, Deviations
from conformance.targets.names import Chosen, job_id

LONGEST: Final = 10.0  # seconds of real time that a case may take without being asked for


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs to play, and those left out because they are slow."""

    jobs: tuple[Job, ...]
    slow: tuple[Job, ...] = ()


def versions_of(text: str) -> tuple[int, ...]:
    """``4,6`` as IP versions; empty for empty."""
    words = [word.strip() for word in text.split(",")] if text else []
    if wrong := [word for word in words if word not in ("4", "6")]:
        raise CaseError(f"{wrong[0]!r} is no IP version; it is 4, 6 or 4,6")
    return tuple(sorted({int(word) for word in words}))


def versions(profile: Profile, asked: Sequence[int] = ()) -> tuple[int, ...]:
    """The IP versions to play: those asked for, else all that the target has."""
    return tuple(asked) or ((4, 6) if Ability.IPV6 in profile.abilities else (4,))


def is_slow(job: Job, profile: Profile) -> bool:
    """Whether the job takes so long on this target that it must be asked for.

    One that the target cannot play takes no time at all, and says why.
    """
    return takes_long(job.case, profile) and not refusal(job, profile)


def takes_long(case: Case, profile: Profile) -> bool:
    """Whether it takes longer on this target than a case may without being asked for."""
    return not profile.virtual and least(case, profile) > LONGEST


def verifies(case: Case, wanted: str) -> bool:
    """Whether the case verifies a requirement of this id, with or without the RFC.

    A part of an id will do if it ends where a word of it does: ``rfc9293``, ``MUST``, ``EV-LISTEN``
    and ``T-3.8``, but ``MUST-3`` is not ``MUST-30``.
    """
    return not wanted or any(
        _begins(id, wanted) or _begins(id.partition("/")[2], wanted) for id in case.all_verifies
    )


def levels_of(text: str) -> frozenset[str]:
    """``MUST,SHOULD`` as keywords, ``MUST NOT`` and the like among them; empty for empty."""
    words = [word.strip() for word in text.split(",")] if text else []
    if wrong := [word for word in words if word not in LEVELS]:
        raise CaseError(f"{wrong[0]!r} is no level; levels are {', '.join(LEVELS)}")
    return frozenset[str]().union(*(LEVELS[word] for word in words))


def has_level(case: Case, levels: frozenset[str]) -> bool:
    """Whether the case verifies a requirement of one of these levels; of none, any does."""
    found = (get(id) for id in case.all_verifies)
    return not levels or any(one is not None and one.level in levels for one in found)


def _begins(id: str, wanted: str) -> bool:
    rest = id.removeprefix(wanted)
    words_end = not rest or not rest[0].isalnum() or not wanted[-1].isalnum()
    return id.startswith(wanted) and words_end


def choose(
    chosen: Iterable[Chosen],
    profile: Profile,
    *,
    ips: Sequence[int] = (),
    isns: Sequence[str] = (),
    requirement: str = "",
    levels: frozenset[str] = frozenset(),
    keyword: Callable[[str], bool] | None = None,
    slow: bool = False,
    known: Deviations = NOTHING,
) -> Plan:
    """The jobs of these cases on one target, each once, in the order of the cases.

    ``known``: what the target is known to do instead, and to go on with.
    """
    jobs: dict[tuple[str, str], Job] = {}
    for one in chosen:
        if one.target not in ("", profile.name) or not verifies(one.case, requirement):
            continue
        if not has_level(one.case, levels):
            continue
        asked = isns if one.isn is None else (str(one.isn),)
        for isn, ip in product(isns_for(one.case, asked), versions(profile, ips)):
            job = Job(known.joined(one.case, ip, profile), ip, isn)
            name = job_id(job, profile.name)
            if one.ip in (0, ip) and (keyword is None or keyword(name)):
                jobs.setdefault((one.case.path, name), job)
    cases = {} if slow else {id(job.case): job.case for job in jobs.values()}  # not for each IP
    long = {key for key, case in cases.items() if takes_long(case, profile)}
    left_out = {
        key for key, job in jobs.items() if id(job.case) in long and not refusal(job, profile)
    }
    return Plan(
        tuple(job for key, job in jobs.items() if key not in left_out),
        tuple(jobs[key] for key in jobs if key in left_out),
    )
