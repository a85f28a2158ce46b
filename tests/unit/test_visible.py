"""What is hidden is shown; what is seen stays."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from conformance.visible import on_one_line, visible, visible_on_terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ESTABLISHED", "ESTABLISHED"),
        ("größer \u00a0\u3000 中文 e\u0301 🙂", "größer \u00a0\u3000 中文 e\u0301 🙂"),
        ("a\x1b]0;b\x07", "a\\x1b]0;b\\x07"),
        ("\0\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("\u2028\u2029\ufeff\ufffe", "\\u2028\\u2029\\ufeff\\ufffe"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("one\n\ttwo\r", "one\n\ttwo\\x0d"),
    ],
)
def test_a_text_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_line_break_in_one_line_is_hidden_too() -> None:
    assert on_one_line("a\nb\tc") == "a\\x0ab\\x09c"


def test_nothing_hidden_is_left_of_any_character() -> None:
    bad = ("Cc", "Cf", "Cs", "Zl", "Zp")
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    left = {c for c in visible(every) if unicodedata.category(c) in bad}
    assert left == {"\n", "\t"}


def test_colours_stay_on_a_terminal_and_titles_of_windows_do_not() -> None:
    assert visible_on_terminal("\x1b[31mred\x1b[0m\r\x1b[K") == "\x1b[31mred\x1b[0m\r\x1b[K"
    assert visible_on_terminal("\x1b]0;title\x07\x9b1m\u202e") == "\\x1b]0;title\\x07\\x9b1m\\u202e"
