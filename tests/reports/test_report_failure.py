"""Explanations against golden texts: one for each way in which a case can end badly."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import report_samples as samples

from conformance.case.faults import CaseFaults
from conformance.case.load import load_case
from conformance.case.spans import NOWHERE
from conformance.play.profile import Ability
from conformance.play.record import Record
from conformance.play.verdict import Difference, Failure, Outcome, Verdict
from conformance.report.failure import explain
from conformance.report.run_again import run_again
from conformance.report.summary import case_object
from conformance.targets.names import vocabulary

TEXTS = {
    "rfc9293/MUST-13": (
        "MUST",
        "When a connection is closed actively, it must linger in the TIME-WAIT state for a time of "
        "twice the maximum segment lifetime, which is two minutes in this document.",
    ),
    "rfc9293/T-3.4-seglen": ("text", "An ACK of what was never sent is not acceptable."),
}

RECORDS = {
    "wrong-segment": samples.wrong_segment(),
    "nothing-came": samples.nothing_came(),
    "blocked": samples.blocked(),
    "inconclusive": samples.nothing_came(outcome=Outcome.INCONCLUSIVE, reruns=2, late=0.048),
    "after-the-last": samples.after_the_last(),
    "deviates": samples.deviates(),
    "no-longer-deviates": samples.no_longer_deviates(),
    "wrong-case": samples.wrong_case(),
    "lost-target": samples.lost_target(),
}


def told(record: Record, **more: object) -> str:
    return explain(record, requirement_text=TEXTS.get, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RECORDS)
def test_explanation_reads_as_committed(name: str) -> None:
    samples.golden(f"failure-{name}", told(RECORDS[name]))


def test_the_capture_is_named() -> None:
    text = told(samples.wrong_segment(), capture="captures/lost-ack.pcapng")
    assert text.endswith("capture      captures/lost-ack.pcapng\n")


def test_who_calls_may_say_how_it_is_run_alone() -> None:
    text = told(samples.wrong_segment(), again="pytest x.yaml::lost-ack")
    assert "run alone    pytest x.yaml::lost-ack\n" in text


@pytest.mark.parametrize("record", [samples.passed(), samples.skipped()])
def test_there_is_nothing_to_explain(record: Record) -> None:
    assert told(record) == ""


@pytest.mark.parametrize("name", RECORDS)
def test_colour_adds_nothing_but_escapes(name: str) -> None:
    painted = told(RECORDS[name], color=True)
    assert "\033[" in painted
    bare = re.sub(r"\033\[[0-9;]*m", "", painted)
    assert [line.rstrip() for line in bare.splitlines()] == told(RECORDS[name]).splitlines()
    assert "\033" not in told(RECORDS[name])


def test_explanation_in_colour() -> None:
    samples.golden("failure-painted", told(samples.wrong_segment(), color=True))


def test_a_case_that_was_late_twice_says_so() -> None:
    once = samples.nothing_came(outcome=Outcome.INCONCLUSIVE, reruns=1, late=1.5)
    assert "It was run again alone once, and was no clearer." in told(once).replace("\n", " ")
    assert "late: 1.5 s passed in which" in told(once)
    never = samples.nothing_came(outcome=Outcome.INCONCLUSIVE)
    assert "run again" not in told(never)


def test_only_a_deviation_of_this_target_at_this_step_is_named() -> None:
    record = samples.no_longer_deviates()
    other = replace(samples.DEVIATION, target="freebsd")
    record.case = replace(record.case, deviations=(other,))
    assert "deviates" not in told(record)
    record.case = replace(record.case, deviations=(replace(samples.DEVIATION, instead=()),))
    assert "deviates" not in told(record)
    record = samples.deviates()
    record.case = replace(record.case, deviations=(*record.case.deviations, other))
    assert "freebsd" not in told(record)


def test_every_field_that_differs_is_there_when_the_texts_are_long() -> None:
    record = samples.wrong_segment()
    assert record.verdict is not None
    assert record.verdict.failure is not None
    long = "<" + ", ".join(f"kind {n} 0xabab" for n in range(200, 206)) + ">"
    failure = replace(record.verdict.failure, differences=(Difference("options", long, "<>"),))
    record.verdict = replace(record.verdict, failure=failure)
    text = told(record)
    samples.golden("failure-long-difference", text)
    assert max(map(len, text.splitlines())) <= 100


def test_the_case_is_run_again_by_its_path_and_what_was_played() -> None:
    record = samples.nothing_came()
    assert run_again(record) == f"conformance run {samples.PATH}::linux-ipv6 --slow"
    record = replace(
        record,
        case=replace(record.case, id=record.case.id + "[how=a b]"),
        entries=record.entries[:3],
    )
    assert run_again(record) == f"conformance run '{samples.PATH}::linux-ipv6[how=a b]'"


def test_a_case_that_took_long_needs_slow_unless_its_time_is_virtual() -> None:
    record = samples.nothing_came()
    virtual = frozenset({Ability.VIRTUAL_TIME})
    record.profile = replace(record.profile, abilities=virtual)
    assert "--slow" not in run_again(record)
    assert "--slow" not in run_again(replace(samples.nothing_came(), entries=[]))


def test_the_catalogue_has_the_texts_by_default() -> None:
    text = explain(samples.nothing_came())
    assert re.search(r"requirement  rfc9293/MUST-13  MUST\n {13}\w", text)


def test_a_step_without_a_place_or_a_source_is_still_told() -> None:
    record = samples.nothing_came()
    assert record.verdict is not None
    bare = replace(samples.STEPS[6], span=NOWHERE)
    record.verdict = replace(record.verdict, step=bare)
    assert "expect: ACK seq=2 ack=2 <TS */*>: nothing came within 1s\n" in told(record)
    record = samples.nothing_came()
    record.case = replace(record.case, sources={})
    assert f"{samples.PATH}:12:5: nothing came within 1s\n\n" in told(record)


def test_every_golden_text_has_its_test() -> None:
    here = Path(__file__).parent
    tests = "".join(path.read_text() for path in here.glob("test_*.py"))
    for path in samples.GOLDEN.glob("*.txt"):
        name = path.stem.removeprefix("failure-")
        assert f'"{name}"' in tests or f'"{path.stem}"' in tests, path


def test_the_requirement_is_that_of_the_step_that_failed(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        "title: T\nverifies: [rfc9293/MUST-13]\nsteps:\n"
        "  - {send: ACK seq=1 ack=1, after: 1s}\n"
        "  - {expect: RST seq=1, verifies: [rfc9293/T-3.4-seglen]}\n"
        "  - silence: 1s\n"
    )
    (case,) = load_case(path)
    assert case.all_verifies == ("rfc9293/MUST-13", "rfc9293/T-3.4-seglen")
    for step, id in ((case.steps[1], "T-3.4-seglen"), (case.steps[2], "MUST-13")):
        sample = samples.wrong_segment()
        failed = Record(case, sample.profile, sample.addressing)
        failed.verdict = Verdict(Outcome.FAIL, "x", step, Failure("x"))
        told_ids = re.findall(r"^requirement +rfc9293/(\S+)", told(failed), re.MULTILINE)
        assert told_ids == [id]
        assert case_object(failed)["requirement"] == (f"rfc9293/{id}" if id[0] == "T" else "")


def test_a_steps_requirement_has_to_exist(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("title: T\nsteps:\n  - {expect: ACK, verifies: [rfc9293/MUTS-1]}\n")
    with pytest.raises(CaseFaults, match=r":3:30: unknown requirement rfc9293/MUTS-1"):
        load_case(path, None, vocabulary())
