"""The frame of a page: its policy, its style, the way to the other pages, the filter.

The style and the script stand in the page, each with its digest in the policy: so a page can be
opened from a disk by any browser, or sent alone, and nothing else is obeyed in it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from conformance.report.site.markup import Html, joined, tag

MAKER: Final = "conformance report"
_PAGES: Final = (
    ("index.html", "Overview"),
    ("findings.html", "Findings"),
    ("cases.html", "Cases"),
    ("events.html", "States and events"),
    ("states.html", "Transitions"),
    ("trends.html", "Trends"),
)


@cache
def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


@cache
def _digest(name: str) -> str:
    octets = sha256(_asset(name).encode()).digest()
    return f"'sha256-{base64.b64encode(octets).decode()}'"


@cache
def _head(scripted: bool) -> Html:
    script = f"; script-src {_digest('script.js')}" if scripted else ""
    policy = (
        f"default-src 'none'; style-src {_digest('style.css')}{script}; "
        "base-uri 'none'; form-action 'none'"
    )
    return joined(
        (
            tag("meta", charset="utf-8"),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("meta", name="referrer", content="no-referrer"),
            tag("meta", name="generator", content=MAKER),
            Html(f"<style>{_asset('style.css')}</style>"),
        )
    )


def page(
    title: str,
    *body: object,
    up: str = "",
    here: str = "",
    scripted: bool = False,
    alone: bool = False,
) -> str:
    """A whole page; ``up`` leads from it to the site's root, ``here`` is the page in the menu.

    One that is ``alone`` is of no site and has no menu.
    """
    links = [
        tag("a", name, href=up + path, aria_current="page" if path == here else None)
        for path, name in _PAGES
    ]
    script = Html(f"<script>{_asset('script.js')}</script>") if scripted else Html("")
    return "<!DOCTYPE html>\n" + tag(
        "html",
        tag("head", _head(scripted), tag("title", f"{title} \N{MIDDLE DOT} conformance")),
        tag(
            "body",
            tag("a", "to the content", href="#content", class_="skip"),
            "" if alone else tag("nav", *links, aria_label="pages of this report"),
            tag("main", tag("h1", title), *body, id="content"),
            script,
        ),
        lang="en",
    ) + "\n"  # fmt: skip


def wide(*content: object, about: str) -> Html:
    """What may be wider than the page: it moves within itself, by keys too."""
    return tag("div", *content, class_="wide", tabindex="0", role="region", aria_label=about)


def table(heads: Sequence[object], *rows: object, about: str, class_: str = "") -> Html:
    """A table with a heading, rows or bodies below it."""
    head = tag("thead", tag("tr", *(_head_cell(one) for one in heads)))
    whole = tag("table", tag("caption", about, class_="spoken"), head, *rows, class_=class_)
    return wide(whole, about=about)


def _head_cell(one: object) -> Html:
    if isinstance(one, Html) and one.startswith("<th"):
        return one
    return tag("th", one, scope="col")


def column(number: int, target: str) -> Html:
    """The head of a target's column."""
    return tag("th", target, scope="col", data_col=number, class_="target")


def choice(name: str, label: str, options: Iterable[tuple[str, str]]) -> Html:
    """A filter that is one of some."""
    every = tag("option", "all", value="")
    items = [tag("option", shown, value=value) for value, shown in options]
    return tag("label", label, tag("select", every, *items, data_filter=name))


def filters(*choices: object) -> Html:
    """A form that is there with a script only; without one everything is shown."""
    search = tag(
        "label",
        "text",
        tag("input", type="search", data_filter="text", autocomplete="off", spellcheck="false"),
    )
    count = tag("output", class_="shown", aria_live="polite")
    return tag("form", search, *choices, count, class_="filters", hidden=True, aria_label="filters")
