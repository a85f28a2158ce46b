"""Settings that a case names: an option, or a sysctl of Linux by its own name.

What nobody has is a fault of the case: it would skip the case wherever it is played, and nobody
would see that it never is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.case.faults import Faults
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node
from conformance.notation.scanner import suggest

SYSCTLS: Final = "net."  # how the name of a sysctl that a case may set begins


@dataclass(frozen=True, slots=True)
class Settings:
    """What is known of them: the options, what is wrong with a value, what is near no sysctl.

    ``value`` answers why an option does not take it; empty if it does. ``near`` answers the sysctls
    that may have been meant; None for one that some kernel has.
    """

    options: frozenset[str]
    value: Callable[[str, str], str]
    near: Callable[[str], Collection[str] | None]


def check_settings(
    node: Node,
    found: Mapping[str, str],
    known: Settings | None,
    needs: Collection[str] | None,
    faults: Faults,
) -> None:
    """Hold each to what is known.

    ``needs`` are those of the case, where only sysctls are named, else None.
    """
    if known is None or not isinstance(node, MappingNode):
        return
    for key, value in node.entries:
        name = key.text
        if faults.full:
            break
        if name not in found:
            continue
        if needs is None and not name.startswith(SYSCTLS):
            if name not in known.options:
                hint = suggest(name, sorted(known.options))
                faults.add(key.span, f"unknown option {name}", hint)
            elif problem := known.value(name, found[name]):
                faults.add(value.span, problem)
        elif not is_declared(name, found[name], needs or ()):
            near = known.near(name)
            if near is not None:
                hint = suggest(name, near) or f"needs: [{name}] says that a kernel of yours has it"
                faults.add(key.span, f"no kernel has a sysctl {name}", hint)


def is_declared(name: str, value: str, needs: Collection[str]) -> bool:
    """Whether a case says that some kernels have not got the sysctl, or not that value."""
    return name in needs or f"{name}={value}" in needs
