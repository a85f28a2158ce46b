"""What a case asks of signatures that no key of it can give."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.case.model import Case
from conformance.case.plain import literals
from conformance.notation.options import BAD, OptionText
from conformance.notation.segment import SegmentText


def flaws(case: Case, segment: SegmentText, *, by_tester: bool) -> Iterator[tuple[str, str, str]]:
    """The option that is wrong, what about it, a hint."""
    for option in segment.options.options if segment.options is not None else ():
        if option.body == BAD and not by_tester:
            hint = "every digest of the target is watched"
            yield option.name, f"{option.name} bad is only for what the tester sends", hint
        elif by_tester and option.computes and not _has_key(case, option):
            how = "{md5: secret}" if option.name == "md5" else "{ao: {1: secret}}"
            yield option.name, f"{option.name} has no key here", f"as in tester: {how}"


def _has_key(case: Case, option: OptionText) -> bool:
    if option.name == "md5":
        return bool(case.md5)
    said = literals(option.values[0])
    return set(said) <= set(case.ao) if said else bool(case.ao)
