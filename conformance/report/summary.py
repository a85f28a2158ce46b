"""How a run ended: counts, reasons, the exit status, one line for a person, lines for a program.

Rules:

- The exit status is 0 when all ended as expected (pass, deviates, skipped), 1 when a case failed,
  was blocked or stayed inconclusive, 2 when a case is wrong, 3 when the target or its
  surroundings are. The gravest wins: a target that broke may be why the cases failed.
- A run that judged nothing is no success: 2. It played nothing, or skipped all that it played.
- What was not judged is said: skip reasons are grouped and counted, so are states that the target
  cannot tell, and what was left out as slow comes with the option that brings it back.

For a program there are JSON lines. One object a case, with these keys, always all of them::

    type      "case"
    id        as every report prints it; conformance run takes it
    case path title target ip verifies
    isn       the tester's first ISN; null of what was not played
    outcome   pass deviates inconclusive fail error blocked skipped
    reason    one sentence; of a pass, what it does not show
    owner     whose fault an error is: case target harness machine; empty of all else
    step      file:line:column of the step that it ended at, empty after the last
    expected  a list: all that would have been accepted
    actual    what came instead, in the notation
    differences  a list of {field, expected, actual}
    requirement  the id of the watch rule that was broken, or those of the step that failed
    seconds   how long the case took on the target's clock
    lateness  the greatest delay of the harness, in seconds
    reruns    how often it was played again alone
    tolerated  a list: the tolerances of the target's file that the case used
    without   a list: ids of rules that no MUST demands and that the target set aside

and one object last: ``{"type": "summary", "outcomes": {...}, "left_out": n, "reruns": n,
"tolerated": {name: n}, "without": {id: n}, "seconds": s, "exit_status": n}``. One of several
targets that failed as a whole has ``{"type": "target", "target": name, "error": sentence}``, in its
place. Keys are only ever added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.errors import Owner
from conformance.exits import Exit
from conformance.play.record import Record
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.report.colour import Colours
from conformance.visible import on_one_line

_GOOD: Final = frozenset({Outcome.PASS, Outcome.DEVIATES, Outcome.SKIPPED})
# In the order of the last line: its word for one, and for many.
_WORDS: Final = (
    (Outcome.ERROR, "error", "errors"),
    (Outcome.FAIL, "failed", "failed"),
    (Outcome.BLOCKED, "blocked", "blocked"),
    (Outcome.INCONCLUSIVE, "inconclusive", "inconclusive"),
    (Outcome.PASS, "passed", "passed"),
    (Outcome.DEVIATES, "deviates", "deviate"),
    (Outcome.SKIPPED, "skipped", "skipped"),
)
_MOST_REASONS: Final = 3


@dataclass(slots=True)
class Summary:
    """How many ended how. ``left_out``: slow cases that nobody asked for; ``seconds``: of it all.

    ``skips`` counts the skipped by their reason, ``tolerated`` the cases that used a tolerance by
    its name, ``without`` those that set a rule of no MUST aside by its id, ``let_by`` those that
    deviate by nothing else, ``disputed`` those of which the author of the target's file disputes
    the case, ``new`` those that fail and are younger than that file; ``remarked`` is the number of
    passes beside which something is remarked, ``wrong`` that of errors that are the case's own.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)
    tolerated: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)
    let_by: int = 0
    disputed: int = 0
    new: int = 0
    remarked: int = 0
    wrong: int = 0
    reruns: int = 0
    left_out: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, records: Iterable[Record], *, left_out: int = 0, seconds: float = 0.0) -> Summary:
        """The summary of these records."""
        summary = cls(left_out=left_out, seconds=seconds)
        for record in records:
            summary.add(record)
        return summary

    def add(self, record: Record) -> None:
        """Count one more; a record without a verdict is an error."""
        outcome = _outcome(record)
        self.outcomes[outcome] += 1
        self.reruns += bool(record.reruns)
        self.wrong += outcome is Outcome.ERROR and case_is_wrong(record)
        if record.verdict is not None:
            self.tolerated.update(record.verdict.tolerated)
            self.without.update(record.verdict.without)
            self.let_by += record.verdict.let_by and outcome is Outcome.DEVIATES
            self.disputed += record.verdict.disputed
            self.new += record.verdict.new
        self.remarked += outcome is Outcome.PASS and bool(record.verdict and record.verdict.reason)
        if outcome is Outcome.SKIPPED and record.verdict is not None:
            self.skips[record.verdict.reason or "no reason given"] += 1

    @property
    def all_skipped(self) -> bool:
        """Whether there were cases, and none was judged."""
        return 0 < self.outcomes.total() == self.outcomes[Outcome.SKIPPED]

    @property
    def exit_status(self) -> Exit:
        """0, 1, 2 or 3, as the module says."""
        if self.outcomes[Outcome.ERROR] > self.wrong:
            return Exit.BROKEN
        if self.wrong or self.all_skipped or not self.outcomes.total():
            return Exit.WRONG
        return Exit.found(any(self.outcomes[outcome] for outcome in set(Outcome) - _GOOD))

    def line(self, *, color: bool = False) -> str:
        """``1 failed, 112 passed, 2 skipped (linux has no PATH)   4.2 s``."""
        paint = Colours(color)
        told = [self._count(outcome, one, many, paint) for outcome, one, many in _WORDS
                if self.outcomes[outcome]]  # fmt: skip
        if self.reruns:
            told.append(f"{self.reruns} played again alone")
        if self.left_out:
            told.append(f"{_many(self.left_out, 'slow one')} left out: add --slow")
        return f"{', '.join(told) or 'nothing was played'}   {self.seconds:.1f} s"

    def _count(self, outcome: Outcome, one: str, many: str, paint: Colours) -> str:
        count = self.outcomes[outcome]
        text = paint(f"{count} {one if count == 1 else many}", str(outcome))
        if outcome is Outcome.PASS and self.remarked:
            return f"{text} ({self.remarked} with a remark)"
        if outcome is Outcome.DEVIATES and (self.tolerated or self.disputed or self.new):
            return f"{text} ({'; '.join(self._how())})"
        return text + (f" ({self._reasons()})" if outcome is Outcome.SKIPPED else "")

    def _how(self) -> Iterator[str]:
        """How many deviate by a tolerance alone, how often each was used; the disputed and new."""
        if self.tolerated:
            used = [f"{name} {count}" for name, count in self.tolerated.most_common()]
            yield on_one_line(f"{self.let_by} by tolerance alone: {', '.join(used)}")
        if self.disputed:
            yield f"{self.disputed} disputed"
        if self.new:
            yield f"{self.new} new: --observed writes them down"

    def _reasons(self) -> str:
        """The skip reasons, the commonest first; a few of them."""
        common = self.skips.most_common()
        told = [reason if len(common) == 1 else f"{count} {reason}"
                for reason, count in common[:_MOST_REASONS]]  # fmt: skip
        rest = sum(count for _, count in common[_MOST_REASONS:])
        return on_one_line("; ".join([*told, f"{rest} for other reasons"] if rest else told))


