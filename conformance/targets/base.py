"""What a target is: something that plays jobs and tells how each ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.case.lint import ip_versions
from conformance.case.model import Case
from conformance.case.settings import SYSCTLS
from conformance.play.conversation import Conversation
from conformance.play.needs import needs as derived
from conformance.play.needs import parts, sysctls
from conformance.play.profile import Ability, Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Outcome, Verdict
from conformance.targets.deviations import NOTHING, Deviations


@dataclass(frozen=True, slots=True)
class Job:
    """One case to be played over one IP version.

    ``isn``: the ISN that the tester shall have; None: any, or the case's own.
    """

    case: Case
    ip: int = 4
    isn: int | None = None


Done = Callable[[Job, Record], None]
Watch = Callable[[Sequence[Conversation]], None]


class Target(ABC):
    """Plays jobs. ``profile`` is what it says of itself; it is complete once the target is open."""

    profile: Profile
    deviations: Deviations = NOTHING  # what it is known to do otherwise
    watch: Watch | None = None  # who is shown what is being played, in real time
    warning: str = ""  # what the user should know before the verdicts

    @abstractmethod
    def run(self, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
        """Play every job, ``at_once`` at a time (None: what the machine can hold).

        ``done`` is called as each ends, in any order, exactly once a job. An exception that
        ``done`` raises, or KeyboardInterrupt, ends the run and leaves nothing behind.
        """

    def close(self) -> None:  # noqa: B027 - most targets hold nothing
        """Give back what the target holds; idempotent."""

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class WholeRuns(Target):
    """A target that begins and ends runs itself: one in a machine of its own."""

    @abstractmethod
    def play(
        self,
        jobs: Sequence[Job],
        done: Done,
        at_once: int | None = None,
        again: Done | None = None,
    ) -> list[Record]:
        """What ``plan.play`` does for every other target."""


def refusal(job: Job, profile: Profile) -> str:
    """Why the job cannot be played on this target; empty when it can."""
    if job.ip not in ip_versions(job.case):
        return f"IPv{job.ip} has not what this case asks of the IP layer"
    needs = set(job.case.needs) | derived(job.case)
    if job.ip == 6:
        needs.add(Ability.IPV6)
    needs -= {one for one in needs if one.startswith(SYSCTLS)}  # known once it is set
    missing = sorted(needs - {str(ability) for ability in profile.abilities})
    if missing:
        return f"{profile.name} lacks {', '.join(missing)}"
    if profile.lacks and (without := sorted(parts(job.case) & profile.lacks)):
        return f"{profile.name} lacks {', '.join(without)}"
    unknown = sorted(set(job.case.options) - profile.options)
    if unknown:
        return f"{profile.name} has no option {', '.join(unknown)}"
    if sysctls(job.case) and Ability.OPTIONS not in profile.abilities:
        return f"{profile.name} has no sysctls of Linux"
    return ""


def skipped(job: Job, profile: Profile, reason: str) -> Record:
    """The record of a job that was never played."""
    record = Record(job.case, profile, Addressing(ip=job.ip, isn=job.isn))
    record.verdict = Verdict(Outcome.SKIPPED, reason)
    return record


def outcome_of(record: Record) -> Outcome:
    """How a finished record ended."""
    assert record.verdict is not None
    return record.verdict.outcome


def settled(target: Target, done: Done) -> Done:
    """``done``, told what the target is known to do otherwise."""

    def ended(job: Job, record: Record) -> None:
        target.deviations.settle(record)
        done(job, record)

    return ended
