"""The targets: one file each, one tuple that lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.errors import CaseError
from conformance.notation.scanner import suggest
from conformance.targets.base import Target


def _reference() -> Target:
    from conformance.targets.reference import Reference

    return Reference()


def _linux() -> Target:
    from conformance.targets.linux import Linux

    return Linux()


# Each is made when it is asked for: the reference must not pay for scapy, nor --help for either.
TARGETS: Final[tuple[tuple[str, Callable[[], Target]], ...]] = (
    ("reference", _reference),
    ("linux", _linux),
)


def open_target(name: str) -> Target:
    """Make the target of this name.

    Raises CaseError for an unknown name, EnvironmentProblem where it cannot be had.
    """
    known = dict(TARGETS)
    if name not in known:
        raise CaseError(f"unknown target {name}: {suggest(name, known)}")
    return known[name]()
