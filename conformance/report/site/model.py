"""What is kept of a record until the pages are made, and how the records stand to each other.

A play is one record, told: its ladder is drawn at once and the record let go, so that ten thousand
of them are no burden. A shelf is a case with its plays. A site holds the shelves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.case.model import BESIDE
from conformance.case.spans import Span
from conformance.play.profile import Ability, Profile
from conformance.play.verdict import Failure, Outcome
from conformance.report.causes import BAD
from conformance.report.site.markup import NOTHING, Html

# The worst first: what is looked for.
GRAVEST: Final = (
    Outcome.FAIL, Outcome.ERROR, Outcome.BLOCKED, Outcome.INCONCLUSIVE, Outcome.DEVIATES,
    Outcome.PASS, Outcome.SKIPPED,
)  # fmt: skip
FINDINGS: Final = BAD
Move = tuple[str, str]  # from a state to the next one that was told


@dataclass(frozen=True, slots=True)
class Play:
    """One record, told. ``run`` is the number of its file; ``moves`` the states it went through.

    ``words`` are what the target's kernel said of itself: when, what, where in its source.
    ``note`` says in a sentence what the record could not be told of, ``earlier`` what came of the
    same play in the runs before: when, how it ended, the number of the run. ``capture`` is a file
    for Wireshark, empty where nothing was on a wire.
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
    words: tuple[tuple[str, str, str], ...] = ()
    counters: Mapping[str, str] = field(default_factory=dict)
    timers: Html = NOTHING
    earlier: tuple[tuple[float, Outcome, int], ...] = ()
    capture: bytes = b""


@dataclass(frozen=True, slots=True)
class ToldRecord:
    """What a record adds to a site: its play, and what it says of its case and its target.

    ``version`` is that of the set, which comes with the program that played; empty: not told.
    """

    play: Play
    profile: Profile
    path: str
    title: str
    sources: Mapping[str, str]
    about: str = ""
    verifies: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    version: str = ""


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
        self.versions: set[str] = set()  # of the set, as the records have it
        self.broken: list[str] = []  # why not all was played to its end, a sentence each
        self._texts: dict[str, str] = {}

    def put(self, told: ToldRecord) -> None:
        """One more; a play that is there already goes, and is named as an earlier one."""
        play = told.play
        self.versions.add(told.version)
        shelf = self.shelves.setdefault(play.case, Shelf(play.case, told.path, told.title))
        if told.about or told.verifies:
            shelf.about, shelf.verifies, shelf.facts = told.about, told.verifies, told.facts
        if told.sources:
            shelf.sources = {
                name: self._texts.setdefault(one, one)
                for name, one in told.sources.items()
                if not name.startswith(BESIDE)
            }
        before = shelf.plays.pop(play.id, None)
        if before is not None:
            play = replace(
                play, earlier=(*before.earlier, (before.started, before.outcome, before.run))
            )
        shelf.plays[play.id] = play
        key = play.run, play.target
        visit = self.visits.setdefault(key, Visit(play.target, play.run, told.profile))
        if play.outcome is not Outcome.SKIPPED:  # what was not played began at no time
            visit.first = min(visit.first or play.started, play.started)
        visit.seconds += play.seconds
        visit.ways[play.way] += 1
        visit.outcomes[play.outcome] += 1

    def run_name(self, run: int) -> str:
        """The file that a run is told by, with its number where two have one name."""
        name = self.runs[run] if run < len(self.runs) else ""
        return f"{name} ({run + 1})" if self.runs.count(name) > 1 else name

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
