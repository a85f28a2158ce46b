"""A step of a case: what every verb's step has, and what the rest of the product may ask of it.

Each verb is a class of its own in :mod:`conformance.case.verbs`, and that class is all that is
known of the verb: how it is written (read by the decoder, the formatter and the JSON Schema), what
follows from it (asked by the checker, the estimates and the mutants), how it is drawn. What the
verb *does* stands in ``conformance.steps``, so that a case is checked, formatted, listed and drawn
without an interpreter. Nobody compares the name of a verb with a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from enum import Enum, auto
from typing import ClassVar, Final, NamedTuple, Self

from conformance.case.spans import Span
from conformance.notation.printer import print_bounds, print_duration
from conformance.notation.segment import SegmentText
from conformance.notation.time import Bounds, Duration, Ratio

FIRST_CONNECTION = "a"
MOST_ROUNDS: Final = 2000
# Of a step among the most that a case may have, times ten: many connections have a round each.
WEIGHT: Final = 10
WEIGHT_OF_EACH: Final = 1


class Arg(Enum):
    """What a value or a sibling is; ``case.arguments`` reads each."""

    SEGMENT = "segment"  # the line form or the mapping form -> SegmentText
    CALL = "call"  # CallText
    DURATION = "duration"  # Duration
    BOUNDS = "bounds"  # Bounds
    RATIO = "ratio"  # Ratio
    STATE = "state"  # State
    STATES = "states"  # a list of states -> tuple[State, ...]
    COUNT = "count"  # a whole number of octets, 1 or more -> int
    LABEL = "label"  # a new name -> str
    FRAGMENT = "fragment"  # the name of a fragment -> str
    OPTIONS = "options"  # a mapping of settings -> dict[str, str]
    ICMP = "icmp"  # IcmpText
    BRANCHES = "branches"  # a list of lists of steps -> tuple[Branch, ...]
    ROUNDS = "rounds"  # how often: 3, 3.., 2..5 -> Amount
    STEPS = "steps"  # a list of steps -> tuple[Step, ...]
    ACKS = "acks"  # each, second, last or none -> str
    PLACES = "places"  # numbers from 1 on -> tuple[int, ...]
    REQUIREMENTS = "requirements"  # a list of ids -> tuple[str, ...]
    ANY = "any"  # any -> str
    REST = "rest"  # rest -> str
    FIN = "fin"  # FIN -> str
    INFO = "info"  # fields of tcp_info -> dict[str, Amount | str]
    COUNTERS = "counters"  # the kernel's counters -> dict[str, Amount]
    SIDE = "side"  # tester -> str
    END = "end"  # target or tester -> str
    NET = "net"  # what the network does -> NetText


class Way(Enum):
    """Where something stands in a ladder, between its two ends."""

    TO_TARGET = auto()
    TO_TESTER = auto()
    AT_TARGET = auto()
    PASSES = auto()  # time passes
    BETWEEN = auto()  # a remark
    RULE = auto()  # a line across, with a title


class Sibling(NamedTuple):
    """What may stand beside a verb: what it is, what it means in a line, the field that holds it.

    ``field``: its own name, unless that is a word of Python.
    """

    arg: Arg
    doc: str
    field: str = ""


AFTER: Final = {"after": Sibling(Arg.DURATION, "how long after the step before")}
WITHIN: Final = {"within": Sibling(Arg.BOUNDS, "how soon: an upper bound, or from..to")}
# Any step may say which connection it is about, what it verifies, and give itself a name.
COMMON: Final = {
    "conn": Sibling(Arg.LABEL, "which connection the step is about"),
    "as": Sibling(Arg.LABEL, "a name for this step, to use its numbers later", "label"),
    "verifies": Sibling(Arg.REQUIREMENTS, "the requirements' ids, where they are not the case's"),
}


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of ``either:``; ``permits`` says what allows it (a requirement, an RFC).

    ``without`` names a rule that no MUST demands and the branch goes without: a remark, no failure.
    """

    steps: tuple[Step, ...]
    permits: str = ""
    without: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; the class of a verb says what its ``value`` is, and has its own siblings.

    ``text`` is the step in its committed spelling, one line. ``origin`` is the fragment it came
    from, empty for the case's own. ``label`` is the value of ``as:``. ``verifies`` are the
    requirements that fail with it; empty: those of the case.
    """

    verb: ClassVar[str]
    argument: ClassVar[Arg]  # what its value is
    doc: ClassVar[str]  # what it means, in a line
    siblings: ClassVar[Mapping[str, Sibling]] = {}
    way: ClassVar[Way]  # where it is drawn
    own_notes: ClassVar[bool] = False  # what is noted of it when it is played is drawn there too
    labels_segment: ClassVar[bool] = False  # its label stands for a segment
    begins_branch: ClassVar[bool] = False  # it can tell a branch of an either from another
    may_not_come: ClassVar[bool] = False  # what it foresees may stay away
    leaves_free: ClassVar[bool] = False  # nothing of its connection is judged from here on
    excludes: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # by sibling, what has no place beside

    span: Span
    text: str
    value: object
    _: KW_ONLY
    conn: str = FIRST_CONNECTION
    label: str = ""
    origin: str = ""
    verifies: tuple[str, ...] = ()
    after: Duration | None = None
    within: Bounds | None = None

    # What follows from it.

    @property
    def patterns(self) -> tuple[SegmentText, ...]:
        """The segments that are written in it."""
        return ()

    @property
    def by_tester(self) -> bool:
        """Whether the segment is one of the tester's."""
        return False

    @property
    def is_lost(self) -> bool:
        """Whether the network loses the segment."""
        return False

    @property
    def has_repaired(self) -> bool:
        """Whether its segments may be lost, late or doubled, and the target makes that good."""
        return False

    @property
    def checks(self) -> bool:
        """Whether the target can do something that fails it."""
        return False

    @property
    def passes(self) -> Duration | None:
        """The time that has to pass in it, in silence."""
        return None

    @property
    def grows(self) -> Ratio | None:
        """How much longer the wait for it is than the one before."""
        return None

    @property
    def lasts(self) -> Duration | None:
        """The time for which a state has to last."""
        return None

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The ways on from it of which one is played."""
        return ()

    def with_branches(self, branches: tuple[Branch, ...]) -> Self:
        """The same step with other branches."""
        return self

    @property
    def rounds(self) -> tuple[int, int | None]:
        """How often a branch is played, at least and at most; None where only time ends it."""
        return (1, 1)

    @property
    def weight(self) -> int:
        """How much each step of a round counts."""
        return WEIGHT

    @property
    def quotes(self) -> str:
        """The label of a segment of the target that it quotes."""
        return ""

    @property
    def needs(self) -> frozenset[str]:
        """The abilities of a target without which it cannot be played."""
        return frozenset()

    # How it is drawn.

    @property
    def written(self) -> str:
        """Its value in the committed spelling."""
        return self.text.partition(": ")[2]

    @property
    def drawn(self) -> str:
        """What a ladder says of it."""
        return self.written

    def lead(self, number: int) -> str:
        """What stands above its branch of this number."""
        return ""

    @property
    def shows(self) -> str:
        """The state that stands beside it."""
        return ""

    @property
    def is_beside(self) -> bool:
        """Whether it is no more than a state that can stand beside the row before."""
        return False

    @property
    def times(self) -> str:
        """What stands in the column of times."""
        found = []
        if self.within is not None:
            upper = "within " if self.within.low is None else ""
            found.append(upper + print_bounds(self.within))
        if self.lasts is not None:
            found.append(f"for {print_duration(self.lasts)}")
        if self.after is not None:
            found.append(f"after {print_duration(self.after)}")
        return ", ".join(found)
