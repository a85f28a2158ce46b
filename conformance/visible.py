"""Text of others, made safe to look at: nothing in it can move a cursor or turn its own order.

A case, a record, a target file or a glue program may hold any character. What nobody sees, or
what a terminal obeys, is written as the escape that YAML, JSON and Python have for it: controls
(C0, DEL, C1), the overrides and marks of bidirectional text, separators of lines, surrogates. A
space of any width stays. It is for showing alone; what is compared or written to a file of the
user's keeps its own characters.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Our own colours, and what moves the moving line of a terminal.
_OURS: Final = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z]|\r)")


class _Shown(dict[int, int | str]):
    """What stands for each character; a table that ``str.translate`` fills as it asks."""

    def __init__(self, keep: str) -> None:
        super().__init__({ord(kept): ord(kept) for kept in keep})

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        seen = character.isprintable() or unicodedata.category(character) == "Zs"
        self[code] = found = code if seen else escape(character)
        return found


def escape(character: str) -> str:
    r"""``\x1b``, ``\u202e`` or ``\U000e0001``."""
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_LINES: Final = _Shown("\n\t")
_LINE: Final = _Shown("")


def visible(text: str) -> str:
    """The text with all that is hidden in it made visible; its lines and tabs stay."""
    return text if text.isprintable() else text.translate(_LINES)


def on_one_line(text: str) -> str:
    """The same, and a line break or a tab is one more thing that is hidden."""
    return text if text.isprintable() else text.translate(_LINE)


def visible_on_terminal(text: str) -> str:
    """The same for what has been painted: colours and movements that can be ours stay.

    Texts of others are to be cleaned before they are painted; this is the net below.
    """
    if text.isprintable():
        return text
    parts = _OURS.split(text)
    return "".join(part if i % 2 else visible(part) for i, part in enumerate(parts))
