"""What is otherwise than in the run before: the plays that two runs or more have."""

from __future__ import annotations

from typing import Final

from conformance.report.site.marks import mark
from conformance.report.site.markup import NOTHING, Html, joined, tag
from conformance.report.site.model import GRAVEST, Play, Site
from conformance.report.site.names import anchor, case_page
from conformance.report.site.page import table

_SHOWN: Final = 200


def changes(site: Site) -> Html:
    """A table of them, the worst first; nothing where no play was played twice."""
    again = [play for play in site.plays() if play.earlier]
    if not again:
        return NOTHING
    found = [play for play in again if play.earlier[-1][1] is not play.outcome]
    found.sort(key=lambda play: GRAVEST.index(play.outcome))
    told = f"{len(again)} plays are in several runs, and {len(found)} ended otherwise in the last."
    link = tag("a", "all runs over time", href="trends.html")
    parts = [tag("h2", "What changed"), tag("p", f"{told} See ", link, ".")]
    if found:
        rows = map(_row, found[:_SHOWN])
        heads = ("play", "before", "now", "because")
        parts.append(table(heads, tag("tbody", *rows), about="what changed"))
    if len(found) > _SHOWN:
        parts.append(tag("p", f"And {len(found) - _SHOWN} more."))
    return joined(parts)


def _row(play: Play) -> Html:
    link = tag("a", play.id, href=f"{case_page(play.case)}#{anchor(play.id)}")
    return tag(
        "tr",
        tag("th", link, scope="row"),
        tag("td", mark(play.earlier[-1][1])),
        tag("td", mark(play.outcome)),
        tag("td", play.reason),
    )
