"""Any stack as a target: the one that a glue program wraps (see :mod:`.file_model`).

A case begins with a fresh stack: a process of its own, or one that was reset. What the stack has
not (an option, a call) skips the case with its reason; a program that breaks the protocol ends its
case as an error, and the next case begins with another process.
"""

from __future__ import annotations

import os
import platform
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from conformance.case.model import Case
from conformance.errors import CaseError, TargetError
from conformance.live.clock import set_real_time_priority
from conformance.live.descriptors import at_once as fitting
from conformance.live.glue.channel import (
    FIRST_WORD,
    FLOOD,
    MOST_FRAMES,
    PATIENCE,
    UNWATCHED,
    Reply,
    WireTrouble,
)
from conformance.live.glue.frame_lab import FrameLab, FramePlaying, ProgramSource
from conformance.live.glue.lab import GlueLab, GluePlaying
from conformance.live.glue.program import DESCRIPTORS
from conformance.live.glue.replies import greet
from conformance.live.glue.server_lab import ServerLab, ServerPlaying
from conformance.live.interface.host_wire import HostWire
from conformance.live.kernel.lab import PORTS
from conformance.live.loop import LabLoop, Opener, Playing
from conformance.play.conversation import Conversation
from conformance.play.estimate import least
from conformance.play.needs import settings, sysctls
from conformance.play.profile import Ability, Profile
from conformance.play.record import MANY, Addressing, Record
from conformance.play.servers import served_by
from conformance.play.verdict import Outcome
from conformance.sim.world import World
from conformance.steps import RUNNERS
from conformance.targets.base import Done, Job, Target, refusal, skipped
from conformance.targets.files.model import (
    ADDRESSES,
    ClockKind,
    Control,
    ResetKind,
    TargetFile,
    WireKind,
)
from conformance.targets.kinds.programs import Programs, Started, facts
from conformance.targets.kinds.remote import as_linux, prepared, unworn
from conformance.targets.kinds.virtual_glue import Lacking, VirtualGlue

_AT_ONCE_PER_CORE: Final = 32
_AHEAD: Final = 2  # programs that start while another plays, in virtual time
# What a file cannot claim: it follows from its other words.
_NOT_ITS_OWN: Final = {
    Ability.PATH,
    Ability.VIRTUAL_TIME,
    Ability.OWN_LINK,
    Ability.THIRD_HOST,
}
_FIRST_PORT, _LAST_PORT = 1024, MANY


def open_file(file: TargetFile) -> Target:
    """The target of a file.

    Raises CaseError for a file that cannot be played, EnvironmentProblem where this machine lacks
    something, TargetError for a program that is none.
    """
    check(file)
    return GlueTarget(prepared(file) if file.ssh else file)


