"""The targets: one file each, one tuple that lists those that are built in.

A name that begins with ``linux-`` is a kernel in virtual time: ``linux-6.12`` the newest 6.12 that
is built, ``linux-./vmlinux`` a binary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from conformance.errors import CaseError
from conformance.notation.scanner import suggest
from conformance.targets.base import Target

KERNEL: Final = "linux-"  # and a version, a name or a path


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants of a target: ``seed`` pins what is random where that can be done."""

    seed: int | None = None


def _reference(_: Wishes) -> Target:
    from conformance.targets.reference import Reference

    return Reference()


def _linux(_: Wishes) -> Target:
    from conformance.targets.linux import Linux

    return Linux()


# Each is made when it is asked for: the reference must not pay for scapy, nor --help for either.
TARGETS: Final[tuple[tuple[str, Callable[[Wishes], Target]], ...]] = (
    ("reference", _reference),
    ("linux", _linux),
)


def full_name(name: str) -> str:
    """The name that the target's records will have; raises CaseError if there is no such target."""
    known = dict(TARGETS)
    if name in known:
        return name
    if name.startswith(KERNEL):
        from conformance.kernel.store import find

        return find(name.removeprefix(KERNEL)).target
    raise CaseError(f"unknown target {name!r}: {suggest(name, known)}")


def open_target(name: str, wishes: Wishes = Wishes()) -> Target:
    """Make the target of this name.

    Raises CaseError for an unknown name, EnvironmentProblem where it cannot be had.
    """
    known = dict(TARGETS)
    if name in known:
        return known[name](wishes)
    full_name(name)
    from conformance.targets.kernel import Kernel

    return Kernel(name.removeprefix(KERNEL), wishes.seed)
