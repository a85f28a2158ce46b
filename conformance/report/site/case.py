"""The page of a case: what it asks and why, how it ended everywhere, its ladders, its text."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from conformance.play.verdict import Failure, Outcome
from conformance.report.site.front import date
from conformance.report.site.marks import SIGNS, mark
from conformance.report.site.markup import NOTHING, Html, joined, tag
from conformance.report.site.model import FINDINGS, GRAVEST, Play, Shelf, Site
from conformance.report.site.names import anchor, slug
from conformance.report.site.page import page, table, wide
from conformance.report.site.rules import Rules, level
from conformance.requirements.catalogue import catalogue

_KEY: Final = re.compile(r"(\s*(?:- +)*)([A-Za-z][\w-]*:)(.*)", re.S)
_LONGEST_NOTE: Final = 160
_KEPT_TEXTS: Final = 64  # fragments, coloured


def case_page(shelf: Shelf, site: Site, rules: Rules) -> str:
    """One case on all its targets."""
    plays = sorted(
        shelf.plays.values(),
        key=lambda play: (GRAVEST.index(play.outcome), site.targets.index(play.target), play.way),
    )
    good = next((play for play in plays if play.outcome is Outcome.PASS), None)
    opened = [*plays[:1], good]  # what failed, and how it goes elsewhere
    body = (
        tag("p", tag("code", shelf.id), class_="dim"),
        *(tag("p", part) for part in shelf.about.strip().split("\n\n") if part.strip()),
        _facts(shelf),
        tag("h2", "What it verifies"),
        _requirements(shelf, rules),
        tag("h2", "How it ended"),
        _verdicts(plays),
        tag(
            "div",
            *(_play(play, opened=play in opened) for play in plays),
            class_="plays",
        ),
        tag("h2", "The case"),
        *_sources(shelf, plays),
    )
    return page(shelf.title or shelf.id, *body, up="../")


def _facts(shelf: Shelf) -> Html:
    if not shelf.facts:
        return Html("")
    pairs = (joined((tag("dt", name), tag("dd", said))) for name, said in shelf.facts)
    return tag("dl", *pairs, class_="facts")


def _verdicts(plays: list[Play]) -> Html:
    rows = [
        tag(
            "tr",
            tag("th", tag("a", f"{play.target} {play.way}", href=f"#{anchor(play.id)}"),
                scope="row"),
            tag("td", mark(play.outcome)),
            tag("td", play.reason),
        )
        for play in plays
    ]  # fmt: skip
    return table(
        ("on", "verdict", "because"), tag("tbody", *rows), about="how it ended", class_="verdicts"
    )


# ---- one play ------------------------------------------------------------------------------------


def _play(play: Play, *, opened: bool) -> Html:
    name = f"{play.target} {play.way}"
    head = tag("summary", mark(play.outcome), " ", tag("strong", name))
    return tag(
        "details",
        head,
        *_story(play, name),
        class_="play",
        id=anchor(play.id),
        open=opened or play.outcome in FINDINGS,
    )


def _story(play: Play, name: str) -> Iterator[Html]:
    if play.reason:
        yield tag("p", play.reason)
    if play.note:
        yield tag("pre", play.note, class_="note")
    if play.ladder:
        yield wide(play.ladder, about=f"ladder on {name}")
    elif not play.note:
        yield tag("p", "Nothing was sent, received or called.", class_="dim")
    if play.failure is not None:
        yield _failure(play.failure)
    if play.timers:
        yield tag("h3", "Timers: what was permitted, and when it came")
        yield wide(play.timers, about=f"timers on {name}")
    if play.capture:
        yield tag("p", _capture(play))
    if play.words or play.counters:
        yield _kernel(play)
    if play.reruns:
        yield tag("p", f"It was played again alone, {play.reruns} more.", class_="dim")
    if play.earlier:
        told = ", ".join(f"{date(at)}: {outcome}" for at, outcome, _ in play.earlier)
        yield tag("p", f"In the runs before: {told}", class_="dim")
    if play.again:
        yield tag("p", "Play it again:", class_="again-head")
        yield wide(tag("pre", tag("code", play.again)), about="the command that repeats it")


def _capture(play: Play) -> Html:
    """A file that is in the page, so that a page that is sent alone has it as well."""
    octets = base64.b64encode(play.capture).decode()
    return tag(
        "a",
        "Its capture, for Wireshark",
        download=f"{slug(play.id)}.pcapng",
        href=Html(f"data:application/octet-stream;base64,{octets}"),
        class_="capture",
    )


def _kernel(play: Play) -> Html:
    """What the target's kernel said of itself."""
    rows = [tag("tr", *(tag("td", one) for one in word)) for word in play.words]
    said = table(("at", "it says", "in"), tag("tbody", *rows), about="the kernel's own reasons")
    moved = ", ".join(f"{name} {value}" for name, value in play.counters.items())
    return tag(
        "details",
        tag("summary", "The kernel's own words"),
        said if rows else NOTHING,
        tag("p", f"Its counters at the end: {moved}") if moved else NOTHING,
    )


