"""The front page's table of what ran where: whatever a reader needs to repeat it."""

from __future__ import annotations

from dataclasses import replace

import report_samples as samples
import site_pages
from site_pages import Page, renamed

from conformance import __version__
from conformance.play.record import Record
from conformance.report.jsonlines import dump, load
from conformance.report.site.front import date
from conformance.report.site.model import Site
from conformance.report.site.pages import pages
from conformance.report.site.telling import told


def played() -> Record:
    record = samples.wrong_segment()
    facts = {"stack": "a stack of today", "seed": "7", "surroundings": "cubic"}
    record.profile = replace(
        record.profile, version="6.12.117", facts=facts, options=frozenset({"sack", "ecn"})
    )
    return record


def front(site: Site) -> Page:
    return Page(dict(pages(site))["index.html"])


def test_each_target_has_its_row() -> None:
    record, other = played(), renamed(samples.passed(), "rfc9293/other")
    other.profile = replace(other.profile, name="second", version="1.2")
    page = front(site_pages.collected([record, other]))
    (table,) = page.of("table", "visits")
    for told_of in (
        "linux", "6.12.117", f"ipv{record.addressing.ip}", date(record.started), "seed7",
        "surroundingscubic", "optionsecn, sack", "second", "1.2",
    ):  # fmt: skip
        assert told_of in table.words, told_of


def where(site: Site) -> str:
    return next(one.words for one in front(site).of("p", "dim") if "The cases: " in one.words)


def test_the_version_of_the_set_is_that_of_the_program_that_played() -> None:
    record = played()
    assert f"played by conformance {__version__}." in where(site_pages.collected([record]))
    line = f'"conformance":"{__version__}"'
    site = Site()
    text = dump(record)
    for one in (text.replace(line, '"conformance":"0.7.9"'), text.replace(f"{line},", "")):
        (loaded,) = load(one)
        site.put(told(record, loaded))
        assert loaded.conformance in ("0.7.9", "")
    assert "by conformance 0.7.9 and a version that is not told." in where(site)


def test_what_was_skipped_began_at_no_time() -> None:
    record, skipped = played(), renamed(samples.skipped(), "rfc9293/other")
    skipped.started = 0.0
    for records in ([record, skipped], [skipped, record]):
        (row,) = front(site_pages.collected(records)).of("table", "visits")
        assert date(record.started) in row.words
