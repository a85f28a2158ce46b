"""Verdicts to look at: a colour, a sign and a word each, and many of them counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from conformance.play.verdict import Outcome
from conformance.report.site.markup import Html, joined, tag
from conformance.report.site.model import GRAVEST, Play
from conformance.report.site.names import anchor, case_page

SIGNS: Final[Mapping[Outcome, str]] = {
    Outcome.PASS: "\N{CHECK MARK}",
    Outcome.DEVIATES: "\N{NOT EQUAL TO}",
    Outcome.INCONCLUSIVE: "?",
    Outcome.FAIL: "\N{MULTIPLICATION SIGN}",
    Outcome.ERROR: "!",
    Outcome.BLOCKED: "\N{BLACK SQUARE}",
    Outcome.SKIPPED: "\N{EN DASH}",
}
MEANINGS: Final[Mapping[Outcome, str]] = {
    Outcome.PASS: "as the case demands",
    Outcome.DEVIATES: "otherwise, and known to be",
    Outcome.INCONCLUSIVE: "the harness was late, so nobody knows",
    Outcome.FAIL: "what an RFC forbids was seen, or what it demands was not",
    Outcome.ERROR: "not judged: the case, the target or the machine broke",
    Outcome.BLOCKED: "not judged: the way to its beginning failed",
    Outcome.SKIPPED: "the target lacks what the case needs",
}
HOLE: Final = tag("span", "\N{MIDDLE DOT}", class_="hole", title="not played")


def mark(outcome: Outcome) -> Html:
    """The verdict as a sign and its word."""
    sign = tag("span", SIGNS[outcome], class_="sign", aria_hidden="true")
    return tag("span", sign, f" {outcome}", class_=f"mark {outcome}")


def counted(outcomes: Mapping[Outcome, int]) -> Html:
    """How many of each, the gravest first; a hole where there are none."""
    found = [outcome for outcome in GRAVEST if outcomes.get(outcome)]
    if not found:
        return HOLE
    return joined((_count(outcome, outcomes[outcome]) for outcome in found), " ")


def _count(outcome: Outcome, many: int) -> Html:
    sign = tag("span", SIGNS[outcome], class_="sign", aria_hidden="true")
    word = tag("span", f" {outcome}", class_="spoken")
    return tag("span", sign, str(many), word, class_=f"mark {outcome}", title=f"{many} {outcome}")


def played(plays: Iterable[Play], up: str) -> Html:
    """Each play as a sign with its IP version, a link to its place in the page of its case."""
    links = [
        tag(
            "a",
            tag("span", SIGNS[play.outcome], class_="sign", aria_hidden="true"),
            _short(play.way),
            tag("span", f" {play.outcome}", class_="spoken"),
            class_=f"mark {play.outcome}",
            href=f"{up}{case_page(play.case)}#{anchor(play.id)}",
            title=f"{play.way}: {play.outcome}",
        )
        for play in plays
    ]
    return joined(links, " ") if links else HOLE


def _short(way: str) -> str:
    """``4`` or ``6``, and that the ISN was chosen."""
    ip, _, isn = way.removeprefix("ipv").partition("-isn-")
    return f"{ip} isn {isn}" if isn else ip


def of_plays(plays: Iterable[Play]) -> Counter[Outcome]:
    """How many ended how."""
    return Counter(play.outcome for play in plays)


def legend() -> Html:
    """What the signs mean."""
    parts = [
        joined((tag("dt", mark(outcome)), tag("dd", MEANINGS[outcome]))) for outcome in GRAVEST
    ]
    hole = joined((tag("dt", HOLE), tag("dd", "not played, or no case: a hole")))
    return tag("dl", *parts, hole, class_="legend")
