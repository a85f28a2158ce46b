"""The reference TCP: RFC 9293 section 3.10 as data and small functions.

An oracle, a target without root or waiting, and the source of the state diagram.
"""

from __future__ import annotations

from conformance.reference.machine import (
    Config,
    Emitted,
    Moved,
    Output,
    Pending,
    Returned,
    Stack,
)
from conformance.reference.transitions import TABLE, Input, Table, Transition, without

__all__ = [
    "TABLE",
    "Config",
    "Emitted",
    "Input",
    "Moved",
    "Output",
    "Pending",
    "Returned",
    "Stack",
    "Table",
    "Transition",
    "without",
]
