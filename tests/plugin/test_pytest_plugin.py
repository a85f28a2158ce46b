"""The plugin in sessions of its own, on the reference target."""

from __future__ import annotations

import pytest
from projects import ROOT, handshake, made, play, run, write

pytest_plugins = ["pytester"]

DEVIATION = """
deviations:
  reference:
    - step: answer
      instead:
        - expect:  {seen}
      because: a test says so
"""


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    return made(pytester)


# ---- verdicts ------------------------------------------------------------------------------------


def test_a_case_that_passes(project: pytest.Pytester) -> None:
    write(project, sub__answer=handshake())
    result = play(project, "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "conformance: reference",
            "cases/sub/answer.yaml::reference-ipv4 PASSED*",
            "cases/sub/answer.yaml::reference-ipv6 PASSED*",
        ]
    )


def test_a_failure_is_told_as_the_command_line_tells_it(project: pytest.Pytester) -> None:
    write(project, answer=handshake(answer="SYN,ACK seq=0 ack=2"))
    result = play(project, "--ip=4")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ack=2*", "*ack=1*", "FAILED cases/answer.yaml::reference-ipv4*"])
    assert "pytest_plugin.py" not in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_a_fault_is_a_collection_error_with_a_caret_and_no_traceback(
    project: pytest.Pytester,
) -> None:
    write(project, wrong=handshake(answer="SYN,ACKK seq=0"), right=handshake())
    result = play(project)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["cases/wrong.yaml:8:*", "*SYN,ACKK seq=0", "*^^^^*"])
    assert "Traceback" not in result.stdout.str()
    assert "pytest_plugin.py" not in result.stdout.str()


def test_a_deviation_is_xfailed_with_its_reason(project: pytest.Pytester) -> None:
    text = handshake(answer="SYN,ACK seq=0 ack=2") + DEVIATION.format(seen="SYN,ACK seq=0 ack=1")
    write(project, answer=text)
    result = play(project, "--ip=4")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL cases/answer.yaml::reference-ipv4 - a test says so"])


def test_a_deviation_that_is_no_longer_seen_fails(project: pytest.Pytester) -> None:
    text = handshake() + DEVIATION.format(seen="SYN,ACK seq=0 ack=2")
    write(project, answer=text)
    play(project, "--ip=4").assert_outcomes(failed=1)


def test_a_missing_ability_skips_with_the_reason_and_the_place(project: pytest.Pytester) -> None:
    text = handshake().replace("\nsteps", "\ntarget:\n  options: {rfc1337: on}\n\nsteps", 1)
    write(project, answer=text)
    result = play(project, "--ip=4")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * cases/answer.yaml:*no option rfc1337"])
    result.stdout.fnmatch_lines(["conformance: nothing was judged: every case was skipped"])
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    project.makepyfile(test_other="def test_other(): pass")
    assert play(project, "--ip=4").ret == 0


# ---- selection -----------------------------------------------------------------------------------


def test_ids(project: pytest.Pytester) -> None:
    text = handshake(answer="SYN,ACK seq=0 ack=$n").replace(
        "\nsteps", "\nparameters:\n  n: [1, 2]\n\nsteps", 1
    )
    write(project, a__b=text, fragments__never=handshake())
    result = run(project, "--target=reference", "--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == [
        "cases/a/b.yaml::reference-ipv4[n=1]",
        "cases/a/b.yaml::reference-ipv6[n=1]",
        "cases/a/b.yaml::reference-ipv4[n=2]",
        "cases/a/b.yaml::reference-ipv6[n=2]",
    ]
    one = play(project, "cases/a/b.yaml::reference-ipv6[n=1]")
    one.assert_outcomes(passed=1)


def test_each_isn_is_an_item(project: pytest.Pytester) -> None:
    write(project, answer=handshake())
    result = play(project, "-v", "--ip=4", "--isn=wrap")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [f"cases/answer.yaml::reference-ipv4-isn-0x{isn}ffffffe PASSED*" for isn in "f7"]
    )


def test_requirement(project: pytest.Pytester) -> None:
    write(project, a=handshake(requirement="rfc9293/MUST-5"))
    write(project, b=handshake(requirement="rfc9293/MUST-12"))
    result = play(project, "--requirement", "rfc9293/MUST-12", "--ip", "4")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["PASSED cases/b.yaml::reference-ipv4"])
    project.makepyfile(test_other="def test_other(): pass")
    result = play(project, "--requirement", "rfc9293/MUST-1", "--ip", "4")
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(["conformance: no case verifies --requirement rfc9293/MUST-1"])
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_k_and_markers(project: pytest.Pytester) -> None:
    write(project, first=handshake(), second=handshake())
    project.makepyfile(test_other="def test_other(): pass")
    play(project, "-k", "first and ipv6").assert_outcomes(passed=1, deselected=4)
    play(project, "-m", "conformance").assert_outcomes(passed=4, deselected=1)
    play(project, "-m", "not requirement").assert_outcomes(passed=1, deselected=4)


