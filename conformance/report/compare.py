"""Two runs held side by side: what changed its verdict, and what changed behind the same verdict.

Rules:

- A case is the same case where its id, the IP version and the tester's ISN that the run chose are
  the same, whatever the target is called; of several targets in one record, where the target is.
- Worse is what passed, or deviated as is known, and now fails, is blocked, or ends in an error of
  the target's: a *regression*. What failed or deviated and now passes is *mended*. Every other
  change (a failure that became a known deviation, a case that was not judged on one side) is
  *another verdict*, and is not red.
- A failure that says only that a known deviation is gone is a pass.
- What one side alone has is *new* or *gone*, and is not red: the sets may differ.
- Where the text of the case differs, its behaviour is not compared.
- The rows are in the order of their kinds, then of their ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from conformance.case.model import BESIDE
from conformance.errors import Owner
from conformance.exits import Exit
from conformance.play.played import way
from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.compare_story import BehaviourDifference, Story, differences
from conformance.report.jsonlines import Loaded
from conformance.visible import visible

CUT: Final = "cut off"  # the outcome of a conversation without its last line


class Kind(StrEnum):
    """What became of a case, from what matters most to what does not."""

    REGRESSION = "regression"
    OTHER = "another verdict"
    BEHAVIOUR = "behaves otherwise"
    NEW = "new"
    GONE = "gone"
    MENDED = "mended"
    SAME = "unchanged"


@dataclass(frozen=True, slots=True, order=True)
class PlayKey:
    """One play of a case; ``target`` is empty where each record is of one target."""

    case: str
    ip: int
    isn: int = -1
    target: str = ""

    def __str__(self) -> str:
        target = f"{self.target}-" if self.target else ""
        return f"{self.case} {target}{way(self.ip, None if self.isn < 0 else self.isn)}"


@dataclass(frozen=True, slots=True)
class Side:
    """How a case ended on one side. ``step`` is the line and the text of the step, if known."""

    id: str
    outcome: str
    reason: str = ""
    step: str = ""

    @property
    def failed(self) -> bool:
        """Whether it did not do what was expected."""
        return self.outcome in (Outcome.FAIL, Outcome.BLOCKED, Outcome.ERROR)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A ladder as text, and as a picture where one is wanted."""

    text: str = ""
    picture: str = ""


NOT_DRAWN: Final = Drawn()


@dataclass(frozen=True, slots=True)
class ComparedCase:
    """One case on both sides. ``told``: what else there is to say.

    ``ladders``: of a regression; of what behaves otherwise too, where somebody draws them.
    """

    kind: Kind
    key: PlayKey
    title: str
    a: Side | None = None
    b: Side | None = None
    differences: tuple[BehaviourDifference, ...] = ()
    told: str = ""
    ladders: tuple[Drawn, Drawn] = (NOT_DRAWN, NOT_DRAWN)


@dataclass(slots=True)
class Comparison:
    """All of it. ``notes``: what is to be said of the records; ``damaged``: one was cut off."""

    a: str
    b: str
    rows: list[ComparedCase] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    damaged: bool = False

    def of(self, kind: Kind) -> list[ComparedCase]:
        """The rows of one kind, by their ids."""
        return sorted((row for row in self.rows if row.kind is kind), key=lambda row: row.key)

    def counts(self) -> Counter[Kind]:
        """How many there are of each kind."""
        return Counter(row.kind for row in self.rows)

    @property
    def exit_status(self) -> Exit:
        """1 where something regressed; 2 where a record was cut off, so that nobody knows."""
        if self.of(Kind.REGRESSION):
            return Exit.FAILED
        return Exit.WRONG if self.damaged else Exit.EXPECTED

    def line(self) -> str:
        """``1 regression, 2 behave otherwise, 3 new (1 fails), 40 unchanged``."""
        counts = self.counts()
        told = [_counted(kind, counts[kind]) for kind in Kind if counts[kind]]
        failing = sum(row.b is not None and row.b.failed for row in self.of(Kind.NEW))
        if failing:
            fails = f"{failing} of them {'fails' if failing == 1 else 'fail'}"
            told = [one + f" ({fails})" if one.endswith(" new") else one for one in told]
        return ", ".join(told) or "no case is in either record"


def _counted(kind: Kind, count: int) -> str:
    match kind:
        case Kind.REGRESSION:
            return "1 regression" if count == 1 else f"{count} regressions"
        case Kind.OTHER:
            return "1 other verdict" if count == 1 else f"{count} other verdicts"
        case Kind.BEHAVIOUR:
            return "1 behaves otherwise" if count == 1 else f"{count} behave otherwise"
    return f"{count} {kind}"


# ---- one case ------------------------------------------------------------------------------------

# Judges a record again; a text says why that cannot be done.
Judge = Callable[[Loaded], Record | str]
Draw = Callable[[Record, Kind], Drawn]


