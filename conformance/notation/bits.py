"""Numbers that are read as names joined by ``|``: the events of poll(), signals,
origins of errors.

In a case a closing ``...`` allows further names: ``IN|...``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# <poll.h> of Linux; a glue program answers these numbers.
EVENTS: Final[Mapping[str, int]] = {
    "IN": 1, "PRI": 2, "OUT": 4, "ERR": 8, "HUP": 16, "RDHUP": 0x2000,
}  # fmt: skip
SIGNALS: Final[Mapping[str, int]] = {"PIPE": 1, "URG": 2}
# SO_EE_ORIGIN of <linux/errqueue.h>, number n as bit n - 1.
ORIGINS: Final[Mapping[str, int]] = {
    "LOCAL": 1, "ICMP": 2, "ICMP6": 4, "TIMESTAMPING": 8, "ZEROCOPY": 16,
}  # fmt: skip


def parts(text: str) -> list[str]:
    """``IN|...`` as a list."""
    return text.split("|")


def print_bits(value: int, names: Mapping[str, int]) -> str:
    """The number by its names, those of no name as a number; 0 for none."""
    found = [name for name, bit in names.items() if value & bit]
    rest = value & ~sum(names.values())
    return "|".join([*found, *([hex(rest)] if rest else [])]) or "0"


def hold_bits(value: int, text: str, names: Mapping[str, int]) -> bool:
    """Whether the number is made of these names, and of no other unless the text allows it."""
    words = parts(text)
    wanted = sum(names[word] for word in words if word != "...")
    return value & wanted == wanted if words[-1] == "..." else value == wanted
