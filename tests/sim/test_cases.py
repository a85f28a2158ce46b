"""Every shipped case on the reference: each ISN, each IP version."""

from __future__ import annotations

from typing import Final

import pytest
from whole_set import every, one_of, read, shipped

from conformance.case.lint import ip_versions
from conformance.case.model import Case
from conformance.play.needs import needs
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.kinds.reference import ISNS, Reference
from conformance.tcp.states import State

TARGETS: Final = tuple((name, Reference(isn)) for name, isn in ISNS.items())
CASES: Final = shipped()
FRAGMENTS: Final = [case for case in CASES if case.id.startswith("fragments/")]
# Where a fragment ends whose name is no state's.
ENDS: Final = {
    "abort-called": State.CLOSED,
    "aborted": State.CLOSED,
    "collects-15000": State.ESTABLISHED,
    "listening": State.CLOSED,  # of a connection: there is none yet
    "listening-1000": State.CLOSED,
    "ten-segments": State.ESTABLISHED,
}
# Fragments that break off in the middle of what the cases go on with.
PARTS: Final = frozenset(
    {"fragments/text-1400", "fragments/fast-open/opening", "fragments/fast-open/text-again",
     "fragments/fast-open/text-comes-again", "fragments/fast-open/text-with-the-ack",
     "fragments/first-flight", "fragments/flight-of-600", "fragments/loss-of-five",
     "fragments/sack-flight",
     "fragments/linux/eight", "fragments/linux/eight-stamped", "fragments/linux/recovering",
     "fragments/slow-flight", "fragments/three-blocks", "fragments/timed-out",
     "fragments/timed-out-sack"}
)  # fmt: skip
WHOLE: Final = [case for case in CASES if case.id not in PARTS]


def test_every_file_is_a_case() -> None:
    cases, faults = read()
    assert [str(fault) for fault in faults] == []
    assert cases
    assert len({case.id for case in cases}) == len(cases)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is test_the_reference_does_what_the_case_says:
        cases = every(8, WHOLE) if metafunc.config.getoption("sample") else WHOLE
        metafunc.parametrize("case", cases, ids=lambda case: case.id)


def test_the_reference_does_what_the_case_says(case: Case, pytestconfig: pytest.Config) -> None:
    deviates = any(deviation.target == "reference" for deviation in case.deviations)
    wanted = Outcome.DEVIATES if deviates else Outcome.PASS
    plays = [(isn, target, ip) for isn, target in TARGETS for ip in ip_versions(case)]
    if pytestconfig.getoption("sample"):
        plays = [one_of(plays, case)]
    for isn, target, ip in plays:
        verdict = target.play(Job(case, ip)).verdict
        assert verdict is not None
        if verdict.outcome is Outcome.SKIPPED and _may_be_skipped(case):
            continue
        if verdict.reason.startswith("IPv6 has no ICMP error"):
            assert ip == 6
            continue
        assert verdict.outcome is wanted, f"{isn}, IPv{ip}: {verdict.reason} {verdict.failure}"


def _may_be_skipped(case: Case) -> bool:
    """What the reference cannot do: raw sysctls are another system's."""
    profile = TARGETS[0][1].profile
    return bool(
        case.sysctl
        or set(case.options) - profile.options
        or (needs(case) | set(case.needs)) - profile.abilities
    )


def _named(case: Case) -> State | None:
    """The state that a fragment is named after, if it is."""
    name = case.id.rpartition("/")[2]
    return ENDS.get(name) or next((s for s in State if name.upper().startswith(s)), None)


@pytest.mark.parametrize(
    "case",
    [one for one in FRAGMENTS if _named(one) and not _may_be_skipped(one)],
    ids=lambda case: case.id,
)
def test_a_fragment_ends_in_the_state_that_it_is_named_after(case: Case) -> None:
    """So that what begins with it begins there: the last state that was read or seen."""
    entries = TARGETS[0][1].play(Job(case)).entries
    ends = [entry.state for entry in entries if entry.state]
    assert (ends or [State.CLOSED])[-1] is _named(case)
