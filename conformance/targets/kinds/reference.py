"""The reference TCP as a target: no root, no wire, no waiting, always the same.

Its ISN is one of three, so that a case is never right for one number only: 0, 2**31, and one
that wraps within the exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from conformance import __version__
from conformance.case.calls import arguments
from conformance.case.lint import every_step
from conformance.case.model import Case
from conformance.case.verbs.call import OfCall
from conformance.errors import Owner
from conformance.play.conversation import Conversation
from conformance.play.profile import Ability, Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Outcome
from conformance.reference.calls import CALLS
from conformance.reference.config import OPTIONS
from conformance.reference.machine import Config, Stack
from conformance.reference.sockopts import NAMES
from conformance.sim.world import Tamper, World
from conformance.steps import RUNNERS
from conformance.targets.base import Done, Job, Target, refusal, skipped
from conformance.tcp.addresses import ENDS
from conformance.tcp.authentication import Ends

# Of the target: where its numbers wrap is before its second octet ("wrapping"), right behind its
# SYN ("syn"), in the second of two segments of a hundred octets ("second").
ISNS: Final = {
    "zero": 0,
    "half": 1 << 31,
    "wrapping": (1 << 32) - 3,
    "syn": (1 << 32) - 1,
    "second": (1 << 32) - 150,
}


def _lacks(case: Case) -> str:
    """Why the case has to be skipped: what is Linux's own, or needs records, is not in the RFC."""
    for step in every_step(case.all_steps):
        if not isinstance(step, OfCall):
            continue
        name, args = step.value.name, arguments(step.value)[1]
        if "EOR" in str(args.get("flag", "")).split("|"):
            return "reference has no flag EOR of send"
        if name not in CALLS:
            return f"reference has no call {name}"
        if name in ("setsockopt", "getsockopt") and args["name"] not in NAMES:
            return f"reference has no socket option {args['name']}"
    return ""


class Reference(Target):
    """The machine of ``conformance.reference`` in a world of its own for each case."""

    def __init__(
        self,
        isn: int = ISNS["wrapping"],
        config: Config | None = None,
        make: Callable[[Config], Stack] | None = None,
    ) -> None:
        """``make``: the stack of a case, where it is to be more than the machine itself."""
        self._make = make
        self._config = config or Config(iss=isn)
        self.profile = Profile(
            name="reference",
            version=__version__,
            msl=self._config.msl,
            rto=self._config.rto,
            min_rto=self._config.min_rto,
            delack=0.5,
            response=0.01,
            abilities=frozenset(Ability) - {Ability.COUNTERS, Ability.LINUX, Ability.AO},
            options=frozenset(OPTIONS),
            facts={"isn": str(self._config.iss)},
        )

    def run(self, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
        """Play them one by one: nothing here ever waits."""
        for job in jobs:
            done(job, self.play(job))

    def play(self, job: Job, tamper: Tamper | None = None) -> Record:
        """Play one job; ``tamper`` changes what the target answers."""
        reason = refusal(job, self.profile) or _lacks(job.case)
        if reason:
            return skipped(job, self.profile, reason)
        stack = (self._make or Stack)(self._config_for(job.ip))
        talk = Conversation(job.case, self.profile, RUNNERS, Addressing(ip=job.ip, isn=job.isn))
        for name, value in job.case.options.items():
            try:
                stack.set_option(name, value)
            except ValueError as error:
                talk.abandon(Outcome.ERROR, str(error), Owner.CASE)
        if talk.verdict is None:
            World(talk, stack, tamper).run()
        return talk.record

    def _config_for(self, ip: int) -> Config:
        if ip == 4:
            return self._config
        mss, ends = min(self._config.mss, 1440), Ends.of(*reversed(ENDS[6]))
        return replace(self._config, mss=mss, default_mss=1220, ends=ends)
