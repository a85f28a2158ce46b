"""What is kept of a record until the pages are made, and how the records stand to each other.

A play is one record, told: its ladder is drawn at once and the record let go, so that ten thousand
of them are no burden. A shelf is a case with its plays. A site holds the shelves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.case.spans import Span
from conformance.play.played import way
from conformance.play.profile import Ability, Profile
from conformance.play.record import Record, What
from conformance.play.verdict import Failure, Outcome, Verdict
from conformance.report.causes import cause_of
from conformance.report.failure import run_again
from conformance.report.jsonlines import Loaded
from conformance.report.ladder import rows
from conformance.report.site.ladder import picture
from conformance.report.site.markup import NOTHING, Html

# The worst first: what is looked for.
GRAVEST: Final = (
    Outcome.FAIL, Outcome.ERROR, Outcome.BLOCKED, Outcome.INCONCLUSIVE, Outcome.DEVIATES,
    Outcome.PASS, Outcome.SKIPPED,
)  # fmt: skip
FINDINGS: Final = frozenset(GRAVEST[:4])
CUT: Final = "the recording was cut off"
Move = tuple[str, str]  # from a state to the next one that was told


@dataclass(frozen=True, slots=True)
class Play:
    """One record, told. ``run`` is the number of its file; ``moves`` the states it went through.

    ``note`` says in a sentence what the record could not be told of, ``earlier`` what came of the
    same play in the runs before.
    """

    id: str
    case: str
    target: str
    way: str
    run: int
    outcome: Outcome
    reason: str
    started: float
    seconds: float
    again: str = ""
    cause: str = ""
    ladder: Html = NOTHING
    failure: Failure | None = None
    place: Span | None = None
    moves: tuple[Move, ...] = ()
    reruns: int = 0
    note: str = ""
    earlier: tuple[tuple[float, Outcome], ...] = ()


@dataclass(slots=True)
class Shelf:
    """One case and its plays, by their id; ``verifies`` holds those of its steps too."""

    id: str
    path: str
    title: str
    about: str = ""
    verifies: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    plays: dict[str, Play] = field(default_factory=dict)

    def of(self, target: str) -> list[Play]:
        """The plays on one target."""
        return [play for play in self.plays.values() if play.target == target]


@dataclass(slots=True)
class Visit:
    """What one run says of one target: times are those of its records, in seconds."""

    target: str
    run: int
    profile: Profile
    ways: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    first: float = 0.0
    seconds: float = 0.0

    @property
    def reports_all(self) -> bool:
        """Whether every change of a state is told, and not only samples of it."""
        return Ability.PATH in self.profile.abilities


class Site:
    """Grows as records come; the pages are made of it at the end."""

    def __init__(self, runs: Iterable[str] = ()) -> None:
        """``runs``: what each run is called, in the order of their numbers."""
        self.runs = tuple(runs)
        self.shelves: dict[str, Shelf] = {}
        self.visits: dict[tuple[int, str], Visit] = {}
        self._texts: dict[str, str] = {}

    def add(self, record: Record, loaded: Loaded | None = None, run: int = 0) -> None:
        """One more record; ``loaded`` is what it was judged from again, if it was."""
        case = record.case
        shelf = self._shelf(case.id, case.path, case.title, case.sources)
        if not shelf.verifies:
            shelf.about, shelf.verifies = case.about, case.all_verifies
            shelf.facts = tuple(_facts(record))
        told, note = _told(record, loaded)
        play = Play(
            record.id,
            case.id,
            record.profile.name,
            way(record.addressing.ip, record.addressing.isn),
            run,
            told.outcome,
            told.reason,
            record.started,
            record.length,
            run_again(record),
            told.reason if note else cause_of(record),
            picture(rows(record), told.failure.expected if told.failure else ()),
            told.failure,
            loaded.step if loaded else told.step.span if told.step else None,
            tuple(moves_of(record)),
            record.reruns,
            note,
        )
        self._put(shelf, play, record.profile)

    def add_untold(self, loaded: Loaded, why: str, run: int = 0) -> None:
        """One whose story cannot be told today: its verdict stands, its ladder does not."""
        shelf = self._shelf(loaded.case, loaded.path, loaded.title, loaded.sources)
        then = loaded.verdict or Verdict(Outcome.ERROR, CUT)
        addressing = loaded.addressing
        last = loaded.events[-1][0] - loaded.started if loaded.events else 0.0
        play = Play(
            loaded.id,
            loaded.case,
            loaded.profile.name,
            way(addressing.ip, addressing.isn),
            run,
            then.outcome,
            then.reason,
            loaded.started,
            last,
            cause=then.reason,
            failure=then.failure,
            place=loaded.step,
            reruns=loaded.reruns,
            note=f"Its story cannot be told: {why}",
        )
        self._put(shelf, play, loaded.profile)

    def _shelf(self, id: str, path: str, title: str, sources: Mapping[str, str]) -> Shelf:
        kept = {name: self._texts.setdefault(one, one) for name, one in sources.items()}
        shelf = self.shelves.setdefault(id, Shelf(id, path, title))
        shelf.sources = kept or shelf.sources
        return shelf

    def _put(self, shelf: Shelf, play: Play, profile: Profile) -> None:
        before = shelf.plays.pop(play.id, None)
        if before is not None:
            gone = (*before.earlier, (before.started, before.outcome))
            play = replace(play, earlier=gone)
        shelf.plays[play.id] = play
        key = play.run, play.target
        visit = self.visits.setdefault(
            key, Visit(play.target, play.run, profile, first=play.started)
        )
        visit.first = min(visit.first, play.started)
        visit.seconds += play.seconds
        visit.ways[play.way] += 1
        visit.outcomes[play.outcome] += 1

    # ---- asking ------------------------------------------------------------------------------

    @property
    def targets(self) -> list[str]:
        """The columns, in the order of their first record."""
        return list(dict.fromkeys(visit.target for visit in self.visits.values()))

    def plays(self) -> Iterator[Play]:
        """All that counts: the last of each id."""
        for shelf in self.shelves.values():
            yield from shelf.plays.values()

    def texts(self) -> dict[str, str]:
        """The text of every file of the cases, by path."""
        found: dict[str, str] = {}
        for shelf in self.shelves.values():
            found.update(shelf.sources)
        return found


def _told(record: Record, loaded: Loaded | None) -> tuple[Verdict, str]:
    """The verdict as it was written, and what is to be said of it."""
    now = record.verdict or Verdict(Outcome.ERROR, "it never ended")
    if loaded is None:
        return now, ""
    then = loaded.verdict
    if then is None:
        cut = Verdict(Outcome.ERROR, CUT)
        return cut, f"{CUT}: what is here is all that was written of it."
    if (now.outcome, now.reason) == (then.outcome, then.reason):
        return then, ""
    other = f"{now.outcome}: {now.reason}".removesuffix(": ")
    return then, f"Judged again today it is another verdict: {other}"


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    case = record.case
    if case.needs:
        yield "needs", ", ".join(sorted(case.needs))
    for name, settings in (("options", case.options), ("sysctl", case.sysctl)):
        if settings:
            yield name, ", ".join(f"{key}={value}" for key, value in settings.items())
    if case.isn is not None:
        yield "tester's ISN", f"{case.isn:#x}"
    if case.unwatched:
        yield "unwatched", ", ".join(sorted(case.unwatched))


def moves_of(record: Record) -> Iterator[Move]:
    """The states of each connection, two by two, as the record tells them."""
    last: dict[str, str] = {}
    for entry in record.entries:
        if entry.what is What.STATE and entry.state is not None:
            state = str(entry.state)
            if entry.conn in last:
                yield last[entry.conn], state
            last[entry.conn] = state


def worst(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The gravest of some; None of none."""
    found = set(outcomes)
    return next((outcome for outcome in GRAVEST if outcome in found), None)
