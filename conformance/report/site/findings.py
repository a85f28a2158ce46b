"""What did not end well, by cause: the commonest of the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.play.verdict import Outcome
from conformance.report.causes import kind_of
from conformance.report.site.marks import counted, mark, of_plays
from conformance.report.site.markup import Html, joined, tag
from conformance.report.site.model import FINDINGS, GRAVEST, Play, Site
from conformance.report.site.names import anchor, case_page
from conformance.report.site.page import choice, filters, page
from conformance.report.site.rules import Rules
from conformance.visible import on_one_line

_SHOWN: Final = 4  # plays of a finding that are links at once
_LONGEST: Final = 400  # characters of a cause
FRONT: Final = 25  # findings on the front page


@dataclass(slots=True)
class Finding:
    """One cause, and the plays that ended so."""

    outcome: Outcome
    cause: str
    plays: list[Play] = field(default_factory=list)


def findings(plays: Iterable[Play]) -> list[Finding]:
    """Those of the plays that did not end well."""
    found: dict[tuple[Outcome, str], Finding] = {}
    for play in plays:
        if play.outcome in FINDINGS:
            key = play.outcome, kind_of(play.cause)
            found.setdefault(key, Finding(play.outcome, play.cause)).plays.append(play)
    return sorted(found.values(), key=lambda one: (GRAVEST.index(one.outcome), -len(one.plays)))


def listed(found: Sequence[Finding], site: Site, rules: Rules, up: str = "") -> Html:
    """The findings as a list."""
    return tag("ol", *(_item(one, site, rules, up) for one in found), class_="findings")


def _item(one: Finding, site: Site, rules: Rules, up: str) -> Html:
    columns = {target: number for number, target in enumerate(site.targets)}
    per = Counter(play.target for play in one.plays)
    verdicts = sorted({f"{columns[play.target]}:{play.outcome}" for play in one.plays})
    ids = list(dict.fromkeys(id for play in one.plays for id in _rules(play, site)))
    links = [_link(play, up) for play in one.plays]
    more: Html = Html("")
    if len(links) > _SHOWN:
        rest = len(links) - _SHOWN
        more = tag("details", tag("summary", f"and {rest} more"), tag("ul", *links[_SHOWN:]))
    cause = on_one_line(one.cause)
    told = cause if len(cause) <= _LONGEST else cause[:_LONGEST] + " ..."
    return tag(
        "li",
        tag("p", mark(one.outcome), " ", tag("strong", told or "no reason is written")),
        tag("p", "on ", ", ".join(f"{name} ({many})" for name, many in per.items()), class_="dim"),
        tag("p", *rules.links(ids[:4], up), class_="dim") if ids else "",
        tag("ul", *links[:_SHOWN]),
        more,
        data_row=True,
        data_v=" ".join(verdicts),
        data_section="|".join(rules.groups(ids)),
        data_level="|".join(rules.levels(ids)),
    )


def _rules(play: Play, site: Site) -> tuple[str, ...]:
    """The rule that was broken, if the failure names one, else those of the case."""
    broken = play.failure.requirement if play.failure else ""
    return (broken,) if broken else site.shelves[play.case].verifies


def _link(play: Play, up: str) -> Html:
    return tag("li", tag("a", play.id, href=f"{up}{case_page(play.case)}#{anchor(play.id)}"))


def chooser(site: Site, rules: Rules, *, sections: bool = True) -> Html:
    """The filters that every list has."""
    verdicts = [(str(outcome), str(outcome)) for outcome in GRAVEST]
    targets = [(str(number), target) for number, target in enumerate(site.targets)]
    used = [(group, group) for group in rules.used] if sections else []
    return filters(
        choice("verdict", "verdict", verdicts),
        choice("section", "section", used) if used else "",
        choice("level", "level", [(level, level) for level in rules.all_levels]),
        choice("target", "target", targets),
    )


def findings_page(site: Site, rules: Rules, found: Sequence[Finding]) -> str:
    """All of them."""
    total = of_plays(play for one in found for play in one.plays)
    body: Html = tag("p", "Nothing: every case that was judged ended as it should.")
    if found:
        body = joined(
            (
                tag("p", counted(total), f" in {len(found)} causes. ", _HOW),
                chooser(site, rules),
                listed(found, site, rules),
            )
        )
    return page("Findings", body, here="findings.html", scripted=True)


_HOW: Final = (
    "Two plays have one cause when they ended at steps that say the same and saw the same, whatever"
    " the numbers were."
)
