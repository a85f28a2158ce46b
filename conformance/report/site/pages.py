"""All pages of a site, one after another: their paths, with ``/``, and their texts."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.report.site.case import case_page
from conformance.report.site.events import events_page, state_pages
from conformance.report.site.findings import findings, findings_page
from conformance.report.site.front import cases_page, front_page
from conformance.report.site.model import Site
from conformance.report.site.names import case_page as path_of
from conformance.report.site.rules import Rules, rule_pages
from conformance.report.site.transitions import transitions_page
from conformance.report.site.trends import TRENDS, trends_page

FRONT: str = "index.html"


def pages(site: Site) -> Iterator[tuple[str, str]]:
    """The front page comes last: where it is, all that it leads to is."""
    rules = Rules(site)
    found = findings(site.plays())
    for shelf in site.shelves.values():
        yield path_of(shelf.id), case_page(shelf, site, rules)
    yield from rule_pages(site, rules)
    yield from state_pages(site, rules)
    yield "findings.html", findings_page(site, rules, found)
    yield "cases.html", cases_page(site, rules)
    yield "events.html", events_page(site, rules)
    yield "states.html", transitions_page(site)
    yield TRENDS, trends_page(site)
    yield FRONT, front_page(site, rules, found)
