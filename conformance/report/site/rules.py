"""The rules of the RFCs, in their sections, and the cases of these runs that verify them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from conformance.play.verdict import Outcome
from conformance.report.site.marks import counted, played
from conformance.report.site.markup import Html, joined, tag
from conformance.report.site.model import Shelf, Site
from conformance.report.site.names import anchor, case_page, section_page
from conformance.report.site.page import choice, column, filters, page, table
from conformance.requirements.catalogue import LEVELS, Requirement, catalogue

UNKNOWN: Final = "rules that this version does not know"
NO_RULE: Final = "no rule"
_NUMBER: Final = re.compile(r"[\w.]+")


class Rules:
    """Who verifies what. A group is a section of an RFC: ``RFC 9293 3.10.7.4``."""

    def __init__(self, site: Site) -> None:
        self.cases: dict[str, list[Shelf]] = {}
        self.known: dict[str, list[Requirement]] = {}
        self._site = site
        for row in catalogue().values():
            if row.applicable:
                self.known.setdefault(_group(row), []).append(row)
        self.known = {group: self.known[group] for group in _in_order(self.known)}
        strangers: dict[str, None] = {}
        for shelf in site.shelves.values():
            for id in shelf.verifies:
                self.cases.setdefault(id, []).append(shelf)
                if id not in catalogue():
                    strangers[id] = None
        if strangers:
            self.known[UNKNOWN] = [Requirement(id, 0, "", "", "") for id in strangers]
        self.all_levels = list(LEVELS)
        self.used = [
            group for group, rows in self.known.items() if any(row.id in self.cases for row in rows)
        ]

    def shelves(self, group: str) -> list[Shelf]:
        """The cases that verify something of a section, each once."""
        rows = self.known.get(group, ())
        found = {shelf.id: shelf for row in rows for shelf in self.cases.get(row.id, ())}
        return list(found.values())

    def outcomes(self, shelves: Iterable[Shelf]) -> dict[str, Counter[Outcome]]:
        """How many plays of these ended how, by target."""
        found: dict[str, Counter[Outcome]] = {target: Counter() for target in self._site.targets}
        for shelf in shelves:
            for play in shelf.plays.values():
                found[play.target][play.outcome] += 1
        return found

    def groups(self, ids: Iterable[str]) -> list[str]:
        """The sections of some rules."""
        rows = (catalogue().get(id) for id in ids)
        return list(dict.fromkeys(_group(row) if row else UNKNOWN for row in rows))

    def levels(self, ids: Iterable[str]) -> list[str]:
        """How strong they are, in one word each."""
        return list(dict.fromkeys(map(level_of, ids)))

    def links(self, ids: Sequence[str], up: str) -> list[Html]:
        """Each rule as a link to its place in the page of its section."""
        links = []
        for id in ids:
            row = catalogue().get(id)
            group = _group(row) if row else UNKNOWN
            known = group in self.known
            place = f"{up}{section_page(group)}#{anchor(id)}"
            links.append(tag("a", id, href=place) if known else tag("span", id))
        return [joined(links, ", ")]


def _in_order(groups: Iterable[str]) -> list[str]:
    """By section, the RFCs as the catalogue has them: 3.9 before 3.10, an appendix last."""
    rfcs = list(dict.fromkeys(group.split()[1] for group in groups))

    def key(group: str) -> tuple[int, list[tuple[int, str]]]:
        _, rfc, *section = group.split()
        parts = section[0].split(".") if section else []
        return rfcs.index(rfc), [
            (int(part), "") if part.isdigit() else (1 << 30, part) for part in parts
        ]

    return sorted(groups, key=key)


def _group(row: Requirement) -> str:
    found = _NUMBER.match(row.section)
    return f"RFC {row.rfc} {found[0] if found else row.section}".rstrip()


def level_of(id: str) -> str:
    """``MUST`` for MUST and MUST NOT, ``SHOULD``, ``MAY``, ``event``, ``text``."""
    row = catalogue().get(id)
    return next((name for name, words in LEVELS.items() if row and row.level in words), "")


# ---- pages ---------------------------------------------------------------------------------------


def rule_pages(site: Site, rules: Rules) -> Iterator[tuple[str, str]]:
    """A page for each section that has a rule, its holes too."""
    for group, rows in rules.known.items():
        levels = [(level, level) for level in rules.all_levels]
        verified = sum(row.id in rules.cases for row in rows)
        body = (
            tag("p", f"{verified} of {len(rows)} rules are verified by a case of these runs."),
            filters(
                choice("verdict", "verdict", [(str(one), str(one)) for one in Outcome]),
                choice("level", "level", levels),
                choice("target", "target", _numbered(site)),
            ),
            *(rule_block(row, site, rules, "../") for row in rows),
        )
        yield section_page(group), page(group, *body, up="../", scripted=True)


def _numbered(site: Site) -> list[tuple[str, str]]:
    return [(str(number), target) for number, target in enumerate(site.targets)]


def rule_block(row: Requirement, site: Site, rules: Rules, up: str) -> Html:
    """One rule: what it says, and its cases on each target."""
    shelves = rules.cases.get(row.id, [])
    head = tag("h2", tag("code", row.id), " ", level(row.level), id=anchor(row.id))
    if not shelves:
        hole = tag("p", "No case of these runs verifies it.", class_="hole")
        return tag("section", head, tag("p", row.text), hole, class_="rule")
    cases = cases_table(shelves, site, rules, up, f"the cases of {row.id}")
    return tag("section", head, tag("p", row.text), cases, class_="rule", data_group=True)


def level(word: str) -> Html:
    """An RFC's keyword."""
    return tag("span", word, class_="level") if word else Html("")


