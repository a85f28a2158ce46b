"""What the options of ``run`` and ``list`` select of the cases that were named."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.commands.choice import Keyword, keyword
from conformance.errors import CaseError
from conformance.notation.scanner import suggest
from conformance.play.isn import isns_of
from conformance.play.profile import Profile
from conformance.targets import kernels_of, targets_of
from conformance.targets.names import Chosen
from conformance.targets.runs.selection import (
    Plan,
    choose,
    has_level,
    levels_of,
    verifies,
    versions_of,
)

DEFAULT_TARGET: Final = "linux"


@dataclass(frozen=True, slots=True)
class Request:
    """What the options of ``run`` and ``list`` select, read before any case is."""

    names: tuple[str, ...]
    ips: tuple[int, ...]
    isns: tuple[str, ...]
    requirement: str
    levels: frozenset[str]
    keyword: Keyword | None
    slow: bool

    @staticmethod
    def of(args: Namespace) -> Request:
        """Read the options; raises CaseError for what makes no sense."""
        return Request(
            _names(args),
            versions_of(args.ip),
            isns_of(args.isn),
            args.requirement,
            levels_of(args.level),
            keyword(args.keyword) if args.keyword else None,
            args.slow,
        )

    def all_of(self, paths: Sequence[str]) -> bool:
        """Whether nothing narrows the shipped set."""
        return not (paths or self.requirement or self.levels or self.keyword or self.ips)

    def nothing(self, asked: Sequence[Chosen]) -> CaseError:
        """What to say where no case is selected by all of the options."""
        ids = {id for one in asked for id in one.case.all_verifies}
        if (
            asked
            and self.requirement
            and not any(verifies(one.case, self.requirement) for one in asked)
        ):
            hint = suggest(self.requirement, sorted(ids)) if len(ids) > 16 else ""
            told = f"no case here verifies --requirement {self.requirement}"
            return CaseError(told + (f": {hint}" if hint else ""))
        if asked and not any(has_level(one.case, self.levels) for one in asked):
            levels = ", ".join(sorted(self.levels))
            return CaseError(f"no case here verifies a requirement of --level {levels}")
        if asked and self.keyword is not None:
            return CaseError("nothing to play: -k is true of no id; list without it shows them")
        return CaseError("nothing to play: no case is selected by all of the arguments")

    def targets(self, asked: Iterable[Chosen]) -> list[str]:
        """The targets' names: those of ``--target``, else those in the pasted ids, else linux."""
        named = dict.fromkeys(one.target or DEFAULT_TARGET for one in asked)
        return list(self.names) or list(named) or [DEFAULT_TARGET]

    def plan(self, asked: Iterable[Chosen], profile: Profile) -> Plan:
        """The jobs on one target."""
        return choose(
            asked,
            profile,
            ips=self.ips,
            isns=self.isns,
            requirement=self.requirement,
            levels=self.levels,
            keyword=self.keyword,
            slow=self.slow,
        )


def _names(args: Namespace) -> tuple[str, ...]:
    """The targets that ``--target`` or ``--kernel`` names; none: the default, or pasted ids'."""
    if args.target and args.kernel:
        raise CaseError("--kernel names targets, so --target has no place beside it")
    if args.kernel:
        return tuple(dict.fromkeys(name for text in args.kernel for name in kernels_of(text)))
    return tuple(targets_of(args.target)) if args.target else ()
