"""Several runs of a target: what changed when, and in which run it is told."""

from __future__ import annotations

import re
from dataclasses import replace

import report_samples as samples
import site_pages

from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.site.model import Site
from conformance.report.site.pages import pages
from conformance.report.site.telling import told
from conformance.report.site.trends import changes_of, trends_page

NAMES = ("monday.jsonl", "tuesday.jsonl", "run.jsonl", "run.jsonl")


def case(record: Record, name: str, target: str = "linux") -> Record:
    record.profile = replace(record.profile, name=target)
    return site_pages.renamed(record, f"rfc9293/3.6-close/{name}")


def grown(*runs: list[Record]) -> Site:
    made = Site(NAMES[: len(runs)])
    for number, run in enumerate(runs):
        for record in run:
            made.put(told(record, run=number))
    return made


def week() -> Site:
    """Red on Tuesday, mended later; another that was skipped and then fails; one that stays."""
    passed, failed, skipped = samples.passed, samples.wrong_segment, samples.skipped
    return grown(
        [case(passed(), "a"), case(skipped(), "b"), case(passed(), "c")],
        [case(failed(), "a"), case(skipped(), "b"), case(passed(), "c")],
        [case(passed(), "a"), case(passed(), "c")],  # b is not played
        [case(passed(), "a"), case(failed(), "b"), case(passed(), "c"), case(failed(), "d", "x")],
    )


def text(page: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def test_each_change_is_told_of_the_run_in_which_it_was_seen() -> None:
    found = [
        (one.run, one.play.case[-1], one.before, one.after) for one in changes_of(week(), "linux")
    ]
    assert found == [
        (3, "b", Outcome.SKIPPED, Outcome.FAIL),
        (2, "a", Outcome.FAIL, Outcome.PASS),
        (1, "a", Outcome.PASS, Outcome.FAIL),
    ]


def test_the_page_has_a_column_a_run_and_the_changes() -> None:
    page = trends_page(week())
    assert "run 1: 2 pass" in page
    assert "run 2: 1 fail" in page
    said = text(page)
    assert "tuesday.jsonl" in said
    assert "run.jsonl (3)" in said
    assert "run.jsonl (4)" in said
    assert re.search(r"tuesday\.jsonl rfc9293/3\.6-close/a::linux-ipv4 . pass . fail", said)
    assert "rfc9293/3.6-close/c" not in said
    assert "<h2>x</h2>" not in page  # it has one run


def test_one_run_is_no_trend_and_two_alike_change_nothing() -> None:
    one = [case(samples.passed(), "a")]
    assert "Each target has one run here" in trends_page(grown(one))
    assert "No play that two of them have ended otherwise." in trends_page(grown(one, one))
    assert "trends.html" in dict(pages(grown(one)))
