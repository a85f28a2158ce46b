"""A site made of records, and what a reader of HTML finds in its pages."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Final

import report_samples as samples

from conformance.play.record import Record
from conformance.report.site.model import Site
from conformance.report.site.pages import pages
from conformance.report.site.telling import told

_VOID: Final = frozenset({"meta", "input", "br", "hr", "col", "link", "img"})


def site(records: Iterable[Record]) -> dict[str, str]:
    """Its pages, by path."""
    return dict(pages(collected(records)))


def collected(records: Iterable[Record]) -> Site:
    """The site itself."""
    made = Site()
    for record in records:
        made.put(told(record))
    return made


def endings() -> list[Record]:
    """One of each ending, each a case of its own."""
    found = [
        samples.passed(),
        samples.wrong_segment(),
        samples.nothing_came(),
        samples.blocked(),
        samples.after_the_last(),
        samples.deviates(),
        samples.lost_target(),
        samples.skipped(),
    ]
    return [renamed(record, f"rfc9293/3.6-close/n{i}") for i, record in enumerate(found)]


def renamed(record: Record, id: str) -> Record:
    record.case = replace(record.case, id=id)
    return record


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return "".join(self.text)


class Page(HTMLParser):
    """Every element with its own text and that of what is in it; a tag left open is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert [one.tag for one in self._open] == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text.append(data)

    def rows(self) -> list[list[str]]:
        """The cells of each row of the tables."""
        found: list[list[str]] = []
        for one in self.elements:
            if one.tag == "tr":
                found.append([])
            elif one.tag in ("th", "td"):
                found[-1].append(one.words)
        return found

    def of(self, tag: str, class_: str = "") -> list[Element]:
        return [
            one
            for one in self.elements
            if one.tag == tag and class_ in ("", *one.attributes.get("class", "").split())
        ]


def target_of(path: str, href: str) -> tuple[str, str]:
    """The page and the anchor that a link of a page leads to."""
    name, _, anchor = href.partition("#")
    there = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path
    return there, anchor
