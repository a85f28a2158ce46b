"""What a target is known to do otherwise: a file of its own, keyed by case and step.

::

    - because: lwIP has no simultaneous open; a SYN in SYN-SENT is dropped
      cases:
        rfc9293/3.5-establish/simultaneous-open: ["expect: SYN,ACK seq=0 ack=1", nothing]

Rules:

- An entry is an observation: the step at which the case ends, and what was seen there, in the
  words of the report; ``*`` stands for any text. One reason may hold for many cases; ``versions``
  and ``ip`` narrow a group.
- ``CASE[*]`` is every choice of its parameters; an entry for one of them comes before it.
- ``- cases: 0.5.0`` in the place of a group is the version of the shipped cases that the file was
  made with. What came later and fails is new, and no failure.
- ``disputed:`` is a reason too, where the author holds that the case is wrong and the stack is not.
- What is seen just as it is known needs no excuse: a lateness of ours would explain it, what is
  known explains it better.
- It is strict. A case that ends elsewhere or otherwise fails as ever, and one that passes fails
  too: what was mended has to go from the file.
- A group with ``instead:`` is of cases that go on: those steps stand for the one that is named (its
  text, the first that is alike, or its label), through ``through``, and the rest is judged. A case
  may have several of these, and an end. See :mod:`.going_on`.
- A case file is about TCP. What a stack does instead is written here; there it may stand as well,
  in the same language (``deviations:``), where it tells more of the behaviour than of one stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance import files
from conformance.case.faults import CaseFaults, Fault, Faults
from conformance.case.lint import every_step
from conformance.case.model import Case
from conformance.case.nodes import (
    LARGEST_FILE,
    Unreadable,
    decode_text,
    parse,
)
from conformance.case.step import Step
from conformance.errors import EnvironmentProblem
from conformance.play.profile import Profile, within
from conformance.play.record import Record
from conformance.play.script import unseen
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.targets import going_on
from conformance.targets.known import DeviationsReader, KnownDeviation, all_of
from conformance.targets.releases import newer

if TYPE_CHECKING:
    from conformance.report.jsonlines import Loaded

END: Final = "end"  # the place after the last step
_FAILED: Final = frozenset({Outcome.FAIL, Outcome.BLOCKED})
_JUDGED: Final = _FAILED | {Outcome.PASS, Outcome.DEVIATES}
_GONE: Final = "is known to end at "
_LOOSE: Final = re.compile(r" win=\S+| <[^>]*>")  # another number each time, or each machine


@dataclass(frozen=True, slots=True)
class Deviations:
    """All of one target."""

    entries: dict[str, list[KnownDeviation]] = field(default_factory=dict)
    cases: str = ""  # the version of the shipped ones that it was made with
    path: str = ""
    text: str = ""

    def of(self, record: Record) -> KnownDeviation | None:
        """How this case is known to end on this version and IP version."""
        found = self._of(record.case.id, record.addressing.ip, record.profile)
        return next((entry for entry in found if not entry.instead), None)

    def joined(self, case: Case, ip: int, profile: Profile) -> Case:
        """The case as it goes on here, with what stands for its steps and the text of that."""
        found = self._going_on(case.id, ip, profile)
        instead = [(one.deviation(profile.name), self._kept(one)) for one in found]
        return going_on.joined(case, instead, self.path, self.text)

    def _kept(self, one: KnownDeviation) -> set[int]:
        """Its lines, and those of its group that are of no other case."""
        entries = (entry for entries in self.entries.values() for entry in entries)
        others = (entry.lines for entry in entries if entry.group == one.group)
        return set(one.group).difference(*others) | set(one.lines)

    def _going_on(self, case: str, ip: int, profile: Profile) -> list[KnownDeviation]:
        """What stands for steps of this case; at each of them what is of this choice alone."""
        found: dict[str, KnownDeviation] = {}
        for one in self._of(case, ip, profile):
            if one.instead:
                found.setdefault(one.step, one)
        return list(found.values())

    def _of(self, case: str, ip: int, profile: Profile) -> Iterator[KnownDeviation]:
        """All entries, those for this choice of parameters first."""
        for id in (case, all_of(case)):
            for entry in self.entries.get(id, ()):
                if entry.ip in (0, ip) and within(profile.version, entry.versions):
                    yield entry

    def settle(self, record: Record) -> None:
        """Give a final record the verdict that it has in the light of what is known."""
        entry, verdict = self.of(record), record.verdict
        if verdict is None:
            return
        ip, profile = record.addressing.ip, record.profile
        instead = self._going_on(record.case.id, ip, profile)
        if verdict.outcome in _JUDGED and (lost := self._lost(record, instead)):
            record.verdict = replace(verdict, outcome=Outcome.FAIL, doubted=None, reason=lost)
            return
        if any(one.disputed for one in instead) and verdict.outcome is Outcome.DEVIATES:
            record.verdict = verdict = replace(verdict, disputed=True)
        if entry is None:
            if instead:
                return
            if verdict.believed().outcome in _FAILED and self._new(record.case.id):
                told = f"new: this case came after {self.cases}; {verdict.believed().reason}"
                record.verdict = replace(
                    verdict, outcome=Outcome.DEVIATES, doubted=None, new=True, reason=told
                )
            return
        if verdict.failure is not None and entry.fits(*place(record)):
            record.verdict = replace(
                verdict, outcome=Outcome.DEVIATES, doubted=None, disputed=entry.disputed,
                reason="; ".join(one.told for one in (*instead, entry)),
            )  # fmt: skip
        elif verdict.outcome in (Outcome.PASS, Outcome.DEVIATES):
            told = f"{record.profile.name} {_GONE}{entry.step} ({entry.because}), and did not"
            record.verdict = replace(verdict, outcome=Outcome.FAIL, reason=told)

    def _lost(self, record: Record, instead: Iterable[KnownDeviation]) -> str:
        """What could not be played of that; empty where all was."""
        played = {one.span for one in record.case.deviations}
        case = going_on.alone(record.case, self.path)
        faults = (
            fault
            for one in instead
            if one.span not in played
            for fault in going_on.problems(case, one.deviation(record.profile.name))
        )
        return "; ".join(f"{fault.span.path.rpartition('/')[2]}:{fault.span.line}: {fault.message}"
                         for fault in faults)  # fmt: skip

    def faults(self, case: Case, target: str) -> Iterator[Fault]:
        """What is wrong with the entries that go on, where this is the case."""
        for one in (*self.entries.get(case.id, ()), *self.entries.get(all_of(case.id), ())):
            yield from going_on.problems(case, one.deviation(target)) if one.instead else ()

    def _new(self, case: str) -> bool:
        """Whether the case came later than the file."""
        return bool(self.cases) and case.partition("[")[0] in newer(self.cases)


NOTHING: Final = Deviations()


def place(record: Record) -> tuple[str, str]:
    """The step at which a record ended and what was seen there, as an entry has them."""
    verdict = record.verdict or Verdict(Outcome.ERROR)
    failure = verdict.failure or Failure(verdict.reason)
    seen = _LOOSE.sub("", failure.actual) or re.sub(r"^nothing came.*", "nothing", failure.message)
    return (_step(verdict.step) if verdict.step else END), seen


def not_seen(record: Record) -> frozenset[str]:
    """The steps at which the target was known to go on otherwise, and did not."""
    verdict = record.verdict
    if verdict is None or verdict.failure is None or verdict.outcome not in _FAILED:
        return frozenset()
    step, told = verdict.step, verdict.failure.message
    return frozenset(
        one.step
        for one in record.case.deviations
        if one.span.path != record.case.path
        and (any(inner is step for inner in every_step(one.instead)) or told == unseen(one))
    )


def _step(step: Step) -> str:
    return step.text


def as_then(record: Record, loaded: Loaded) -> None:
    """Give a record that was judged again the light in which it was seen then."""
    then, now = loaded.verdict, record.verdict
    if then is None or now is None:
        return
    if then.outcome is now.outcome:
        record.verdict = replace(now, disputed=then.disputed)
        return
    if then.outcome is now.doubted:  # it was seen twice
        record.verdict = now.believed()
        return
    known = then.outcome is Outcome.DEVIATES and now.failure is not None
    gone = then.outcome is Outcome.FAIL and _GONE in then.reason
    if known or gone:
        record.verdict = replace(
            now, outcome=then.outcome, reason=then.reason, doubted=None,
            disputed=then.disputed, new=then.new,
        )  # fmt: skip


# ---- the file ------------------------------------------------------------------------------------


def load(path: Path) -> Deviations:
    """Read a file of known deviations; raises CaseFaults with all that is wrong with it."""
    return read(path)[1]


def read(path: Path, *, reasons: bool = True) -> tuple[str, Deviations]:
    """Its text too; without ``reasons`` they may be missing."""
    try:
        octets = files.read(path, LARGEST_FILE + 1)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}.") from None
    try:
        text = decode_text(str(path), octets)
    except Unreadable as error:
        raise CaseFaults(list(error.faults), {str(path): ""}) from None
    return text, read_text(text, str(path), reasons=reasons)


def read_text(text: str, path: str = "", *, reasons: bool = False) -> Deviations:
    """What a text says that stands, or shall stand, in a file."""
    faults, known = Faults(), NOTHING
    try:
        root, found = parse(path, text)
        faults.extend(found)
        known = Deviations(*DeviationsReader(faults, text, reasons=reasons).file(root))
    except Unreadable as error:
        faults.extend(error.faults)
    if faults:
        raise CaseFaults(faults.all(), {path: text})
    return replace(known, text=text)