def _failure(failure: Failure) -> Html:
    rows = [
        tag("tr", tag("th", "or" if number else "expected", scope="row"), tag("td", code(one)))
        for number, one in enumerate(failure.expected)
    ]
    if failure.expected or failure.actual:
        came = code(failure.actual) if failure.actual else "nothing"
        rows.append(tag("tr", tag("th", "actual", scope="row"), tag("td", came)))
    if failure.words:
        rows.append(
            tag("tr", tag("th", "last words", scope="row"), tag("td", tag("pre", failure.words)))
        )
    told = wide(tag("table", tag("tbody", *rows)), about="what was wanted, what came")
    if not failure.differences:
        return told if rows else Html("")
    fields = [
        tag("tr", tag("th", one.field, scope="row"), tag("td", one.expected), tag("td", one.actual))
        for one in failure.differences
    ]
    differs = table(("differs", "expected", "actual"), tag("tbody", *fields), about="what differs")
    return joined((told, differs))


def code(said: str) -> Html:
    """A text of the notation."""
    return tag("code", said)


# ---- what it is made of --------------------------------------------------------------------------


def _requirements(shelf: Shelf, rules: Rules) -> Html:
    if not shelf.verifies:
        return tag("p", "It names no rule.")
    parts = []
    for id in shelf.verifies:
        row = catalogue().get(id)
        link = joined(rules.links([id], "../"))
        told = row.text if row else "This version does not know it."
        parts += [tag("dt", link, " ", level(row.level if row else "")), tag("dd", told)]
    return tag("dl", *parts, class_="rules")


def _sources(shelf: Shelf, plays: list[Play]) -> Iterator[Html]:
    """Its file, then its fragments; a line at which a play ended says so."""
    ended: dict[tuple[str, int], list[Play]] = {}
    for play in plays:
        if play.place is not None and play.outcome in FINDINGS:
            ended.setdefault((play.place.path, play.place.line), []).append(play)
    if shelf.path not in shelf.sources:
        yield tag("p", f"The record holds no text of {shelf.path}.")
    for path in sorted(shelf.sources, key=lambda one: (one != shelf.path, one)):
        marks = {line: plays for (file, line), plays in ended.items() if file == path}
        yield tag(
            "details",
            tag("summary", tag("code", path)),
            wide(_source(shelf.sources[path], marks), about=path),
            open=path == shelf.path or bool(marks),
        )


def _source(source: str, marks: dict[int, list[Play]]) -> Html:
    lines = []
    for number, (numbered, line) in enumerate(_lines(source), 1):
        ended = _ended(marks[number]) if number in marks else ()
        lines.append(joined((numbered, tag("mark", line) if number in marks else line, *ended)))
    return tag("pre", joined(lines, "\n"), class_="source")


@lru_cache(_KEPT_TEXTS)
def _lines(source: str) -> tuple[tuple[Html, Html], ...]:
    """Its lines, numbered and in colours: many cases share a fragment."""
    lines = source.removesuffix("\n").split("\n")
    return tuple(
        (tag("span", f"{number:4} ", class_="number"), _coloured(line))
        for number, line in enumerate(lines, 1)
    )


def _ended(plays: list[Play]) -> Iterator[Html]:
    """Below the line: where it ended so."""
    by: dict[tuple[str, str], list[str]] = {}
    for play in plays:
        by.setdefault((SIGNS[play.outcome] + f" {play.outcome}", play.reason), []).append(
            f"{play.target} {play.way}"
        )
    for (word, reason), names in by.items():
        short = reason if len(reason) <= _LONGEST_NOTE else reason[:_LONGEST_NOTE] + " ..."
        told = " ".join(f"{word} on {', '.join(names)}: {short}".split())
        yield tag("span", f"\n     {told}", class_="ended")


def _coloured(one: str) -> Html:
    """A line of YAML: its key and its remark apart."""
    before, sharp, remark = one.partition(" #")
    if one.lstrip().startswith("#"):
        before, sharp, remark = "", "", one
    found = _KEY.fullmatch(before)
    body = joined((found[1], tag("span", found[2], class_="key"), found[3])) if found else before
    return joined((body, tag("span", sharp + remark, class_="remark") if remark else ""))