def test_slow_cases_are_left_out_and_the_last_lines_say_so(project: pytest.Pytester) -> None:
    slow = handshake().replace("  - send:", "  - wait:    1h\n  - send:")
    write(project, slow=slow, quick=handshake())
    project.makeconftest(
        """
        import dataclasses, pytest
        from conformance.play.profile import Ability
        from conformance.targets.kinds import reference

        class Real(reference.Reference):
            def __init__(self):
                super().__init__()
                left = self.profile.abilities - {Ability.VIRTUAL_TIME}
                self.profile = dataclasses.replace(self.profile, abilities=left)

        reference.Reference = Real
        """
    )
    said = "conformance: 1 slow case was left out; --slow plays them too"
    for extra in ([], ["-n", "1"]):
        result = play(project, "--ip=4", *extra)
        result.assert_outcomes(passed=1, deselected=0 if extra else 1)
        result.stdout.fnmatch_lines([said])
    play(project, "--ip=4", "--slow").assert_outcomes(passed=2)


# ---- together, one by one ------------------------------------------------------------------------

SPY = """
import pytest
from conformance.targets.kinds import reference

class Spy(reference.Reference):
    def run(self, jobs, done, at_once=None):
        with open("runs.txt", "a") as log:
            log.write(f"{len(jobs)} {at_once} {' '.join(job.case.id for job in jobs)}\\n")
        super().run(list(reversed(jobs)), done, at_once)

reference.Reference = Spy
"""


def runs(project: pytest.Pytester) -> list[str]:
    log = project.path / "runs.txt"
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    log.unlink(missing_ok=True)
    return text.splitlines()


def test_all_selected_cases_are_played_together_and_told_in_order(
    project: pytest.Pytester,
) -> None:
    project.makeconftest(SPY)
    write(project, a=handshake(), b=handshake(answer="RST"), c=handshake())
    project.makepyfile(test_z="def test_z(): pass")
    result = play(project, "-v", "--ip=4", "cases", "test_z.py")
    result.assert_outcomes(passed=3, failed=1)
    assert runs(project) == ["3 None a b c"]
    result.stdout.fnmatch_lines(
        ["cases/a.yaml*PASSED*", "cases/b.yaml*FAILED*", "cases/c.yaml*PASSED*", "test_z*PASSED*"]
    )


def test_only_what_is_selected_is_played(project: pytest.Pytester) -> None:
    project.makeconftest(SPY)
    write(project, a=handshake(), b=handshake(answer="RST"), c=handshake())
    play(project, "--ip=4", "-k", "a.yaml or c.yaml")
    assert runs(project) == ["2 None a c"]
    run(project, "--target=reference", "--collect-only")
    assert runs(project) == []
    play(project, "-x", "--ip=4").assert_outcomes(passed=1, failed=1)
    assert len(runs(project)) == 1
    project.makepyfile(test_0="def test_0(): assert False")
    play(project, "-x", "test_0.py", "cases").assert_outcomes(failed=1)
    assert runs(project) == []


def test_the_workers_of_xdist_play_theirs_one_by_one(project: pytest.Pytester) -> None:
    project.makeconftest(SPY)
    write(project, a=handshake(), b=handshake(answer="RST"), c=handshake())
    result = play(project, "-n", "2", "--ip=4")
    result.assert_outcomes(passed=2, failed=1)
    assert sorted(runs(project)) == ["1 1 a", "1 1 b", "1 1 c"]


LATE = """
import dataclasses, pytest
from conformance.play.verdict import Outcome, Verdict
from conformance.targets.kinds import reference

class Late(reference.Reference):
    def run(self, jobs, done, at_once=None):
        def late(job, record):
            if "late" in job.case.id and not (at_once == 1 and "once" in job.case.id):
                record.verdict = Verdict(Outcome.INCONCLUSIVE, "80 ms late")
            done(job, record)
        super().run(jobs, late, at_once)

reference.Reference = Late
"""


def test_an_inconclusive_case_is_played_again_alone(project: pytest.Pytester) -> None:
    project.makeconftest(LATE)
    write(project, a=handshake(), late_always=handshake(), late_once=handshake())
    result = play(project, "--ip=4")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*inconclusive, 2 times again alone: 80 ms late*"])
