"""Every error has an owner: the case is wrong, the target is broken, or the harness is.

The command line turns the owner into its exit status, so no caller has to know the classes
below the three.
"""

from __future__ import annotations


class ConformanceError(Exception):
    """Base of every error that is shown to the user as one sentence, never as a traceback."""

    exit_status = 3


class CaseError(ConformanceError):
    """The case, or an argument that names one, is wrong (exit status 2)."""

    exit_status = 2


class TargetError(ConformanceError):
    """The target is gone, hung, or answers what is no protocol (exit status 3)."""


class EnvironmentProblem(ConformanceError):
    """This machine cannot give what the target needs (exit status 3)."""


class HarnessError(ConformanceError):
    """The harness broke one of its own rules (exit status 3)."""