class GlueTarget(Target):
    """The stack behind a glue program."""

    def __init__(self, file: TargetFile) -> None:
        check(file)
        self.file = file
        self._programs = Programs(file)
        with ExitStack() as unless_open:
            unless_open.callback(self._programs.close)
            told = self._first_word()
            unless_open.pop_all()
        if file.clock is not ClockKind.VIRTUAL:
            set_real_time_priority()
        self.profile = _profile(
            file, facts(file, told, {**self._programs.facts, "python": platform.python_version()})
        )
        if file.ssh:
            self.profile = as_linux(self.profile, told)

    def _first_word(self) -> str:
        """Name and version of the stack; it shows that the program can be started at all."""
        if self.file.control is Control.NONE:
            return ""
        started = self._programs.take()
        glue = started.speaker
        try:
            greet(glue, glue.answer(glue.ask("version"), [], FIRST_WORD), self.file.abilities)
            if self.file.reset is ResetKind.CALL:
                reply = glue.answer(glue.ask("reset"), [])
                if reply.errno:
                    glue.fail(f"it refuses reset ({reply.errno}): reset: process does without")
        except TargetError:
            started.close()
            raise
        self._programs.put_back(started)
        return glue.told

    def run(self, jobs: Sequence[Job], done: Done, at_once: int | None = None) -> None:
        """Play the jobs; in real time those that need the longest should come first."""
        playable = []
        for job in jobs:
            reason = self._refusal(job)
            if reason:
                done(job, skipped(job, self.profile, reason))
            else:
                playable.append(job)
        if self.file.clock is ClockKind.VIRTUAL:
            for at, job in enumerate(playable):
                if at == 0 or len(playable) - at > _AHEAD:
                    self._programs.prepare(min(_AHEAD, len(playable)) if at == 0 else 1)
                done(job, self._play(job))
        elif playable:
            self._play_all(playable, done, at_once)
        self._hold_to_watch()

    def _refusal(self, job: Job) -> str:
        profile = self.profile
        if self.file.control is Control.NONE and self._server(job.case):
            profile = replace(profile, abilities=profile.abilities | {Ability.CALLS})
        reason = refusal(job, profile)
        if reason:
            return reason
        if sysctls(job.case):
            return f"{profile.name} has no sysctls of Linux"
        if 0 < self.file.longest < (takes := least(job.case, profile)):
            longest = f"{self.file.longest / 3600:g} h"
            return f"{profile.name} plays no more than {longest}, and this takes {takes / 3600:g} h"
        unknown = sorted(settings(job.case) - profile.options)
        return f"{profile.name} has no option {', '.join(unknown)}" if unknown else ""

    def _server(self, case: Case) -> int:
        """The port of a server that makes all of the case's calls by itself; 0 if none does,
        and for a case without calls, whose port is closed.
        """
        fit = served_by(case)
        return next((port for server, port in self.file.serves.items() if server in fit), 0)

    # ---- virtual time ----------------------------------------------------------------------------

    def _play(self, job: Job) -> Record:
        talk = Conversation(job.case, self.profile, RUNNERS, Addressing(ip=job.ip, isn=job.isn))
        started, ends = self._programs.take(), self._programs.tester(job.ip).codec.addresses
        talk.record.between(ends.tester, ends.target)
        started.sound = False  # until the case is over and nothing was wrong
        try:
            stack = self._stack(started, job)
            world = World(talk, stack)
            world.run()
            started.sound = not world.dead
        except Lacking as lacking:
            talk.abandon(Outcome.SKIPPED, f"{self.profile.name} {lacking}")
            started.sound = True
        except TargetError as error:
            talk.abandon(Outcome.ERROR, str(error), error.owner)
        except CaseError as error:
            talk.abandon(Outcome.ERROR, f"the case is wrong: {error}", error.owner)
            started.sound = True
        finally:
            started.speaker.forget()
            self._programs.give_back(started)
        return talk.record

    def _stack(self, started: Started, job: Job) -> VirtualGlue:
        """The stack, fresh, with the addresses and the settings of the job."""
        assert started.wire is not None
        glue = started.speaker
        others: list[Reply] = []
        began = 0
        for call, args, judge in self._programs.questions(started, job.case, job.ip):
            reply = glue.answer(glue.ask(call, args), others, FIRST_WORD)
            lacks = judge(reply)
            if lacks:
                raise Lacking(lacks)
            if call == "reset":
                _empty(started)
            began = reply.ended
        tester = self._programs.tester(job.ip)
        takes = least(job.case, self.profile)
        return VirtualGlue(glue, started.wire, tester, self.file.options, began, takes)

    # ---- real time -------------------------------------------------------------------------------

    def _play_all(self, jobs: Sequence[Job], done: Done, at_once: int | None) -> None:
        limit = at_once or self.file.at_once
        limit = limit or _AT_ONCE_PER_CORE * len(os.sched_getaffinity(0))
        if self.file.reset is ResetKind.CALL or self.file.wire is WireKind.INTERFACE:
            limit = 1
        limit = fitting(limit, DESCRIPTORS)
        starting = 2 * len(os.sched_getaffinity(0))
        playing: dict[int, tuple[Job, Started]] = {}
        labs: dict[int, FrameLab] = {}

        def room() -> bool:
            return sum(not lab.ready for lab in labs.values()) < starting

        def ended(record: Record) -> None:
            job, started = playing.pop(id(record))
            lab = labs.pop(id(record))
            assert record.verdict is not None
            started.sound = not lab.lost and record.verdict.outcome is not Outcome.ERROR
            self._programs.give_back(started)
            done(job, record)

        def opener(job: Job) -> Opener:
            def open_one(port: int) -> Playing | Record:
                live, started = self._open(job, port)
                playing[id(live.talk.record)] = job, started
                labs[id(live.talk.record)] = live.lab
                return live

            return open_one

        ports: Sequence[int] = range(_FIRST_PORT, _LAST_PORT, PORTS)
        ports = unworn(ports) if self.file.ssh else ports
        source = ProgramSource(ports, self._programs.prepare, room)
        try:
            LabLoop(source, limit, self.watch).run([opener(job) for job in jobs], ended)
        finally:
            for _, started in playing.values():
                started.close()
            source.close()

    def _open(self, job: Job, port: int) -> tuple[FramePlaying, Started]:
        irs = zlib.crc32(job.case.id.encode())  # any number will do, the same every time
        plain = self.file.control is Control.NONE
        served = self._server(job.case) if plain else 0
        addressing = Addressing(ip=job.ip, tester_port=port, irs=irs, isn=job.isn)
        if served:
            addressing = replace(addressing, target_port=served)
        talk = Conversation(job.case, self.profile, RUNNERS, addressing)
        started, tester = self._programs.take(), self._programs.tester(job.ip)
        ends = tester.codec.addresses
        talk.record.between(ends.tester, ends.target)
        if isinstance(started.wire, HostWire):
            started.wire.begin(tester, port)
        if plain:
            ports = (served or next(iter(self.file.serves.values())), port)
            lone = ServerLab(started.program, started.glue, started.wire, tester, ports)
            return ServerPlaying(talk, lone, self.profile.name), started
        assert started.program is not None
        questions = self._programs.questions(started, job.case, job.ip)
        lab = GlueLab(started.program, started.speaker, started.wire, tester, questions)
        return GluePlaying(talk, lab, self.file.options, self.profile.name), started

    def _hold_to_watch(self) -> None:
        if self._programs.was_held():
            raise TargetError(f"The glue program of {self.file.name}: {UNWATCHED}.")

    def close(self) -> None:
        """End every program."""
        self._programs.close()


