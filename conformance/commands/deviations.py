"""The last step of ``target check``: the file of known deviations is one that ``run`` can use."""

from __future__ import annotations

from conformance.case.faults import CaseFaults
from conformance.case.load import load as load_cases
from conformance.commands.choice import shipped
from conformance.errors import ConformanceError
from conformance.targets.deviations import load
from conformance.targets.files.model import TargetFile
from conformance.targets.known import all_of


def deviations(file: TargetFile) -> tuple[bool, str]:
    """Whether it can be read, and what is in it, or all that is wrong with it.

    A case that is not among the shipped ones may be the user's own: that is told, and no fault.
    """
    assert file.deviations is not None
    try:
        known = load(file.deviations)
        named = known.entries
        cases, _ = load_cases([shipped()])
        faults = [fault for case in cases for fault in known.faults(case, file.name)]
        if faults:
            raise CaseFaults(dict.fromkeys(faults), {known.path: known.text})
    except ConformanceError as error:
        return False, str(error)
    shipped_ids = {id for case in cases for id in (case.id, all_of(case.id))}
    others = sorted(named.keys() - shipped_ids)
    told = f"{len(named)} case{'s' * (len(named) != 1)}"
    return True, f"{told}; not among the shipped ones: {', '.join(others)}" if others else told
