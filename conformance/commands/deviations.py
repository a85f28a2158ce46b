"""The last step of ``target check``: the file of known deviations is one that ``run`` can use."""

from __future__ import annotations

from conformance.case.load import load as load_cases
from conformance.commands.choice import shipped
from conformance.errors import ConformanceError
from conformance.targets.deviations import all_of, load
from conformance.targets.files.model import TargetFile


def deviations(file: TargetFile) -> tuple[bool, str]:
    """Whether it can be read, and what is in it, or all that is wrong with it.

    A case that is not among the shipped ones may be the user's own: that is told, and no fault.
    """
    assert file.deviations is not None
    try:
        named = load(file.deviations).entries
    except ConformanceError as error:
        return False, str(error)
    cases, _ = load_cases([shipped()])
    shipped_ids = {id for case in cases for id in (case.id, all_of(case.id))}
    others = sorted(named.keys() - shipped_ids)
    told = f"{len(named)} case{'s' * (len(named) != 1)}"
    return True, f"{told}; not among the shipped ones: {', '.join(others)}" if others else told
