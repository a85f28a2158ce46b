"""What the pages are called: no id makes two of one name, or one outside the site.

A name is what is harmless of an id, so that a person finds it, and a digest of all of it, so that
it is the only one: on a file system that does not tell ``A`` from ``a``, too.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

_HARMLESS: Final = re.compile(r"[^A-Za-z0-9]+")
_LONGEST: Final = 80
_DIGITS: Final = 10


def digest(text: str) -> str:
    """A few digits that stand for a text."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def slug(text: str) -> str:
    """``rfc9293-3-6-close-lost-ack-0f3a...``: letters, digits and ``-`` alone."""
    kept = _HARMLESS.sub("-", text).strip("-")[-_LONGEST:].strip("-")
    return f"{kept}-{digest(text)}" if kept else digest(text)


def case_page(id: str) -> str:
    """The page of a case."""
    return f"case/{slug(id)}.html"


def section_page(group: str) -> str:
    """The page of a section of an RFC."""
    return f"rules/{slug(group)}.html"


def state_page(state: str) -> str:
    """The page of a state of RFC 9293 and the events that may come to it."""
    return f"state/{slug(state)}.html"


def anchor(text: str) -> str:
    """The place of something in its page."""
    return f"x{digest(text)}"
