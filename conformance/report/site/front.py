"""The front page: what failed, what ran where, and the sections of the RFCs by target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from conformance.report.progress import duration
from conformance.report.site.changes import changes
from conformance.report.site.findings import FRONT, Finding, chooser, listed
from conformance.report.site.marks import counted, legend, of_plays
from conformance.report.site.markup import Html, joined, tag
from conformance.report.site.model import Site, Visit
from conformance.report.site.names import digest
from conformance.report.site.page import page, table
from conformance.report.site.rules import Rules, cases_table, grid

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 253_402_300_799  # seconds: the last that has a date
_EARLIEST: Final = 1_000_000_000  # before there was a record; virtual time begins at about 0


def front_page(site: Site, rules: Rules, found: Sequence[Finding]) -> str:
    """What somebody who was not there sees first."""
    total = of_plays(site.plays())
    said = f"{total.total()} plays of {len(site.shelves)} cases on {_targets(site)}. "
    body = (
        tag("p", said, counted(total), class_="lead"),
        *(tag("p", tag("strong", f"{why}.")) for why in site.broken),
        chooser(site, rules),
        tag("h2", "Findings"),
        _findings(site, rules, found),
        changes(site),
        tag("h2", "What ran where"),
        _visits(site),
        tag("h2", "Rules by section"),
        tag(
            "p",
            "A play counts in each section of which its case verifies a rule. A section without a "
            "case is a hole, and so is a target that played none.",
        ),
        grid(site, rules),
        tag("h2", "Signs"),
        legend(),
    )
    return page("Conformance of TCP", *body, here="index.html", scripted=True)


def _targets(site: Site) -> str:
    count = len(site.targets)
    return f"{count} target" + ("" if count == 1 else "s")


def _findings(site: Site, rules: Rules, found: Sequence[Finding]) -> Html:
    if not found:
        return tag("p", "None: every case that was judged ended as it should.")
    shown = listed(found[:FRONT], site, rules)
    if len(found) <= FRONT:
        return shown
    link = tag("a", f"all {len(found)} findings", href="findings.html")
    return joined((shown, tag("p", link)))


# ---- what ran where ------------------------------------------------------------------------------


def _visits(site: Site) -> Html:
    heads = ("target", "version", "IP", "date", "time on its clock", "plays", "more")
    rows = [_visit(visit, site) for visit in site.visits.values()]
    files = site.texts()
    named = "\n".join(f"{path}\0{text}" for path, text in sorted(files.items()))
    told = f"The cases: {len(files)} files, played by {_set(site)}. Their texts have the digest "
    why = f"{digest(named)}; equal digests are equal texts."
    return joined(
        (
            table(heads, tag("tbody", *rows), about="what ran where", class_="visits"),
            tag("p", told, why, class_="dim"),
        )
    )


def _set(site: Site) -> str:
    """``conformance 0.7.0``, whose set it is; of several runs each."""
    known = " and ".join(sorted(site.versions - {""}))
    told = [f"conformance {known}"] if known else []
    return " and ".join([*told, *(["a version that is not told"] if "" in site.versions else [])])


def _visit(visit: Visit, site: Site) -> Html:
    profile = visit.profile
    name = tag("th", visit.target, scope="row")
    run = site.run_name(visit.run) if len(site.runs) > 1 else ""
    return tag(
        "tr",
        name,
        tag("td", profile.version or profile.facts.get("stack") or "not told"),
        tag("td", ", ".join(sorted(visit.ways))),
        tag("td", date(visit.first)),
        tag("td", duration(visit.seconds) + (" (virtual)" if profile.virtual else "")),
        tag("td", counted(visit.outcomes)),
        tag("td", _facts(visit, run)),
    )


def _facts(visit: Visit, run: str) -> Html:
    pairs = [joined((tag("dt", name), tag("dd", said))) for name, said in _told(visit, run)]
    return tag("details", tag("summary", "facts"), tag("dl", *pairs))


def _told(visit: Visit, run: str) -> Iterator[tuple[str, str]]:
    profile = visit.profile
    if run:
        yield "run", run
    if profile.kind:
        yield "kind", profile.kind
    yield from sorted(profile.facts.items())
    if "seed" not in profile.facts:
        yield "seed", "not told"
    yield "MSL", duration(profile.msl)
    yield "initial RTO", duration(profile.rto)
    yield "abilities", ", ".join(sorted(map(str, profile.abilities)))
    yield "options", ", ".join(sorted(profile.options)) or "none"
    if profile.lacks:
        yield "lacks", ", ".join(sorted(map(str, profile.lacks)))


def date(started: float) -> str:
    """``2026-11-29 23:40 UTC``, as far as a time can be one; virtual time has none."""
    if not _EARLIEST <= started <= _LATEST:
        return "no date"
    return f"{_EPOCH + timedelta(seconds=int(started)):%Y-%m-%d %H:%M} UTC"


# ---- all cases -----------------------------------------------------------------------------------


def cases_page(site: Site, rules: Rules) -> str:
    """Every case, one a row."""
    shelves = sorted(site.shelves.values(), key=lambda shelf: shelf.id)
    body = (
        tag("p", "A sign is a play: over IPv4 or IPv6, on the target of its column."),
        chooser(site, rules),
        cases_table(shelves, site, rules, "", "all cases"),
    )
    return page("Cases", *body, here="cases.html", scripted=True)
