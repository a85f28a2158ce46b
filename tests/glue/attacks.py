"""What an attacker may do, as a table; which of it, when and on which clock, a seed says."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

CALLS: Final = ("version", "use", "listen", "accept", "state")
CLOCKS: Final = ("virtual", "real")


class Attack(NamedTuple):
    """``how`` is the attacker's argument; ``broken``: it breaks the protocol, so it is an error.

    ``finding``: what has to be told of it instead, where it died in the middle of the case.
    """

    name: str
    clock: str
    how: dict[str, Any]
    broken: bool = True
    finding: str = ""


# No value that a field may have, whatever the call.
_NO_INTEGER: Final[tuple[Any, ...]] = ("7", True, 1.5, [], {}, 1 << 63, -(1 << 70), 1e300)
_NO_TEXT: Final[tuple[Any, ...]] = (5, True, [], {}, 1.5)
BAD_FIELDS: Final[dict[str, tuple[Any, ...]]] = {
    "id": (None, "7", True, -1, 10**6, 1 << 63, [], {}, 1.5),
    "started": _NO_INTEGER,
    "ended": _NO_INTEGER,
    "value": _NO_INTEGER,
    "errno": _NO_TEXT,
    "text": _NO_TEXT,
    "data": (5, "zz", "0", [], {"a": 1}),
    "now": _NO_INTEGER,
    "next": _NO_INTEGER,
    "pending": ("yes", 1, [], {}),
    "abilities": (7, "CALLS", [7], {"CALLS": 1}),
}
# A pending reply has no more than these; what else it says is not looked at.
_OF_PENDING: Final = ("id", "started")
BAD_LINES: Final = (
    b"[1, 2, 3]", b"7", b"null", b'"x"', b"{}", b"{", b"}", b"[" * 20_000, b'{"a":' * 5_000,
    b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"\x00", b"NaN", b"hello", b"\x1b[2J", b"'id'", b"-",
    b"1e999",    b'{"id": 1e999}', b'{"id": NaN}', b'{"id": "\\ud800"}', b"9" * 5000,
    b'{"id": 1} {"id": 2}',
)  # fmt: skip
DEEDS: Final = (
    "sleep", "stop_watcher", "stop_watcher_and_end", "stop_watcher_again_and_again", "stop_itself",
    "leave_children", "leave_and_stop_watcher", "ignore_signals", "close_stdin", "close_stdout",
    "close_wire", "long_line", "blank_lines", "shout", "die", "crash", "leave", "leave_with",
    "become_another", "pendings", "stop_watcher_and_go_on", "answer_twice",
)  # fmt: skip
MIDWAY: Final = ("sleep", "die", "crash", "leave", "stop_watcher", "close_stdout", "leave_children")
# Those of them that are the stack's own doing, once a frame was on the wire.
FINDINGS: Final = {
    "sleep": "the target hangs: it has not answered ",
    "crash": "the target crashed: killed by SIGSEGV",
    "leave": "the target crashed: exit status 0",
    "leave_children": "the target crashed: exit status 0",
}
# What is on the wire is judged only when a case is played.
ON_WIRE: Final = ("flood", "ask_who", "empty_frame")


def _deeds() -> Iterator[Attack]:
    for clock in CLOCKS:
        for deed in DEEDS:
            at = "listen" if deed in ("answer_twice",) else "use"
            yield Attack(f"{deed} at {at}", clock, {"at": at, "deed": deed})
        for deed in MIDWAY:
            for at in ("listen", "accept", "state"):
                finding = FINDINGS.get(deed, "") if at != "listen" else ""
                yield Attack(f"{deed} at {at}", clock, {"at": at, "deed": deed}, True, finding)
        for deed in ON_WIRE:
            yield Attack(
                f"{deed} at listen", clock, {"at": "listen", "deed": deed}, clock == CLOCKS[0]
            )
        for at in ("version", "use", "state"):
            yield Attack(f"pending at {at}", clock, {"at": at, "deed": "pending"})
        for deed in ("pending", "pendings"):
            yield Attack(f"{deed} at listen", clock, {"at": "listen", "deed": deed}, False)
    at_advance: dict[str, dict[str, Any]] = {
        "microseconds": {"deed": "microseconds"},
        "backwards": {"put": {"now": 5}},
        "beyond": {"put": {"now": 1 << 62}},
        "always due": {"put": {"next": 1000 * 10**9 + 1}},
        "due before": {"put": {"next": 1}},
        "no now": {"put": {"now": None}},
        "refused": {"put": {"errno": "EINVAL"}},
        "hung": {"deed": "sleep"},
        "pending": {"deed": "pending"},
    }
    for name, how in at_advance.items():
        yield Attack(f"{name} at advance", CLOCKS[0], {"at": "advance", **how})
    for name, put in (("past", {"started": 1, "ended": 2}), ("future", {"ended": 1 << 62})):
        yield Attack(f"{name} at listen", CLOCKS[1], {"at": "listen", "put": put})


def _replies(chance: random.Random) -> Iterator[Attack]:
    for field, values in BAD_FIELDS.items():
        for value in values:
            clock = chance.choice(CLOCKS)
            at = chance.choice(CALLS if field in _OF_PENDING else CALLS[:3])
            if field in ("now", "next"):
                clock, at = CLOCKS[0], "advance"
            put = {field: value}
            # No id is asked for by taking it away; an id of null is said as it is.
            yield Attack(f"{json.dumps(put)} at {at}", clock, {"at": at, "put": put})
    for line in BAD_LINES:
        for at in (CALLS[0], chance.choice(CALLS[1:])):
            how = {"at": at, "line": line.hex()}
            yield Attack(f"{line[:24]!r} at {at}", chance.choice(CLOCKS), how)


def _frames(chance: random.Random, count: int) -> Iterator[Attack]:
    """Noise to the tester: the target's failure, not a broken protocol."""
    for number in range(count):
        size = chance.choice((1, 13, 14, 20, 33, 34, 54, 60, 1514, 9000))
        frame = bytes.fromhex("020000000001020000000002") + chance.randbytes(size)
        at = chance.choice(("listen", "accept"))
        how = {"at": at, "frame": frame[: max(size, 1)].hex()}
        yield Attack(f"frame {number}, {size} octets, at {at}", chance.choice(CLOCKS), how, False)


def attacks(seed: int) -> list[Attack]:
    """All of one seed, in an order of its own."""
    chance = random.Random(seed)
    found = [*_deeds(), *_replies(chance), *_frames(chance, 40)]
    chance.shuffle(found)
    return found
