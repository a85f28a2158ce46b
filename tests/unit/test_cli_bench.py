"""What bench says of its figures; the figures themselves are never asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from conformance.case.model import Case
from conformance.case.spans import NOWHERE
from conformance.case.step import Step
from conformance.case.verbs import BY_NAME
from conformance.cli import main
from conformance.commands import bench, bench_report, bench_start
from conformance.commands.bench import machine, reactions
from conformance.commands.choice import chosen
from conformance.commands.measure import Figure, peak
from conformance.errors import CaseError, EnvironmentProblem
from conformance.notation.time import Duration, parse_duration
from conformance.play.profile import Profile
from conformance.play.record import Addressing, Entry, Record, What
from conformance.targets import open_target
from conformance.targets.base import Target


def step(verb: str, after: Duration | None = None) -> Step:
    make: Callable[..., Step] = BY_NAME[verb]
    return make(NOWHERE, verb, None, after=after)


def entry(at: float, what: What, step: Step) -> Entry:
    return Entry(at, what, "", "a", step)


def test_a_reaction_is_an_answer_that_had_nothing_else_to_wait_for() -> None:
    steps = (
        step("send"),
        step("expect"),
        step("send"),
        step("expect"),
        step("send", parse_duration("1s")),
        step("expect"),
        step("state"),
        step("send"),
    )
    record = Record(Case("a", "a.yaml", "a", steps), Profile("script", 30.0), Addressing())
    record.entries = [
        entry(0.5, What.SENT, steps[0]),
        entry(1.0, What.RECEIVED, steps[1]),
        entry(1.125, What.STATE, steps[1]),
        entry(1.25, What.SENT, steps[2]),
        entry(2.0, What.RECEIVED, steps[3]),
        entry(3.0, What.SENT, steps[4]),
        entry(4.0, What.RECEIVED, steps[5]),
        entry(4.5, What.SENT, steps[7]),
    ]
    assert list(reactions(record)) == [0.25]


def test_the_machine_is_told_with_the_date() -> None:
    assert set(machine()) == {"date", "kernel", "machine", "python", "user"}


WITHOUT_A_WIRE = (
    "--help",
    "check of one file",
    "pytest plugin, idle",
    "collection",
    "reference",
)


def test_the_start_of_what_cannot_start_is_told_and_no_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench_start, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(EnvironmentProblem, match="no reason given"):
        next(bench_start.playing("smoke/handshake", 1))
    monkeypatch.setattr(bench_start, "COMMAND", (sys.executable, "-c", "raise SystemExit(2)"))
    with pytest.raises(CaseError, match="ended with 2: no reason given"):
        next(bench_start.playing("smoke/handshake", 1))


@pytest.mark.long
def test_without_a_wire_the_other_figures_are_still_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_target

    def only_the_reference(name: str) -> Target:
        if name == "linux":
            raise EnvironmentProblem("no raw sockets")
        return opened(name)

    monkeypatch.setattr(bench, "open_target", only_the_reference)
    monkeypatch.setattr(bench, "chosen", lambda _: chosen(["smoke"]))
    assert main(["bench", "--quick"]) == 0
    text, errors = capsys.readouterr()
    for name in ("date", *WITHOUT_A_WIRE):
        assert f"\n{name} " in f"\n{text}"
    assert errors == "conformance: no live figures: no raw sockets\n"
    assert main(["bench", "--quick", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["machine"]["date"]
    assert [figure["name"] for figure in told["figures"]] == list(WITHOUT_A_WIRE)


@pytest.mark.long
def test_a_soak_counts_every_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--soak", "2", "--target", "reference", "-k", "smoke", "--json"]
    assert main(words) == 0
    figures = {f["name"]: f["value"] for f in json.loads(capsys.readouterr().out)["figures"]}
    assert figures["cases"] == figures["pass"] > 0
    assert figures["false verdicts"] == 0


@pytest.mark.long
def test_what_a_target_costs_is_told_of_the_cases_that_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["bench", "--quick", "--json", "--target", "reference"]
    assert main([*words, "-k", "smoke and ipv6"]) == 0
    figures = {f["name"]: f["how"] for f in json.loads(capsys.readouterr().out)["figures"]}
    assert set(figures) == {
        f"reference, {what}"
        for what in ("first verdict", "start", "2 runs", "a run", "the longest")
    }
    assert figures["reference, 2 runs"] == "2 pass; 0 slow ones left out"
    assert main([*words, "-k", "nothing-is-called-so"]) == 2
    assert "nothing to measure: -k is true of no id" in capsys.readouterr().err


def test_a_target_that_there_is_not_cannot_be_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--quick", "--target", "nosuch"]) == 2
    assert "nosuch" in capsys.readouterr().err


def test_a_process_has_not_held_what_its_parent_holds() -> None:
    held = b"x" * (256 << 20)
    code = "from conformance.commands.measure import peak; print(peak())"
    told = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout
    assert 1 << 10 < int(told) < len(held) >> 10 < peak()


def test_a_figure_is_a_number_with_its_unit() -> None:
    assert Figure("a", 1.5, "ms") == Figure("a", 1.5, "ms", "")


def test_a_site_of_many_cases_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_report, "_CASES", 500)
    few = [one.case for one in chosen(["smoke"])]
    assert 0 < len(few) < 50
    figures = list(bench_report.site(few, 10))
    assert [figure.name for figure in figures] == ["a site of 50 cases", "its processor",
                                                   "its memory"]  # fmt: skip
    assert "; 50 pages of cases, " in figures[0].how


def test_a_site_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_report, "dump", lambda record: "no record\n")
    with pytest.raises(CaseError, match=r"ended with 2: .*no JSON"):
        next(bench_report.site([one.case for one in chosen(["smoke"])], 1000))
