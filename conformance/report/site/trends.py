"""Several runs of one target, one after another: how many ended how, and what changed when.

A column is a run, its height the plays, split by verdict, the gravest at the bottom; below stands
each play that ended otherwise than in the run before that had it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from conformance.play.verdict import Outcome
from conformance.report.site.front import date
from conformance.report.site.marks import SIGNS, counted, mark
from conformance.report.site.markup import NOTHING, Html, joined, line, tag
from conformance.report.site.model import GRAVEST, Play, Site, Visit
from conformance.report.site.names import anchor, case_page
from conformance.report.site.page import page, table, wide

TRENDS: Final = "trends.html"
_WIDE, _GAP, _HIGH, _FOOT = 56, 14, 160, 34  # pixels: a column, what is between, all of it
_SHOWN: Final = 200  # changes of one target


@dataclass(frozen=True, slots=True)
class ChangedPlay:
    """A play that ended otherwise in this run than in the one before that had it."""

    run: int
    play: Play
    before: Outcome
    after: Outcome


def trends_page(site: Site) -> str:
    """The page; with one run of each target it says that there is nothing to compare."""
    parts = [part for target in site.targets for part in _target(site, target)]
    none = (
        "Each target has one run here; give several records, the oldest first, to see what moved."
    )
    return page("Trends", *(parts or [tag("p", none)]), here=TRENDS)


def changes_of(site: Site, target: str) -> list[ChangedPlay]:
    """What changed when on a target, the latest first, the worst first of a run."""
    found = []
    for play in site.plays():
        if play.target == target:
            story = [*play.earlier, (play.started, play.outcome, play.run)]
            for (_, before, _), (_, after, run) in pairwise(story):
                if before is not after:
                    found.append(ChangedPlay(run, play, before, after))
    return sorted(found, key=lambda one: (-one.run, GRAVEST.index(one.after), one.play.id))


def _target(site: Site, target: str) -> Iterator[Html]:
    visits = [visit for visit in site.visits.values() if visit.target == target]
    visits.sort(key=lambda visit: visit.run)
    if len(visits) < 2:
        return
    yield tag("h2", target)
    yield wide(_columns(visits), about=f"runs of {target}")
    found = changes_of(site, target)
    moved = {visit.run: sum(one.run == visit.run for one in found) for visit in visits}
    yield _runs(site, visits, moved)
    if not found:
        yield tag("p", "No play that two of them have ended otherwise.")
        return
    rows = [_row(site, one) for one in found[:_SHOWN]]
    heads = ("in", "play", "before", "then", "today because")
    yield table(heads, tag("tbody", *rows), about=f"what changed when on {target}")
    if len(found) > _SHOWN:
        yield tag("p", f"And {len(found) - _SHOWN} more.")


def _runs(site: Site, visits: Sequence[Visit], moved: Mapping[int, int]) -> Html:
    rows = [
        tag(
            "tr",
            tag("th", str(number), scope="row"),
            tag("td", site.run_name(visit.run)),
            tag("td", date(visit.first)),
            tag("td", visit.profile.version or visit.profile.facts.get("stack") or "not told"),
            tag("td", counted(visit.outcomes)),
            tag("td", str(moved[visit.run]) if number > 1 else NOTHING),
        )
        for number, visit in enumerate(visits, 1)
    ]
    heads = ("", "run", "date", "version", "plays", "ended otherwise")
    return table(heads, tag("tbody", *rows), about="the runs")


def _row(site: Site, one: ChangedPlay) -> Html:
    play = one.play
    link = tag("a", play.id, href=f"{case_page(play.case)}#{anchor(play.id)}")
    return tag(
        "tr",
        tag("td", site.run_name(one.run)),
        tag("th", link, scope="row"),
        tag("td", mark(one.before)),
        tag("td", mark(one.after)),
        tag("td", play.reason if one.run == play.run else NOTHING),
    )


def _columns(visits: Sequence[Visit]) -> Html:
    most = max(visit.outcomes.total() for visit in visits) or 1
    width, height = len(visits) * (_WIDE + _GAP) + _GAP, _HIGH + _FOOT
    parts = [_column(visit, at, most) for at, visit in enumerate(visits)]
    return Html(
        f'<svg class="trend" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="group" aria-label="plays by verdict, a column a run">{joined(parts)}</svg>'
    )


def _column(visit: Visit, at: int, most: int) -> Html:
    x, bottom = _GAP + at * (_WIDE + _GAP), float(_HIGH)
    parts = []
    for outcome in GRAVEST:
        many = visit.outcomes[outcome]
        if not many:
            continue
        high = many / most * (_HIGH - 20)
        bottom -= high
        said = line(f"run {at + 1}: {many} {outcome}")
        parts.append(
            f'<g><title>{said}</title><rect x="{x}" y="{bottom:g}" width="{_WIDE}" '
            f'height="{high:g}" class="part {outcome}"/>'
        )
        if high >= 14:
            parts.append(
                f'<text x="{x + _WIDE / 2:g}" y="{bottom + high / 2 + 4:g}" text-anchor="middle" '
                f'class="{outcome}">{SIGNS[outcome]} {many}</text>'
            )
        parts.append("</g>")
    parts.append(
        f'<text x="{x + _WIDE / 2:g}" y="{_HIGH + 16}" text-anchor="middle">{at + 1}</text>'
    )
    return Html("".join(parts))