def case_is_wrong(record: Record) -> bool:
    """Whether an error is the case's own, whatever the target did."""
    return record.verdict is not None and record.verdict.owner is Owner.CASE


def case_object(record: Record) -> dict[str, Any]:
    """One case for another program; the keys stand in the module's text."""
    case, verdict = record.case, record.verdict
    failure = (verdict.failure if verdict else None) or Failure("")
    return {
        "type": "case",
        "id": record.id,
        "case": case.id,
        "path": case.path,
        "title": case.title,
        "target": record.profile.name,
        "ip": record.addressing.ip,
        "isn": record.addressing.irs if record.events else None,
        "verifies": list(case.all_verifies),
        "outcome": str(_outcome(record)),
        "reason": verdict.reason if verdict else "it never ended",
        "owner": str(verdict.owner or "") if verdict else str(Owner.HARNESS),
        "step": str(verdict.step.span) if verdict and verdict.step else "",
        "expected": list(failure.expected),
        "actual": failure.actual,
        "differences": [
            {"field": one.field, "expected": one.expected, "actual": one.actual}
            for one in failure.differences
        ],
        "requirement": failure.requirement or " ".join(_of_step(verdict)),
        "seconds": round(record.entries[-1].at, 6) if record.entries else 0.0,
        "lateness": round(verdict.lateness, 6) if verdict else 0.0,
        "reruns": record.reruns,
        "tolerated": list(verdict.tolerated) if verdict else [],
        "without": list(verdict.without) if verdict else [],
    }


def summary_object(summary: Summary) -> dict[str, Any]:
    """The last line, for another program."""
    return {
        "type": "summary",
        "outcomes": {str(outcome): summary.outcomes[outcome] for outcome in Outcome},
        "left_out": summary.left_out,
        "reruns": summary.reruns,
        "tolerated": dict(summary.tolerated),
        "without": dict(summary.without),
        "seconds": round(summary.seconds, 3),
        "exit_status": summary.exit_status,
    }


def _of_step(verdict: Verdict | None) -> tuple[str, ...]:
    """The requirements of the step that failed, where it says so itself."""
    return verdict.step.verifies if verdict and verdict.failure and verdict.step else ()


def _outcome(record: Record) -> Outcome:
    return record.verdict.outcome if record.verdict else Outcome.ERROR


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" + ("" if count == 1 else "s")