def compared(key: PlayKey, a: Loaded, b: Loaded, judge: Judge, draw: Draw) -> ComparedCase:
    """One case that both sides have."""
    kind = _changed(a, b)
    if kind is None and (a.profile, a.addressing, a.events) == (b.profile, b.addressing, b.events):
        return ComparedCase(Kind.SAME, key, b.title, side(a), side(b))
    told = "" if same_text(a, b) else "the text of the case differs"
    if kind not in (None, Kind.REGRESSION):
        return ComparedCase(kind, key, b.title, side(a), side(b), told=told)
    if kind is None and told:
        return ComparedCase(Kind.SAME, key, b.title, side(a), side(b), told=told)
    first, second = judge(a), judge(b)
    sides = side(a, first), side(b, second)
    if kind is Kind.REGRESSION:
        drawn = _drawn(first, kind, draw), _drawn(second, kind, draw)
        return ComparedCase(kind, key, b.title, *sides, told=told, ladders=drawn)
    if isinstance(first, str) or isinstance(second, str):
        told = "its events are not compared: " + next(x for x in (first, second) if type(x) is str)
        return ComparedCase(Kind.SAME, key, b.title, *sides, told=told)
    found = differences(Story.of(first), Story.of(second))
    if not found:
        return ComparedCase(Kind.SAME, key, b.title, *sides)
    drawn = draw(first, Kind.BEHAVIOUR), draw(second, Kind.BEHAVIOUR)
    return ComparedCase(Kind.BEHAVIOUR, key, b.title, *sides, found, ladders=drawn)


def _drawn(record: Record | str, kind: Kind, draw: Draw) -> Drawn:
    return Drawn(f"{visible(record)}\n") if isinstance(record, str) else draw(record, kind)


def alone(key: PlayKey, one: Loaded, *, new: bool) -> ComparedCase:
    """A case that one side has."""
    if new:
        return ComparedCase(Kind.NEW, key, one.title, b=side(one))
    return ComparedCase(Kind.GONE, key, one.title, a=side(one))


def side(one: Loaded, record: Record | str = "") -> Side:
    """How it ended, as it was recorded then."""
    verdict = one.verdict
    if verdict is None:
        return Side(one.id, CUT)
    line = f"{one.step.path}:{one.step.line}" if one.step else ""
    if not isinstance(record, str) and record.verdict and record.verdict.step and one.step:
        line += f": {record.verdict.step.text}"
    return Side(one.id, str(verdict.outcome), verdict.reason, line)


def same_text(a: Loaded, b: Loaded) -> bool:
    """Whether both are of one text of the case; a record of format 1 names its files otherwise."""
    texts = [
        sorted(text for name, text in one.sources.items() if not name.startswith(BESIDE))
        for one in (a, b)
    ]
    return texts[0] == texts[1] and a.parameters == b.parameters


_BAD, _DEVIATES, _GOOD = range(3)


def _changed(a: Loaded, b: Loaded) -> Kind | None:
    """The direction in which a verdict went; None where it stayed."""
    then, now = _level(a), _level(b)
    if _outcome(a) == _outcome(b) and then == now:
        return None
    if then is None or now is None:
        return Kind.OTHER
    if then > _BAD and now == _BAD:
        return Kind.REGRESSION
    return Kind.MENDED if now == _GOOD > then else Kind.OTHER


def _outcome(one: Loaded) -> str:
    return str(one.verdict.outcome) if one.verdict else CUT


def _level(one: Loaded) -> int | None:
    """How good it is; None where nobody judged the target."""
    verdict = one.verdict
    if verdict is None or verdict.outcome in (Outcome.SKIPPED, Outcome.INCONCLUSIVE):
        return None
    if verdict.outcome is Outcome.ERROR:
        return _BAD if verdict.owner is Owner.TARGET else None
    if verdict.outcome is Outcome.DEVIATES:
        return _DEVIATES
    gone = verdict.outcome is Outcome.FAIL and verdict.failure is None
    return _GOOD if gone or verdict.outcome is Outcome.PASS else _BAD


# ---- for another program -------------------------------------------------------------------------


def as_object(comparison: Comparison) -> dict[str, Any]:
    """All of it for another program; keys are only ever added."""
    counts = comparison.counts()
    return {
        "a": comparison.a,
        "b": comparison.b,
        "counts": {str(kind): counts[kind] for kind in Kind},
        "exit_status": comparison.exit_status,
        "damaged": comparison.damaged,
        "notes": comparison.notes,
        "rows": [_row(row) for row in _told(comparison)],
    }


def _told(comparison: Comparison) -> Iterable[ComparedCase]:
    for kind in Kind:
        yield from (row for row in comparison.of(kind) if kind is not Kind.SAME or row.told)


def _row(row: ComparedCase) -> dict[str, Any]:
    return {
        "kind": str(row.kind),
        "case": row.key.case,
        "ip": row.key.ip,
        "isn": None if row.key.isn < 0 else row.key.isn,
        "title": row.title,
        "a": _side(row.a),
        "b": _side(row.b),
        "differences": [
            {"change": str(one.change), "a": one.a, "b": one.b, "seconds": round(one.at, 6)}
            for one in row.differences
        ],
        "told": row.told,
    }


def _side(one: Side | None) -> dict[str, str] | None:
    if one is None:
        return None
    return {"id": one.id, "outcome": one.outcome, "reason": one.reason, "step": one.step}