def cases_table(shelves: Iterable[Shelf], site: Site, rules: Rules, up: str, about: str) -> Html:
    """Cases down, targets across."""
    heads = [tag("th", "case", scope="col"), *(column(*one) for one in enumerate(site.targets))]
    rows = [case_row(shelf, site, rules, up) for shelf in shelves]
    return table(heads, tag("tbody", *rows), about=about, class_="cases")


def case_row(shelf: Shelf, site: Site, rules: Rules, up: str) -> Html:
    """One case, with a sign for each play."""
    cells = [
        tag("td", played(shelf.of(target), up), data_col=number)
        for number, target in enumerate(site.targets)
    ]
    columns = {target: number for number, target in enumerate(site.targets)}
    pairs = sorted({f"{columns[one.target]}:{one.outcome}" for one in shelf.plays.values()})
    name = tag("a", shelf.id, href=up + case_page(shelf.id))
    return tag(
        "tr",
        tag("th", name, tag("div", shelf.title, class_="dim"), scope="row"),
        *cells,
        data_row=True,
        data_v=" ".join(pairs),
        data_section="|".join(rules.groups(shelf.verifies)),
        data_level="|".join(rules.levels(shelf.verifies)),
    )


def grid(site: Site, rules: Rules) -> Html:
    """Sections down, targets across: how many plays ended how, and the holes."""
    heads = [
        tag("th", "section", scope="col"),
        tag("th", "rules verified", scope="col"),
        *(column(*one) for one in enumerate(site.targets)),
    ]
    bodies: dict[str, list[Html]] = {}
    for group in rules.known:
        rfc = " ".join(group.split()[:2]) if group.startswith("RFC") else group
        bodies.setdefault(rfc, []).append(_section_row(group, site, rules))
    alone = [shelf for shelf in site.shelves.values() if not shelf.verifies]
    if alone:
        cells = _cells(rules.outcomes(alone))
        first = tag("th", tag("a", NO_RULE, href="cases.html"), scope="row")
        bodies[NO_RULE] = [tag("tr", first, tag("td", ""), *cells, data_row=True)]
    width = len(heads)
    parts = [
        tag(
            "tbody",
            tag("tr", tag("th", rfc, colspan=width, scope="rowgroup"), class_="rfc"),
            *rows,
            data_group=True,
        )
        for rfc, rows in bodies.items()
    ]
    return table(heads, *parts, about="sections down, targets across", class_="grid")


def _section_row(group: str, site: Site, rules: Rules) -> Html:
    rows, shelves = rules.known[group], rules.shelves(group)
    verified = sum(row.id in rules.cases for row in rows)
    whole = "full" if verified == len(rows) else "part" if verified else "hole"
    outcomes = rules.outcomes(shelves)
    pairs = [
        f"{number}:{outcome}"
        for number, target in enumerate(site.targets)
        for outcome in outcomes[target]
    ]
    return tag(
        "tr",
        tag("th", tag("a", group, href=section_page(group)), scope="row"),
        tag("td", f"{verified} of {len(rows)}", class_=f"verified {whole}"),
        *_cells(outcomes),
        data_row=True,
        data_v=" ".join(pairs),
        data_section=group,
        data_level="|".join(rules.levels(row.id for row in rows)),
    )


def _cells(outcomes: dict[str, Counter[Outcome]]) -> list[Html]:
    return [
        tag("td", counted(one), data_col=number) for number, one in enumerate(outcomes.values())
    ]
