"""The targets: what a name means, and how its target is made, in one tuple of kinds.

A name that begins with ``linux-`` is a kernel in virtual time: ``linux-6.12`` the newest 6.12 that
is built, ``linux-./vmlinux`` a binary. Any other is a target file: the path of one, or a name that
``conformance target list`` shows; ``ssh:HOST`` is a host that shares a link with this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from conformance.errors import CaseError

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.kernel.console import Console
    from conformance.targets.base import Target
    from conformance.targets.files.model import TargetFile

BUILT_IN: Final = ("reference", "linux")
KERNEL: Final = "linux-"  # and a version, a name or a path
REMOTE: Final = "ssh:"  # and a host


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of a target.

    ``seed`` pins what is random where that can be done; ``own_network`` allows frames on an
    interface of this machine that a target file names. ``interface`` and the addresses are for
    ``ssh:HOST``: what shares a link with it, its addresses there, and the tester's. ``append`` and
    ``console`` are for kernels in virtual time: their parameters, and where what they say goes;
    ``counters`` for one that counts what runs: the directory where its guests add that.
    """

    seed: int | None = None
    own_network: bool = False
    interface: str = ""
    addresses: tuple[str, ...] = ()
    testers: tuple[str, ...] = ()
    append: tuple[str, ...] = ()
    console: Console | None = None
    counters: Path | None = None

    @property
    def link(self) -> bool:
        """Whether anything is said of ``ssh:HOST``."""
        return bool(self.interface or self.addresses or self.testers)


@dataclass(frozen=True, slots=True)
class TargetKind:
    """One kind of target.

    ``owns``: whether a name is of this kind; ``full_name``: what its records will call it;
    ``open``: make it. Each imports what it needs when it is asked: the reference must not pay for
    scapy, nor what only names targets for either.
    """

    owns: Callable[[str], bool]
    full_name: Callable[[str], str]
    open: Callable[[str, Wanted], Target]


def is_kernel(name: str) -> bool:
    """Whether it is a kernel in virtual time."""
    return name.startswith(KERNEL) and not name.endswith(".yaml")


def is_remote(name: str) -> bool:
    """Whether it is a host that ssh reaches."""
    return name.startswith(REMOTE)


def _reference(_: str, __: Wanted) -> Target:
    from conformance.targets.kinds.reference import Reference

    return Reference()


def _linux(_: str, __: Wanted) -> Target:
    from conformance.targets.kinds.linux import Linux

    return _as_linux(Linux())


def _kernel(name: str, wanted: Wanted) -> Target:
    from conformance.targets.kinds.kernel import KernelTarget

    release = name.removeprefix(KERNEL)
    return _as_linux(
        KernelTarget(release, wanted.seed, wanted.append, wanted.console, wanted.counters)
    )


def _as_linux(target: Target) -> Target:
    """With what Linux is known to do otherwise."""
    from conformance.targets.deviations import load
    from conformance.targets.kinds.linux import DEVIATIONS

    target.deviations = load(DEVIATIONS)
    return target


def _kernel_name(name: str) -> str:
    from conformance.kernel.store import find

    return find(name.removeprefix(KERNEL)).target


def _host(name: str, wanted: Wanted) -> Target:
    from conformance.targets.files.ssh import described
    from conformance.targets.kinds.glue import open_file

    file = described(name, wanted.interface, wanted.addresses, wanted.testers)
    return _as_linux(open_file(replace(file, own_network=wanted.own_network)))


def _of_file(name: str, wanted: Wanted) -> Target:
    from conformance.targets.deviations import NOTHING, load
    from conformance.targets.files.build import require, shown, stale
    from conformance.targets.kinds.glue import open_file

    file = replace(_file(name), own_network=wanted.own_network)
    require(file)
    known = load(file.deviations) if file.deviations else NOTHING
    target = open_file(file)
    if file.deviations:
        target.deviations = known
    elif file.ssh:
        _as_linux(target)
    if newer := stale(file):
        target.warning = (
            f"{newer} is newer than what was built of it: conformance target build {shown(file)}"
        )
    return target


def _file(name: str) -> TargetFile:
    from conformance.targets.files.shipped import find

    return find(name, BUILT_IN)


# The first that owns a name has it.
KINDS: Final = (
    TargetKind(lambda name: name == "reference", str, _reference),
    TargetKind(lambda name: name == "linux", str, _linux),
    TargetKind(is_remote, str, _host),
    TargetKind(is_kernel, _kernel_name, _kernel),
    TargetKind(lambda name: True, lambda name: _file(name).name, _of_file),
)


def _kind(name: str) -> TargetKind:
    return next(kind for kind in KINDS if kind.owns(name))


def full_name(name: str) -> str:
    """The name that the target's records will have; raises CaseError if there is no such target."""
    return _kind(name).full_name(name)


def open_target(name: str, wanted: Wanted = Wanted()) -> Target:
    """Make the target of this name.

    Raises CaseError for an unknown name, EnvironmentProblem where it cannot be had.
    """
    return _kind(name).open(name, wanted)


def targets_of(text: str) -> list[str]:
    """``linux,reference`` as names of targets.

    Raises CaseError for one that does not exist, and for two whose records would look the same.
    """
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    told: dict[str, str] = {}
    for name in names:
        other = told.setdefault(full_name(name), name)
        if other != name:
            raise CaseError(f"{other} and {name} are both called {full_name(name)}")
    return names


def kernels_of(text: str) -> list[str]:
    """``6.1,6.12`` as names of targets; ``host`` is the running kernel."""
    names = [name.strip() for name in text.split(",")]
    return targets_of(",".join("linux" if name == "host" else KERNEL + name for name in names))
