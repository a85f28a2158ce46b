"""The two reporters: what a pipe gets, what a terminal gets."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import report_samples as samples

from conformance.play.conversation import Conversation
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report.failure import explain
from conformance.report.progress import Forecast, Running, about, duration, running
from conformance.report.summary import Summary
from conformance.report.terminal import Lines, Reporter, Screen, case_line
from conformance.steps import RUNNERS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def brief(record: Record) -> str:
    return f"why {record.id} ended so\nin [two] lines\n"


def tell(reporter: Reporter) -> None:
    """A short run."""
    records = [
        samples.passed(),
        samples.wrong_segment(),
        samples.deviates(),
        samples.skipped(),
        replace(samples.nothing_came(outcome=Outcome.INCONCLUSIVE), reruns=2),
        samples.record([], None),
    ]
    reporter.begin(len(records))
    reporter.note("real-time priority was refused [EPERM]")
    for number, record in enumerate(records):
        reporter.ended(record, 0.012 * 10**number)
        reporter.note("real-time priority was refused [EPERM]")
    reporter.finish(Summary.of(records, left_out=9, seconds=4.2))


def test_a_pipe_gets_lines_and_the_reasons_at_the_end() -> None:
    stream = io.StringIO()
    tell(Lines(stream, explain=brief))
    samples.golden("terminal-plain", stream.getvalue())
    assert "\033" not in stream.getvalue()


def test_a_pipe_gets_the_whole_explanation() -> None:
    stream = io.StringIO()
    reporter = Lines(stream, explain=explain)
    reporter.begin(1)
    reporter.ended(samples.wrong_segment(), 1.0)
    reporter.finish(Summary())
    assert explain(samples.wrong_segment()).rstrip() in stream.getvalue()
    assert stream.getvalue().startswith("1 case\n")


def test_a_terminal_gets_what_is_no_pass_above_the_moving_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    tell(Screen(stream, explain=brief, redraw=0.0))
    shown = stream.getvalue()
    bare = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n")
    assert bare.count("real-time priority was refused [EPERM]") == 1
    assert f"why {samples.wrong_segment().id} ended so\nin [two] lines" in bare
    assert "PASS" not in bare
    assert re.search(r"^DEVIATES +rfc9293/3.6-close/lost-ack", bare, re.M)
    assert "6/6" in bare
    assert "3 not passed" in bare
    assert bare.rstrip().endswith("9 slow ones left out: add --slow   4.2 s")
    assert shown.index("2/6") < shown.index("3/6")
    assert shown.index("[two]") < shown.index("2/6")


def test_the_moving_line_is_not_drawn_for_every_case() -> None:
    stream = Terminal()
    live = Screen(stream, explain=brief, redraw=3600.0)
    live.begin(50)
    for _ in range(50):
        live.ended(samples.passed(), 0.001)
    assert stream.getvalue().count("/50") < 5


def test_a_terminal_may_be_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    tell(Screen(stream, explain=brief))
    assert "9 slow ones left out: add --slow   4.2 s" in stream.getvalue()


@pytest.mark.parametrize("outcome", Outcome)
def test_a_line_for_every_outcome(outcome: Outcome) -> None:
    line = case_line(samples.record([], Verdict(outcome, "why")), 0.0123)
    assert line.startswith(str(outcome).upper())
    assert line.endswith("why")
    assert "\033" in case_line(samples.record([], Verdict(outcome)), 0.0123, color=True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (99.9, "99.9 s"),
        (99.96, "1 min 40 s"),
        (125, "2 min 5 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


class Clock:
    """Seconds that a test moves on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


AGES = {"b::linux-ipv4": 42.0, "c::linux-ipv4[n=1]": 3.0}
RUNS = Running(AGES, "b::linux-ipv4", "state: CLOSED")
NEEDS = {samples.passed().id: 1.0, "b::linux-ipv4": 120.0, "c::linux-ipv4[n=1]": 5.0, "d": 1.0}


def test_a_silent_log_says_every_half_minute_how_far_it_is() -> None:
    stream, clock = io.StringIO(), Clock()
    reporter = Lines(stream, explain=brief, clock=clock)
    reporter.begin(4, Forecast(NEEDS, 8))
    clock.now += 10
    reporter.ended(samples.passed(), 1.0)
    for _ in range(70):
        clock.now += 1
        reporter.running(RUNS)
    said = [line for line in stream.getvalue().splitlines() if line.startswith("...")]
    assert (
        said
        == ["... 1 of 4 done, 2 running, at least 78 s left, b::linux-ipv4 42 s at state: CLOSED"]
        * 2
    )
    reporter.ended(samples.wrong_segment(), 1.0)
    clock.now += 30
    reporter.running(Running())
    assert "... 2 of 4 done, 1 not passed, at least 2 min 0 s left" in stream.getvalue()


def test_the_moving_line_says_what_runs_and_what_the_slowest_waits_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    stream = Terminal()
    live = Screen(stream, explain=brief, redraw=0.0)
    live.begin(4, Forecast(NEEDS, 8))
    live.ended(samples.wrong_segment(), 0.1)
    live.running(
        Running({**AGES, "c::linux-ipv4[n=1]": 42.0}, "c::linux-ipv4[n=1]", "expect: ACK [x]")
    )
    bare = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "1 not passed  2 running, at least 78 s left, c::linux-ipv4[n=1] 42 s at " in bare
    assert " at expect: ACK [x]" in bare
    live.finish(Summary())


@pytest.mark.parametrize(
    ("at_once", "ages", "left"),
    [
        (8, {}, 120.0),  # the longest
        (8, {"b::linux-ipv4": 100.0}, 20.0),
        (8, {"b::linux-ipv4": 500.0}, 5.0),  # over its time: it may end at any moment
        (1, {}, 127.0),  # one after another
    ],
)
def test_the_time_left_is_that_of_the_cases_bounds(
    at_once: int, ages: dict[str, float], left: float
) -> None:
    assert Forecast(NEEDS, at_once).seconds(Running(ages), 7.0) == left


def test_in_virtual_time_only_the_pace_tells() -> None:
    forecast = Forecast(NEEDS, 8, virtual=True)
    assert forecast.seconds(Running(), 7.0) is None
    forecast.ended("d")
    assert forecast.seconds(Running(), 7.0) == 21.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_about(seconds: float, text: str) -> None:
    assert about(seconds) == text


def test_the_oldest_case_is_the_slowest() -> None:
    talks = []
    for began, version in ((50.0, 4), (20.0, 6)):
        talk = Conversation(samples.CASE, samples.PROFILE, RUNNERS, Addressing(ip=version))
        talk.start(began)
        talks.append(talk)
    found = running(talks, 62.5)
    assert found.ages == {talks[0].record.id: 12.5, talks[1].record.id: 42.5}
    assert (found.slowest, found.step) == (talks[1].record.id, "call: listen() = l")
    assert running([], 1.0) == Running()


def test_a_pipe_does_not_load_rich() -> None:
    code = (
        "import io, sys; from conformance.report.terminal import Lines; "
        "Lines(io.StringIO(), explain=str); "
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
