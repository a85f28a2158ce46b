"""The states of RFC 9293 and what may happen in each (section 3.10): a matrix, a page a state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.play.verdict import Outcome
from conformance.report.site.marks import HOLE, counted
from conformance.report.site.markup import Html, joined, tag
from conformance.report.site.model import Shelf, Site
from conformance.report.site.names import anchor, state_page
from conformance.report.site.page import page, table
from conformance.report.site.rules import Rules, rule_block
from conformance.requirements.catalogue import Requirement, catalogue
from conformance.tcp.states import State


def by_cell() -> dict[tuple[str, str], list[Requirement]]:
    """The rows of section 3.10 by state and event."""
    found: dict[tuple[str, str], list[Requirement]] = {}
    for row in catalogue().values():
        if row.state and row.applicable:
            found.setdefault((row.state, row.cell), []).append(row)
    return found


def events_page(site: Site, rules: Rules) -> str:
    """The matrix over all targets; each cell leads to its cases."""
    events = by_cell()
    cells = list(dict.fromkeys(cell for _, cell in events))
    rows = []
    for state in State:
        shown = [_cell(state, cell, events.get((str(state), cell), []), rules) for cell in cells]
        name = tag("a", state, href=state_page(state))
        rows.append(tag("tr", tag("th", name, scope="row"), *shown))
    heads = ["state", *(tag("th", tag("span", cell), scope="col") for cell in cells)]
    body = (
        tag(
            "p",
            "Each cell: how many of the rows of RFC 9293 section 3.10 a case of these runs "
            "verifies, and how the plays of those cases ended, on all targets together. A cell "
            "leads to its rows and cases, target by target. What cannot happen is blank.",
        ),
        table(heads, tag("tbody", *rows), about="states down, events across", class_="matrix"),
    )
    return page("States and events", *body, here="events.html")


def _cell(state: str, cell: str, rows: list[Requirement], rules: Rules) -> Html:
    if not rows:
        return tag("td", class_="never")
    verified = sum(row.id in rules.cases for row in rows)
    outcomes: Counter[Outcome] = Counter()
    for shelf in _shelves(rows, rules):
        outcomes.update(play.outcome for play in shelf.plays.values())
    whole = "full" if verified == len(rows) else "part" if verified else "hole"
    share = tag("span", f"{verified}/{len(rows)}", class_=f"verified {whole}")
    told = counted(outcomes) if outcomes else HOLE
    place = f"{state_page(state)}#{anchor(cell)}"
    return tag("td", tag("a", share, tag("span", told, class_="stack"), href=place))


def _shelves(rows: list[Requirement], rules: Rules) -> list[Shelf]:
    found = {shelf.id: shelf for row in rows for shelf in rules.cases.get(row.id, ())}
    return list(found.values())


def state_pages(site: Site, rules: Rules) -> Iterator[tuple[str, str]]:
    """For each state its events, with their rows and cases."""
    events = by_cell()
    for state in State:
        own = {cell: rows for (name, cell), rows in events.items() if name == state}
        links = joined((tag("a", cell, href=f"#{anchor(cell)}") for cell in own), ", ")
        parts = [
            tag(
                "section",
                tag("h2", cell, id=anchor(cell)),
                *(rule_block(row, site, rules, "../") for row in rows),
                class_="event",
            )
            for cell, rows in own.items()
        ]
        yield state_page(state), page(f"In {state}", tag("p", links), *parts, up="../")
