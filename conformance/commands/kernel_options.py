"""Options of kernels, the same for ``run``, ``list``, ``kernel exec`` and pytest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from conformance.errors import CaseError

if TYPE_CHECKING:
    from conformance.kernel.console import Console

OPTIONS: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    ("append", {"action": "append", "default": [], "metavar": "NAME=VALUE",
                "help": "a parameter of kernels in virtual time"}),
    ("console", {"default": "", "metavar": "FILE", "help": "write what they say; -: show it"}),
)  # fmt: skip
SURROUNDINGS: Final[tuple[str, Mapping[str, Any]]] = (
    "surroundings",
    {"default": "", "metavar": "NAME",
     "help": "on Linux, what cases leave alone: distribution, cubic, no-rack, no-frto, no-dsack, "
             "no-tlp"},
)  # fmt: skip


def check(names: Iterable[str], append: Sequence[str], place: str, prefix: str = "--") -> None:
    """Raise CaseError for a parameter that no kernel takes, and where none would be asked."""
    if not append and not place:
        return  # before what knows kernels is imported
    from conformance.kernel.words import appended
    from conformance.targets import is_kernel

    appended(append)
    if not any(map(is_kernel, names)):
        option = f"{prefix}append" if append else f"{prefix}console"
        raise CaseError(f"{option} is for kernels in virtual time, and none is named")


def surroundings(name: str, targets: Iterable[str], prefix: str = "--") -> str:
    """The name; CaseError where there are none so called, or a target cannot be put into them."""
    if not name:
        return ""
    from conformance.targets import is_kernel
    from conformance.targets.settings.surroundings import named

    others = [one for one in targets if one != "linux" and not is_kernel(one)]
    found = named(name)
    if others:
        raise CaseError(
            f"{prefix}surroundings are for linux and kernels, and {others[0]} is neither"
        )
    return found


def console(place: str, worker: str = "") -> Console | None:
    """Where what kernels say goes; a worker of xdist has a file of its own beside it."""
    from conformance.kernel.console import SHOWN, Console

    if not place:
        return None
    return Console(f"{place}.{worker}" if worker and place != SHOWN else place)
