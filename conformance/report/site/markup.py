"""Elements of HTML and SVG: what is a plain text is escaped, only what was made here is not.

Why no template library: a page is a few nested functions, and ``Html`` is all of one that would be
used.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final

from conformance.visible import on_one_line, visible

_MARKED: Final = re.compile("[&<>\"']")
_VOID: Final = frozenset({"meta", "link", "input", "br", "col", "hr"})


class Html(str):
    """Markup of ours; every text of others in it is escaped."""

    __slots__ = ()


NOTHING: Final = Html("")


def text(value: object) -> Html:
    """A text of anybody, with its lines."""
    if isinstance(value, Html):
        return value
    return _escaped(visible(str(value)))


def line(value: object) -> Html:
    """The same on one line: for an attribute, too."""
    return _escaped(on_one_line(str(value)))


def _escaped(said: str) -> Html:
    """Most texts have nothing to escape, and to look is cheaper than to replace five times."""
    return Html(html.escape(said) if _MARKED.search(said) else said)


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element; ``class_`` is ``class``, ``aria_label`` is ``aria-label``.

    An attribute that is None or False is left out, one that is True has no value.
    """
    begun = name
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        begun += " " + key.rstrip("_").replace("_", "-")
        if value is not True:
            begun += f'="{line(value)}"'
    if name in _VOID:
        return Html(f"<{begun}>")
    return Html(f"<{begun}>{joined(children)}</{name}>")


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Several, one after another."""
    return Html(between.join(text(part) for part in parts))
