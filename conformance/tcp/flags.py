"""The control bits, in header order from the least significant (RFC 9293 3.1, RFC 9768 AE)."""

from __future__ import annotations

from enum import IntFlag
from functools import cache
from typing import Final


class Flags(IntFlag):
    """The nine control bits; ``int(flags)`` is their value in the header."""

    FIN = 0x001
    SYN = 0x002
    RST = 0x004
    PSH = 0x008
    ACK = 0x010
    URG = 0x020
    ECE = 0x040
    CWR = 0x080
    AE = 0x100


NONE: Final = Flags(0)
# The three that are a counter, modulo 8, where AccECN is in use (RFC 9768 section 3.2.2).
ACE: Final = Flags.AE | Flags.CWR | Flags.ECE

# The order in which a person writes them: control first, ACK last but for the rare ones.
WRITTEN: Final = (
    Flags.FIN, Flags.SYN, Flags.RST, Flags.PSH, Flags.ACK,
    Flags.URG, Flags.ECE, Flags.CWR, Flags.AE,
)  # fmt: skip


@cache
def names(flags: Flags) -> tuple[str, ...]:
    """The names of the bits that are set, in written order; empty for none."""
    return tuple(str(flag.name) for flag in WRITTEN if flag in flags)


def ace(flags: Flags) -> int:
    """The three bits as a number, AE the most significant."""
    return (flags & ACE) // Flags.ECE


def of_ace(number: int) -> Flags:
    """The three bits of a number, modulo 8."""
    return Flags(number % 8 * Flags.ECE)
