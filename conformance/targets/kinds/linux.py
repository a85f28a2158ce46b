"""The running Linux kernel as a target, in fresh private namespaces for each case.

Whatever a case depends on is set and read back before its first step. A setting that the
namespace may not have (a congestion control that the host does not allow) skips the case with its
reason; a value that the kernel does not take is an error of the case.
"""

from __future__ import annotations

import errno
import os
import socket
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from conformance.errors import EnvironmentProblem, Owner, TargetError
from conformance.live.clock import set_real_time_priority
from conformance.live.descriptors import at_once as fitting
from conformance.live.kernel.lab import DESCRIPTORS, KernelLabs
from conformance.live.kernel.refusals import SettingRefused
from conformance.live.loop import KernelPlaying, LabLoop, Opener
from conformance.play.conversation import Conversation
from conformance.play.profile import PATIENCE, Ability, Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Outcome
from conformance.steps import RUNNERS
from conformance.targets.base import Done, Job, Target, refusal, skipped
from conformance.targets.settings.options import IMPLIED, LINUX, is_known, sysctls
from conformance.targets.settings.surroundings import SURROUNDINGS

KIND: Final = "linux"
DEVIATIONS: Final = Path(__file__).parents[1] / "linux.deviations.yaml"
_GIVEN: Final = {
    (name, value)
    for name, value in IMPLIED.items()
    if not Path("/proc/sys", *name.split(".")).exists()
}
_AT_ONCE_PER_CORE: Final = 64
_IN_VIRTUAL_TIME: Final = 0.1  # seconds; the harness runs there too, and takes some
_MD5SIG, _AO_INFO = 14, 40  # <linux/tcp.h>


def profile(name: str, abilities: frozenset[Ability], facts: Mapping[str, str]) -> Profile:
    """What any Linux says of itself."""
    return Profile(
        name=name,
        kind=KIND,
        version=facts["kernel"],
        msl=30.0,  # TCP_TIMEWAIT_LEN, 60 s, is twice what Linux takes for the MSL
        rto=1.0,
        min_rto=0.2,
        delack=0.2,
        response=_IN_VIRTUAL_TIME if Ability.VIRTUAL_TIME in abilities else PATIENCE,
        shortest=0.008,
        grace=2.0,
        abilities=abilities,
        options=frozenset(LINUX),
        facts=facts,
    )


def _unsigned() -> set[Ability]:
    """The ways to sign segments that this kernel was built without."""
    missing = set()
    with socket.socket() as asking:
        for ability, option in ((Ability.MD5, _MD5SIG), (Ability.AO, _AO_INFO)):
            try:
                asking.setsockopt(socket.IPPROTO_TCP, option, bytes(4))
            except OSError as error:  # all have another word for nothing at all
                if error.errno == errno.ENOPROTOOPT:
                    missing.add(ability)
    return missing


class Linux(Target):
    """The kernel that runs this process."""

    def __init__(
        self,
        name: str = KIND,
        facts: Mapping[str, str] | None = None,
        surroundings: str = "",
    ) -> None:
        """``facts``: what is known of a kernel in virtual time; None is the running one's time.

        ``surroundings``: the name of settings that cases leave alone; ``facts`` may have it too.
        """
        self._labs = KernelLabs()
        if facts is not None:
            self._labs.load()  # what a guest reads costs it time: none of a run's
        self._opened = False  # whether a case ever had its surroundings
        set_real_time_priority()
        missing = set() if self._labs.trace else {Ability.PATH}
        missing |= _unsigned()
        if facts is None:
            missing.add(Ability.VIRTUAL_TIME)
        told = {**self._labs.facts, **(facts or {})}
        if surroundings:
            told["surroundings"] = surroundings
        self._around = SURROUNDINGS.get(told.get("surroundings", ""), {})
        self.profile = profile(name, frozenset(Ability) - missing, told)

    def run(self, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
        """Play the jobs; those that need the longest should come first."""
        cores = len(os.sched_getaffinity(0))
        limit = fitting(at_once or _AT_ONCE_PER_CORE * cores, DESCRIPTORS)
        records: dict[int, Job] = {}

        def ended(record: Record) -> None:
            done(records.pop(id(record)), record)

        playable = []
        for job in jobs:
            reason = refusal(job, self.profile)
            if reason:
                done(job, skipped(job, self.profile, reason))
            else:
                playable.append(job)

        openers = [self._opener(job, records) for job in playable]
        LabLoop(self._labs, limit, self.watch).run(openers, ended)

    def _opener(self, job: Job, records: dict[int, Job]) -> Opener:
        def opener(port: int) -> KernelPlaying | Record:
            live = self._open(job, port)
            records[id(live.talk.record if isinstance(live, KernelPlaying) else live)] = job
            return live

        return opener

    def _open(self, job: Job, port: int) -> KernelPlaying | Record:
        irs = zlib.crc32(job.case.id.encode())  # any number will do, the same every time
        addressing = Addressing(ip=job.ip, tester_port=port, irs=irs, isn=job.isn)
        talk = Conversation(job.case, self.profile, RUNNERS, addressing)
        wanted = {**self._around, **job.case.sysctl}
        for name, value in job.case.options.items():
            wanted.update(sysctls(name, value))
        wanted = {name: value for name, value in wanted.items() if (name, value) not in _GIVEN}
        try:
            lab = self._labs.open(ip=job.ip, sysctls=wanted, tester_port_base=port)
        except SettingRefused as error:
            if is_known(error.name, error.value, lacks=error.lacks, needs=job.case.needs):
                talk.abandon(Outcome.SKIPPED, str(error))
            else:
                told = f"the case is wrong: {error.name} = {error.value}: {error.reason}"
                talk.abandon(Outcome.ERROR, told, Owner.CASE)
        except (EnvironmentProblem, TargetError) as error:
            if isinstance(error, EnvironmentProblem) and not self._opened:
                raise  # what this machine does not let us do for one case it lets us do for none
            talk.abandon(Outcome.ERROR, str(error), error.owner)
        else:
            self._opened = True
            talk.record.between(lab.tester_address, lab.target_address)
            return KernelPlaying(talk, lab, sysctls)
        talk.forget()
        return talk.record

    def close(self) -> None:
        """End the netns server; every namespace goes with it."""
        self._labs.close()
