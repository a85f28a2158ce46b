"""A setting that a kernel refuses: who is to blame."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.load import load_case
from conformance.errors import EnvironmentProblem
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.kinds.linux import Linux
from conformance.targets.names import vocabulary
from conformance.targets.runs.rerun import play_alone

CASE = """\
title: T
target: {%s}
steps:
  - set: {net.ipv4.tcp_ecn: "0x1"}
  - silence: 200ms
"""


@pytest.mark.parametrize(
    ("target", "outcome", "told"),
    [
        ("sysctl: {net.ipv4.tcp_ecn: 99}", Outcome.ERROR, "the case is wrong: net.ipv4.tcp_ecn"),
        ("options: {congestion-control: cubicc}", Outcome.ERROR, "the case is wrong: net.ipv4."),
        ("sysctl: {net.ipv4.tcp_tw_recycle: 1}", Outcome.SKIPPED, "refuses net.ipv4.tcp_tw_recy"),
        (
            "needs: [net.ipv4.tcp_of_mine], sysctl: {net.ipv4.tcp_of_mine: 1}",
            Outcome.SKIPPED,
            "refuses net.ipv4.tcp_of_mine: not in this kernel",
        ),
        (
            "needs: [net.ipv4.tcp_ecn=99], sysctl: {net.ipv4.tcp_ecn: 99}",
            Outcome.SKIPPED,
            "refuses net.ipv4.tcp_ecn: not a value it takes",
        ),
        ('sysctl: {net.ipv4.tcp_ecn: "0x2"}', Outcome.PASS, ""),
        ('sysctl: {net.ipv4.tcp_wmem: "4096  0x4000 010000000"}', Outcome.PASS, ""),
        ("needs: [STATE]", Outcome.PASS, ""),
    ],
)
def test_a_value_is_the_cases_and_an_absence_the_kernels(
    tmp_path: Path, target: str, outcome: Outcome, told: str
) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(CASE % target)
    (case,) = load_case(file, tmp_path, vocabulary())
    try:
        linux = Linux()
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))
    with linux:
        verdict = play_alone(linux, Job(case)).verdict
    assert verdict is not None
    assert verdict.outcome is outcome
    assert told in verdict.reason
