"""Legal TCPs: the reference as another author might have written it; no case fails on one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.case.lint import every_step
from conformance.cli import main
from conformance.commands.choice import chosen
from conformance.commands.fair import play
from conformance.commands.faulty import jobs_of
from conformance.reference.config import Config
from conformance.sim.faults import faults
from conformance.sim.legal import variants
from conformance.targets.kinds.reference import ISNS
from conformance.targets.names import requirement_text

REFERENCE = Path(__file__).parents[2] / "conformance" / "reference"
CASES = REFERENCE.parents[1] / "cases"
SAMPLE = {
    "initial-window-1": ["rfc5681", "rfc7323", "rfc9293/3.1-header"],
    "no-fast-retransmit": ["rfc5681", "rfc6582", "rfc6675"],
    "no-reassembly": ["rfc9293/3.8-data", "rfc9293/3.4-sequence-numbers"],
    "acks-two-full-segments": ["rfc9293/3.8-data", "smoke"],
    "small-window": ["rfc9293/3.6-close", "rfc9293/3.8.6-windows"],
    "without-rfc5961": ["rfc9293/3.5.3-reset-processing", "rfc9293/3.5-establish"],
    "close-goes-on-receiving": ["rfc9293/3.5.2-resets"],
    "ticks-of-500ms": ["rfc6298", "rfc9293/3.5-establish"],
    "early-by-a-tick": ["rfc9293/3.6.1-time-wait", "rfc9293/3.5-establish"],
    "no-options": ["rfc7323"],
    "malformed-option-dropped": ["rfc9293/3.1-header/options-malformed-on-text.yaml"],
    "malformed-option-resets": ["rfc9293/3.1-header"],
    "sack-blocks-in-order": ["rfc2018"],
    "sack-beside-no-text": ["rfc2018"],
    "one-sack-block": ["rfc2018", "rfc2385/sack.yaml"],
    "lowest-sack-blocks": ["rfc2018", "rfc2385/sack.yaml"],
    "probes-with-the-first-segment": ["rfc8985"],
    "back-off-ends-with-any-ack": ["rfc6298/karn.yaml", "rfc6298/back-off-stays.yaml"],
    "time-wait-resets-a-syn": ["rfc6191", "rfc2385/new-incarnation.yaml"],
    "sack-ignored-by-the-sender": ["rfc2018", "rfc6675"],
    "timestamps-without-paws": ["rfc7323"],
    "f-rto": ["rfc5682", "rfc6582", "rfc5681/slow-start-after-timeout.yaml"],
    "a-timer-for-each-segment": ["rfc6298"],
    "mss-536": ["rfc9293/3.1-header", "rfc9293/3.10.7.2-listen"],
    "silent-at-a-gap": ["rfc2018", "rfc2883", "rfc5961/reset-at-the-end-of-a-block.yaml"],
    "sack-is-only-heard": ["rfc2018", "rfc2385/sack.yaml"],
    "sack-where-something-is-new": ["rfc2018"],
    "delays-at-a-gap": ["rfc2018", "rfc9293/3.8-data/partial-fill.yaml"],
    "reset-with-text-is-none": ["rfc9293/3.5.3-reset-processing"],
    "simultaneous-open-resets": ["rfc2385/simultaneous-open.yaml"],
    "gives-up-at-a-retransmission": ["rfc9293/3.8.3-connection-failures"],
    "trouble-is-told-at-the-end": ["rfc9293/3.9.1.8-reports"],
    "first-rto-of-500ms": ["rfc6298"],
    "rto-never-below-3s": ["rfc6298", "rfc2385/probe.yaml"],
    "msl-1s": ["rfc9293/3.6.1-time-wait", "rfc9293/3.8.4-keep-alive"],
    "probe-of-a-segment": ["rfc9293/3.8-data/text-after-a-taken-probe.yaml", "rfc2385/probe.yaml"],
    "threshold-of-one-segment": ["rfc5681/two-losses.yaml"],
    "acknowledges-apart-from-text": ["rfc7413"],
    "ds-field-of-text": ["rfc9293/3.9.2-ip"],
    "unaccepted-stays": ["rfc9293/3.9.1-calls"],
    "keys-of-sixteen-octets": ["rfc2385"],
    "embedded": ["smoke", "rfc9293/3.10.7.4-segment-arrives/fin-after-a-gap.yaml"],
}
OFFERS = """\
title: T
given: listening
steps:
  - send:   SYN seq=0 <mss 1460, TS 1/0>
  - expect: SYN,ACK seq=0 ack=1 <TS */1, ...>
