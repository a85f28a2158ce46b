"""What a case needs, told from its steps: one row a kind of step, and the shipped cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from whole_set import shipped

from conformance.case.lint import ip_versions
from conformance.case.load import load
from conformance.case.model import Case
from conformance.play.needs import needs, parts, settings
from conformance.play.profile import Ability, Part, Profile
from conformance.targets.base import Job, refusal
from conformance.targets.kinds.linux import profile as linux
from conformance.targets.kinds.reference import Reference

HEAD: Final = "title: a case\nsteps:\n"


def case(tmp_path: Path, steps: str, head: str = HEAD) -> Case:
    (tmp_path / "case.yaml").write_text(head + steps)
    (found,), faults = load([tmp_path], tmp_path)
    assert not faults
    return found


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ("  - send: ACK seq=1 ack=1\n  - silence: 1s\n", set()),
        ("  - call: listen() = l\n", {Ability.CALLS}),
        ("  - spawn: connect()\n", {Ability.CALLS, Ability.ACTIVE_OPEN}),
        ("  - state: CLOSED\n", set()),
        ("  - state: TIME-WAIT\n    for: 1s\n", set()),
        ("  - state: CLOSED\n    within: 1s\n", {Ability.STATE}),
        ("  - state: CLOSING\n    via: [FIN-WAIT-1]\n", {Ability.STATE}),
        ("  - set: {timestamps: off}\n  - silence: 1s\n", {Ability.OPTIONS}),
        ("  - send: SYN seq=0\n  - expect: SYN,ACK\n    as: it\n"
         "  - icmp: {error: port-unreachable, quotes: it}\n", {Ability.ICMP}),
        ("  - either:\n    - steps:\n      - state: CLOSED\n        within: 1s\n"
         "    - steps:\n      - silence: 1s\n", {Ability.STATE}),
    ],
)  # fmt: skip
def test_each_kind_of_step(tmp_path: Path, steps: str, wanted: set[Ability]) -> None:
    assert needs(case(tmp_path, steps)) == wanted


LISTENING: Final = "  - call: listen() = l\n  - call: accept(l) = c\n"


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ("  - call: close(c)\n", set()),
        ("  - send: ACK,URG seq=1 ack=1 urg=1 len=1\n  - expect: ACK seq=1 ack=2\n", set()),
        ("  - call: abort(c)\n", {Part.ABORT}),
        ("  - call: setsockopt(c, LINGER, 0) = 0\n", {Part.ABORT}),
        ("  - call: setsockopt(c, LINGER, 5) = 0\n", set()),
        ("  - call: shutdown(c, WR)\n", {Part.HALF_CLOSE}),
        ("  - call: send(c, 1, OOB) = 1\n", {Part.URGENT}),
        ("  - call: recv(c, 1, PEEK|OOB) = 1\n", {Part.URGENT}),
        ("  - call: atmark(c) = 1\n", {Part.URGENT}),
        ("  - expect: ACK,URG seq=1 ack=1 urg=1 len=1\n", {Part.URGENT}),
    ],
)
def test_what_a_small_stack_may_be_without(tmp_path: Path, steps: str, wanted: set[Part]) -> None:
    assert parts(case(tmp_path, LISTENING + steps)) == wanted


def test_what_needs_what_a_stack_lacks_is_refused(tmp_path: Path) -> None:
    found = case(tmp_path, LISTENING + "  - call: abort(c)\n")
    toy = Profile("toy", msl=1.0)
    assert refusal(Job(found), toy) == ""
    assert refusal(Job(found), replace(toy, lacks=frozenset({Part.URGENT}))) == ""
    assert refusal(Job(found), replace(toy, lacks=frozenset(Part))) == "toy lacks ABORT"


def test_options_of_a_case_are_settings(tmp_path: Path) -> None:
    head = "title: a case\ntarget: {options: {sack: on}}\nsteps:\n"
    found = case(tmp_path, "  - set: {timestamps: off}\n  - silence: 1s\n", head)
    assert needs(found) == {Ability.OPTIONS}
    assert settings(found) == {"sack", "timestamps"}


@pytest.mark.parametrize("ip", [4, 6])
def test_nothing_changes_for_those_who_can_do_all(ip: int) -> None:
    able = frozenset(Ability) - {Ability.VIRTUAL_TIME, Ability.PATH}
    reference = Reference().profile
    whole = replace(reference, abilities=frozenset(Ability))
    for profile in (whole, linux("linux", able, {"kernel": "6.12.0"})):
        for each in (one for one in shipped() if ip in ip_versions(one)):
            reason = refusal(Job(each, ip), profile)
            assert reason == _before(each, profile), each.id


def _before(each: Case, profile: Profile) -> str:
    """What a refusal said when only what a case writes was needed."""
    needed = {one for one in each.needs if not one.startswith("net.")}  # a kernel's own matter
    missing = sorted(needed - {str(ability) for ability in profile.abilities})
    if missing:
        return f"{profile.name} lacks {', '.join(missing)}"
    unknown = sorted(set(each.options) - profile.options)
    return f"{profile.name} has no option {', '.join(unknown)}" if unknown else ""
