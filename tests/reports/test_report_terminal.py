"""The two reporters: what a pipe gets, what a terminal gets."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import report_samples as samples

from conformance.play.record import Record
from conformance.play.verdict import Outcome, Verdict
from conformance.report.failure import explain
from conformance.report.summary import Summary
from conformance.report.terminal import Lines, Reporter, Screen, case_line, duration


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
    reporter = Lines(stream)
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
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_pipe_does_not_load_rich() -> None:
    code = (
        "import io, sys; from conformance.report.terminal import Lines; Lines(io.StringIO()); "
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