"""


@pytest.mark.parametrize("name", list(variants()))
def test_a_legal_tcp_is_a_program_and_says_what_permits_it(name: str) -> None:
    variant = variants()[name]
    assert variant.settings or variant.edits
    config = Config(**{"iss": ISNS["wrapping"], **variant.settings})
    assert variant.edits or config != Config(iss=ISNS["wrapping"])
    assert name in faults() or variant.permits.startswith("RFC ")
    by_place: dict[str, str] = {}
    for edit in variant.edits:
        path = REFERENCE / f"{edit.place}.py"
        source = by_place.get(edit.place) or path.read_text(encoding="utf-8")
        by_place[edit.place] = edit.applied(source)
        assert by_place[edit.place] != source
    for place, text in by_place.items():
        compile(text, place, "exec")


@pytest.mark.long
@pytest.mark.parametrize("name", list(SAMPLE))
def test_the_cases_are_fair(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(CASES / path) for path in SAMPLE[name]]
    status = main(["mutate", "--legal", name, "--cases", *paths])
    assert (status, capsys.readouterr().out.split()[:2]) == (0, ["fair", f"{name}:"])


@pytest.mark.long
def test_a_coarse_clock_is_fair_to_because_its_profile_says_the_tick() -> None:
    """The same TCP with a profile that says nothing is held to the exact RTO and 2MSL."""
    variant = replace(variants()["early-by-a-tick"], tick=0.0)
    paths = [str(CASES / path) for path in SAMPLE[variant.name]]
    (fared,) = play([variant], jobs_of(paths))
    assert {one.how for one in fared.unfair} == {"fail: the state did not last"}


def test_an_unfair_case_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unfair = tmp_path / "offers.yaml"
    unfair.write_text(OFFERS)
    words = ["mutate", "--legal", "no-timestamps", "iss-zero", "--cases", str(unfair)]
    assert main(words) == 1
    told = capsys.readouterr()
    assert "UNFAIR    offers to no-timestamps: offers::reference-ipv4 (fail: " in told.out
    assert "and in 1 more of its plays" in told.out
    assert "no-timestamps is legal: RFC 7323 section 3.2" in told.out
    assert "fair      iss-zero: 2 passed" in told.out
    assert told.err == "2 legal TCPs, 4 plays: 1 cases are unfair, to 1 of them\n"
    assert main([*words, "--json"]) == 1
    rows = {row["legal"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert len(rows["no-timestamps"]["unfair"]) == 2
    assert rows["iss-zero"]["passed"] == 2


@pytest.mark.parametrize(
    "beside", [{}, {"settings": {"delack": 0.1}}, {"lacks": ("sack",)}, {"tick": 0.5}]
)
def test_only_what_passes_where_it_is_another_is_played(beside: dict[str, Any]) -> None:
    """Another text shows where it is executed, what stands beside it in any play."""
    variant = replace(variants()["no-fast-retransmit"], **beside)
    jobs = jobs_of([str(CASES / "smoke")])
    (fared,) = play([variant], jobs)
    assert fared.passed == (len(jobs) if beside else 0)


def test_a_branch_without_what_no_must_demands_is_a_remark_that_kills(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user is told, a legal TCP passes, and a wrong one is still found by it."""
    case = tmp_path / "offers.yaml"
    branches = "either:\n      - - {}\n      - without: rfc7323/3.2-d\n        steps: [{}]\n"
    wants, goes = OFFERS.splitlines()[-1].strip(" -"), "expect: 'SYN,ACK <mss *>'"
    case.write_text(OFFERS.replace(wants, branches.format(wants, goes)))
    assert main(["mutate", "--legal", "no-timestamps", "--cases", str(case)]) == 0
    assert main(["run", str(case), "--target", "reference"]) == 0
    assert "goes without" not in capsys.readouterr().out
    case.write_text(case.read_text().replace("TS 1/0", "nop"))
    assert main(["run", str(case), "--target", "reference"]) == 0
    assert "goes without rfc7323/3.2-d, which no MUST demands" in capsys.readouterr().out


def test_an_unknown_legal_tcp_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutate", "--legal", "no-timestamp"]) == 2
    assert capsys.readouterr().err == (
        "conformance: unknown legal TCP 'no-timestamp': did you mean no-timestamps?\n"
    )


def test_the_list_says_what_permits_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutate", "--legal", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(variants())


def test_what_a_branch_goes_without_is_a_rule() -> None:
    steps = [step for one in chosen([str(CASES)]) for step in every_step(one.case.all_steps)]
    named = {branch.without for step in steps for branch in step.branches} - {""}
    assert named
    assert all(requirement_text(name) for name in named)
