"""Of many connections that a ``repeat`` has with ``each:`` a ladder shows a few.

The first two, the last, and those that the verdict is about: the others did the same.
"""

from __future__ import annotations

import re
from typing import Final

from conformance.play.record import Entry, Record
from conformance.play.verdict import Outcome

_FEW: Final = 5  # of one name are shown, all of them
_ROUND: Final = re.compile(r"(\w+)\.(\d+)")


def left_out(record: Record, guilty: Entry | None) -> dict[str, str]:
    """The connections that are not shown; what stands in their place, by the first of a name."""
    verdict = record.verdict
    kept = {guilty.conn} if guilty is not None else set()
    if verdict is not None and verdict.step is not None and verdict.outcome is not Outcome.PASS:
        kept.add(verdict.step.conn)
    found: dict[str, set[int]] = {}
    for match in (_ROUND.fullmatch(entry.conn) for entry in record.entries):
        if match:
            found.setdefault(match[1], set()).add(int(match[2]))
    left: dict[str, str] = {}
    for name, numbers in found.items():
        hidden = [f"{name}.{number}" for number in sorted(numbers)[2:-1]]
        hidden = [conn for conn in hidden if conn not in kept]
        if len(numbers) > _FEW:
            left |= dict.fromkeys(hidden, "")
            left[hidden[0]] = f"and {len(hidden)} more of {name}"
    return left
