"""Timers on an axis: the band that a step permits, and when the target came, to the pixel."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from textwrap import dedent

import pytest
import report_samples as samples

from conformance.case.load import load_case
from conformance.play.record import Record
from conformance.play.timing import Timing
from conformance.report.site.timers import outside, timers
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference


def played(root: Path, steps: str) -> Record:
    """What the reference does, from ESTABLISHED on."""
    shutil.copytree("cases/fragments", root / "fragments")
    path = root / "case.yaml"
    path.write_text(f"title: Times\ngiven: established\nsteps:\n{dedent(steps)}", "utf-8")
    (case,) = load_case(path)
    return Reference().play(Job(case))


STEP = samples.step(7, "expect: FIN,ACK seq=1 ack=1", within="1s")


def test_each_bound_of_a_case_is_written_down(tmp_path: Path) -> None:
    """The reference doubles its RTO of one second; a step without a bound has none."""
    record = played(
        tmp_path,
        """\
        - call: send(c, 10) = 10
        - expect: PSH,ACK seq=1 len=10
        - expect: PSH,ACK seq=1 len=10
          within: 900ms..1500ms
        - expect: PSH,ACK seq=1 len=10
          backoff: 1.7..2.3
        - send: FIN,ACK seq=1 ack=11
        - expect: ACK ack=2
        - state: CLOSE-WAIT
          for: 3s
        """,
    )
    first, second, stays = record.timings
    assert (round(first.low, 3), round(first.high, 3), first.before) == (0.9, 1.5, 0.0)
    assert first.took == pytest.approx(1.0, abs=0.01)
    assert first.took is not None
    assert second.before == first.took
    assert second.took == pytest.approx(2.0, abs=0.02)
    assert (second.low, second.high) == pytest.approx((1.7 * first.took, 2.3 * first.took))
    assert stays.stays
    assert [stays.took, stays.low] == pytest.approx([3.0, 3.0])
    assert not any(map(outside, record.timings))


@pytest.mark.parametrize(
    ("within", "told"),
    [("1ms..2ms", "too late"), ("1ms..1ms", "too late"), ("1500ms..2s", "too early")],
)
def test_one_that_is_outside_is_marked(tmp_path: Path, within: str, told: str) -> None:
    record = played(
        tmp_path,
        f"""\
        - call: send(c, 10) = 10
        - expect: PSH,ACK seq=1 len=10
        - expect: PSH,ACK seq=1 len=10
          within: {within}
        """,
    )
    (timing,) = record.timings
    found = outside(timing)
    assert found in (told, "nothing came")
    assert (found == "nothing came") == (timing.took is None)
    assert ("wrong" in timers(record.timings)) == (timing.took is not None)


def test_a_state_that_ended_early_is_too_short() -> None:
    assert outside(Timing(STEP, "a", 0.0, 59.0, 60.0, 60.0, stays=True)) == "too short"
    assert outside(Timing(STEP, "a", 0.0, 61.0, 60.0, 60.0, stays=True)) == ""


def places(took: float, low: float, high: float) -> tuple[float, float, float]:
    """Pixels: of the mark, and of both ends of its band."""
    picture = timers([Timing(STEP, "a", 0.0, took, low, high)])
    band = re.search(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', picture)
    mark = re.search(r'<circle cx="([\d.]+)"|<path d="M([\d.]+) ', picture)
    assert band
    assert mark
    x = float(mark[1]) if mark[1] else float(mark[2]) + 5
    return x, float(band[1]), float(band[1]) + float(band[2])


@pytest.mark.parametrize("far", [1.0, 1000.0])
def test_the_mark_is_in_the_band_where_the_time_is(far: float) -> None:
    x, low, high = places(1.0, 0.9, 1.5 * far)
    assert low < x < high
    x, low, high = places(0.8, 0.9, 1.5 * far)
    assert x < low
    x, low, high = places(1.6 * far, 0.9, 1.5 * far)
    assert high < x


def test_no_bound_is_no_picture_and_many_are_cut() -> None:
    assert timers([]) == ""
    one = Timing(STEP, "a", 0.0, 1.0, 0.0, 2.0)
    picture = timers([one] * 500)
    assert picture.count("<circle") == 80
    assert "And 420 more." in picture


@pytest.mark.parametrize("time", [0.0, 1e-9, 1e11])
def test_no_time_is_too_short_or_too_long_to_draw(time: float) -> None:
    assert "<circle" in timers([Timing(STEP, "a", 0.0, time, 0.0, time)])
