"""Which cases reach a line of a patch: found by halves, each played in guests of its own.

Rules:

- A guest leaves its counters when it halts, so what a case alone reaches is known of a guest that
  played it alone. Jobs that reach none of the lines together are not looked at one by one.
- A line that has its cases is not looked for any more: ``MOST`` of them are named, then ``and
  more``. What is left out is not known to reach it, nor not to.
- What a guest reaches that plays nothing is no case's doing: the boot, the harness's own sockets.

The price: a line that few cases reach costs another play of the set, whose halves are shared by all
lines; one that every case reaches costs some guests for each case that is named.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from conformance.report.patch import Line
from conformance.targets.base import Job

MOST: Final = 5  # cases named of a line
BOOT: Final = "every guest, whatever it plays"
MORE: Final = "and more"
Reach = Callable[[Sequence[Job]], Collection[Line]]


def by_case(
    jobs: Sequence[Job], lines: Collection[Line], reach: Reach, name: Callable[[Job], str]
) -> Mapping[Line, Sequence[str]]:
    """The cases of each line; ``reach`` plays jobs and says which of the patch's lines ran."""
    found: dict[Line, list[str]] = {line: [] for line in lines}
    boot = reach(())
    for line in boot:
        if line in found:
            found[line].append(BOOT)
    left = [line for line in lines if line not in boot]
    _search(list(jobs), left, found, reach, name)
    return found


def _search(
    jobs: Sequence[Job],
    lines: Collection[Line],
    found: dict[Line, list[str]],
    reach: Reach,
    name: Callable[[Job], str],
) -> None:
    """All of the jobs together reach these lines, or may."""
    for half in _halves(jobs):
        wanted = [line for line in lines if not _has_enough(found[line])]
        if not wanted:
            return
        reached = [line for line in reach(half) if line in wanted]
        if len(half) > 1:
            if reached:
                _search(half, reached, found, reach, name)
            continue
        for line in reached:
            found[line].append(name(half[0]) if len(found[line]) < MOST else MORE)


def _has_enough(names: Sequence[str]) -> bool:
    return MORE in names


def _halves(jobs: Sequence[Job]) -> list[Sequence[Job]]:
    middle = (len(jobs) + 1) // 2
    return [half for half in (jobs[:middle], jobs[middle:]) if half]
