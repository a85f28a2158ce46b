"""The targets: one file each, one tuple that lists those that are built in.

A name that begins with ``linux-`` is a kernel in virtual time: ``linux-6.12`` the newest 6.12 that
is built, ``linux-./vmlinux`` a binary. Any other is a target file: the path of one, or a name that
``conformance target list`` shows; ``ssh:HOST`` is a host that shares a link with this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from conformance.kernel.console import Console
    from conformance.targets.base import Target
    from conformance.targets.files.model import TargetFile

KERNEL: Final = "linux-"  # and a version, a name or a path
REMOTE: Final = "ssh:"  # and a host


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of a target.

    ``seed`` pins what is random where that can be done; ``own_network`` allows frames on an
    interface of this machine that a target file names. ``interface`` and the addresses are for
    ``ssh:HOST``: what shares a link with it, its addresses there, and the tester's. ``append`` and
    ``console`` are for kernels in virtual time: their parameters, and where what they say goes.
    """

    seed: int | None = None
    own_network: bool = False
    interface: str = ""
    addresses: tuple[str, ...] = ()
    testers: tuple[str, ...] = ()
    append: tuple[str, ...] = ()
    console: Console | None = None

    @property
    def link(self) -> bool:
        """Whether anything is said of ``ssh:HOST``."""
        return bool(self.interface or self.addresses or self.testers)


def _reference(_: Wanted) -> Target:
    from conformance.targets.kinds.reference import Reference

    return Reference()


def _linux(_: Wanted) -> Target:
    from conformance.targets.deviations import load
    from conformance.targets.kinds.linux import DEVIATIONS, Linux

    target = Linux()
    target.deviations = load(DEVIATIONS)
    return target


# Each is made, and imported, when it is asked for: the reference must not pay for scapy, nor what
# only names targets for either.
TARGETS: Final[tuple[tuple[str, Callable[[Wanted], Target]], ...]] = (
    ("reference", _reference),
    ("linux", _linux),
)


def full_name(name: str) -> str:
    """The name that the target's records will have; raises CaseError if there is no such target."""
    known = dict(TARGETS)
    if name in known:
        return name
    if is_kernel(name):
        from conformance.kernel.store import find

        return find(name.removeprefix(KERNEL)).target
    return name if name.startswith(REMOTE) else _file(name).name


def is_kernel(name: str) -> bool:
    """Whether it is a kernel in virtual time."""
    return name.startswith(KERNEL) and not name.endswith(".yaml")


def _file(name: str) -> TargetFile:
    from conformance.targets.files.shipped import find

    return find(name, dict(TARGETS))


def open_target(name: str, wanted: Wanted = Wanted()) -> Target:
    """Make the target of this name.

    Raises CaseError for an unknown name, EnvironmentProblem where it cannot be had.
    """
    known = dict(TARGETS)
    if name in known:
        return known[name](wanted)
    if name.startswith(REMOTE):
        from conformance.targets.kinds.remote import described

        file = described(name, wanted.interface, wanted.addresses, wanted.testers)
        return _open_file(replace(file, own_network=wanted.own_network))
    if not is_kernel(name):
        return _open_file(replace(_file(name), own_network=wanted.own_network))
    full_name(name)
    from conformance.targets.deviations import load
    from conformance.targets.kinds.kernel import KernelTarget
    from conformance.targets.kinds.linux import DEVIATIONS

    target = KernelTarget(name.removeprefix(KERNEL), wanted.seed, wanted.append, wanted.console)
    target.deviations = load(DEVIATIONS)
    return target


def _open_file(file: TargetFile) -> Target:
    from conformance.targets.deviations import NOTHING, load
    from conformance.targets.files.build import require, shown, stale
    from conformance.targets.kinds.glue import open_file

    require(file)
    known = load(file.deviations) if file.deviations else NOTHING
    if file.ssh and not file.deviations:
        from conformance.targets.kinds.linux import DEVIATIONS

        known = load(DEVIATIONS)
    target = open_file(file)
    target.deviations = known
    if newer := stale(file):
        target.warning = (
            f"{newer} is newer than what was built of it: conformance target build {shown(file)}"
        )
    return target
