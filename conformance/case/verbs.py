"""The language as a table: every verb, what its value is, which siblings it may have.

The decoder, the JSON Schema, the formatter and the documentation are all read off this table.
It stands apart from what the verbs *do* (``conformance.steps``), so that a case can be checked,
formatted and listed without an interpreter. A new verb is a row here and a file there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


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
    ACKS = "acks"  # each, last or none -> str
    SIDE = "side"  # tester -> str


@dataclass(frozen=True, slots=True)
class Verb:
    """One row: the verb, its value, its own siblings, and what it means in a line."""

    name: str
    value: Arg
    doc: str
    siblings: Mapping[str, Arg] = field(default_factory=dict)


_WITHIN: Final = {"within": Arg.BOUNDS}
_AFTER: Final = {"after": Arg.DURATION}

VERBS: Final = (
    Verb("send", Arg.SEGMENT, "the tester sends this segment", _AFTER),
    Verb(
        "expect",
        Arg.SEGMENT,
        "the target's next segment is this",
        {**_WITHIN, "backoff": Arg.RATIO},
    ),
    Verb("allow", Arg.SEGMENT, "from here on this segment may come, once"),
    Verb(
        "drop",
        Arg.SEGMENT,
        "as expect, but the network loses it; with from: tester, ours is lost",
        {**_WITHIN, "backoff": Arg.RATIO, "from": Arg.SIDE},
    ),
    Verb("silence", Arg.DURATION, "nothing comes for so long", {"of": Arg.SEGMENT}),
    Verb("call", Arg.CALL, "a socket call on the target returns this", {**_AFTER, **_WITHIN}),
    Verb("spawn", Arg.CALL, "a socket call that blocks begins", _AFTER),
    Verb("join", Arg.CALL, "the call that was spawned returns this", _WITHIN),
    Verb(
        "state",
        Arg.STATE,
        "the target gets to this state",
        {**_WITHIN, "for": Arg.DURATION, "via": Arg.STATES},
    ),
    Verb("wait", Arg.DURATION, "time passes in silence"),
    Verb("set", Arg.OPTIONS, "settings of the target change"),
    Verb("icmp", Arg.ICMP, "the target receives an ICMP error about its own segment", _AFTER),
    Verb("either", Arg.BRANCHES, "the first branch whose first step matches is the one to play"),
    Verb(
        "collect",
        Arg.COUNT,
        "so many octets come, in order, in any segmentation",
        {**_WITHIN, "ack": Arg.ACKS},
    ),
    Verb("include", Arg.FRAGMENT, "the steps of a fragment"),
)
# Any step may say which connection it is about, and give itself a name.
COMMON: Final = {"conn": Arg.LABEL, "as": Arg.LABEL}
BY_NAME: Final = {verb.name: verb for verb in VERBS}
