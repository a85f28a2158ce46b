"""The options of the pytest plugin; it asks for them only in a project that has cases."""

from __future__ import annotations

from typing import Final

from conformance.commands.kernel_options import OPTIONS as KERNEL_OPTIONS
from conformance.commands.kernel_options import SURROUNDINGS

OPTIONS: Final = (
    ("--target", {"default": "", "metavar": "T[,T]", "help": "what is tested (linux)"}),
    (
        "--conformance-kernel",
        {"default": "", "metavar": "V[,V]", "help": "Linux of this version, in virtual time"},
    ),
    ("--ip", {"default": "", "metavar": "4,6", "help": "IP versions (those the target has)"}),
    ("--isn", {"default": "", "metavar": "N[,N]", "help": "the tester's ISN: wrap, syn, a number"}),
    (
        "--requirement",
        {"default": "", "metavar": "ID", "help": "only cases that verify it; or its first words"},
    ),
    ("--slow", {"action": "store_true", "help": "also cases of more than 10 s"}),
    (
        "--conformance-record",
        {"default": "", "metavar": "FILE", "help": "write each play, for conformance report"},
    ),
    (
        "--conformance-html",
        {"default": "", "metavar": "DIR", "help": "write a site of the session at its end"},
    ),
    *(
        (f"--conformance-{name}", attributes)
        for name, attributes in (SURROUNDINGS, *KERNEL_OPTIONS)
    ),
)