def _empty(started: Started) -> None:
    """Take from the wire what is of the case before."""
    assert started.wire is not None
    taken = 0
    try:
        while found := started.wire.take():
            taken += len(found)
            if taken > MOST_FRAMES:
                started.speaker.fail(FLOOD)
    except WireTrouble as trouble:
        started.speaker.fail(str(trouble), gone=trouble.gone)


def check(file: TargetFile) -> None:
    """What no run could do, whatever wrote the file."""
    if file.wire is WireKind.INTERFACE and not file.own_network:
        raise CaseError(
            f"{file.name} is behind the interface {file.interface} of this machine: --own-network "
            "says that it may be used"
        )
    if file.clock is ClockKind.VIRTUAL and (
        file.wire is not WireKind.FD or file.control is not Control.AGENT
    ):
        raise CaseError(f"{file.name} has a virtual clock: that needs wire: fd and control: agent")


def _profile(file: TargetFile, known: dict[str, str]) -> Profile:
    """What the file says of the stack. A program reports no path of states, only samples."""
    abilities = set(file.abilities) - _NOT_ITS_OWN
    if file.wire is not WireKind.INTERFACE:
        abilities.add(Ability.OWN_LINK)
        if all(file.addresses.get(ip, usual) == usual for ip, usual in ADDRESSES.items()):
            abilities.add(Ability.THIRD_HOST)
    if file.clock is ClockKind.VIRTUAL:
        abilities.add(Ability.VIRTUAL_TIME)
    return Profile(
        name=file.name,
        msl=file.msl,
        rto=file.rto,
        min_rto=file.min_rto,
        delack=file.delack,
        grace=0.0 if file.clock is ClockKind.VIRTUAL else PATIENCE,
        response=file.response,
        settle=file.settle,
        tick=file.tick,
        abilities=frozenset(abilities),
        options=frozenset(file.options),
        facts=known,
        lacks=file.lacks,
        tolerances=file.tolerances,
    )
