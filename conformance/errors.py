"""Every error has an owner: the case is wrong, the target is broken, or this machine cannot.

The command line turns the owner into its exit status. An error of the harness itself has no class:
it is a bug, with a status of its own and a traceback that is kept.
"""

from __future__ import annotations

from enum import StrEnum

from conformance.exits import Exit


class Owner(StrEnum):
    """Whose fault it is that a case could not be judged."""

    CASE = "case"
    TARGET = "target"
    HARNESS = "harness"
    MACHINE = "machine"


class Death(StrEnum):
    """How a program that is the target itself ended while it was played."""

    CRASHED = "crashed"
    HANGS = "hangs"


class ConformanceError(Exception):
    """Base of every error that is shown to the user as one sentence, never as a traceback."""

    exit_status = Exit.BROKEN
    owner = Owner.TARGET


class CaseError(ConformanceError):
    """The case, or an argument that names one, is wrong (exit status 2)."""

    exit_status = Exit.WRONG
    owner = Owner.CASE


class TargetError(ConformanceError):
    """The target is gone, hung, or answers what is no protocol (exit status 3)."""


class TargetDied(TargetError):
    """The program that is the target ended by itself, or answers no more.

    ``how`` in words (``killed by SIGSEGV``); ``words``: the last that it wrote to stderr.
    """

    def __init__(self, sentence: str, death: Death, how: str, words: str) -> None:
        super().__init__(sentence)
        self.death, self.how, self.words = death, how, words


class EnvironmentProblem(ConformanceError):
    """This machine cannot give what the target needs (exit status 3)."""

    owner = Owner.MACHINE
