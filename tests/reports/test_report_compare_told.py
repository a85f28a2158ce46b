"""A comparison told: texts of others break none of its forms, and what is left out is counted."""

from __future__ import annotations

import re

import pytest

from conformance.report.compare import ComparedCase, Comparison, Drawn, Kind, PlayKey, Side
from conformance.report.compare_text import markdown
from conformance.report.compare_text import text as compared_text
from conformance.report.site.comparison import comparison_page

NASTY = "</details> ``` | `x` [a](b) <b> \x1b[31m \u202e"


def comparison(count: int, ladder: str, picture: str = "") -> Comparison:
    """With a picture of A a page has each row whole, and of B the ladder as a text."""
    side, drawn = Side(NASTY, "fail", NASTY, NASTY), (Drawn(ladder, picture), Drawn(ladder))
    rows = [
        ComparedCase(Kind.REGRESSION, PlayKey(f"{NASTY}{n}", 4), NASTY, side, side, (), "", drawn)
        for n in range(count)
    ]
    return Comparison(NASTY, NASTY, rows, [NASTY])


def test_no_text_of_others_breaks_a_comment() -> None:
    page = markdown(comparison(2, f"{NASTY}\n"))
    parts = re.split("^```", page, flags=re.MULTILINE)
    assert len(parts) == 5
    outside = "".join(parts[::2])
    assert outside.count("</details>") == outside.count("<details>") == 2
    assert "<b>" not in outside
    assert "\x1b" not in page
    assert "\u202e" not in page
    for line in page.splitlines():
        if line.startswith("| regression"):
            assert line.replace("\\|", "").count("|") == 6


@pytest.mark.parametrize("picture", ["", "<svg></svg>"])
def test_no_text_of_others_breaks_a_page(picture: str) -> None:
    page = comparison_page(comparison(2, f"{NASTY}\n", picture))
    assert page.count("<svg") == 2 * bool(picture)
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("</details>") == page.count("<details")


def test_no_text_of_others_moves_a_cursor_of_a_terminal() -> None:
    other = Side(NASTY, NASTY, NASTY, NASTY)
    found = comparison(2, "a ladder, which cleans its own texts\n")
    found.rows += [ComparedCase(Kind.OTHER, PlayKey(NASTY, 4), NASTY, other, other, (), NASTY)]
    found.rows += [ComparedCase(Kind.NEW, PlayKey(NASTY, 4), NASTY, None, other, (), NASTY)]
    told = compared_text(found, color=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", told)
    assert len(told.splitlines()) > 10


def test_a_comment_has_room_at_github() -> None:
    page = markdown(comparison(400, "x" * 20_000 + "\n"))
    assert len(page) < 65_536
    assert page.count("<details>") == 1
    assert "| regression | 400 | fail | " in page


@pytest.mark.parametrize(
    ("count", "left"),
    [(20, ""), (21, "1 more entry, which --json has"), (22, "2 more entries, which --json has")],
)
def test_what_is_left_out_is_counted(count: int, left: str) -> None:
    side = Side("x", "pass")
    rows = [
        ComparedCase(Kind.OTHER, PlayKey(f"n{n}", 4), "T", side, side, (), f"{n}")
        for n in range(count)
    ]
    made = Comparison("A", "B", rows)
    for told in (markdown(made), compared_text(made)):
        lines = [line for line in told.splitlines() if "which --json has" in line]
        assert len(lines) == bool(left)
        assert left in "".join(lines)
