"""What ends a session otherwise than a case does: the machine, time, other plugins, a bug."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from projects import INSTALLED, ROOT, handshake, made, play, run, write

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the traceback of a bug is kept
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    return made(pytester)


def test_a_machine_that_is_too_poor_fails_once(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import pytest
        from conformance.errors import EnvironmentProblem
        from conformance.targets.kinds import reference

        class Poor(reference.Reference):
            def run(self, jobs, done, at_once=None):
                raise EnvironmentProblem("no namespaces here")

        reference.Reference = Poor
        """
    )
    write(project, a=handshake(), b=handshake())
    result = play(project, "--ip=4")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*no namespaces here"])


def test_a_target_that_cannot_be_had_is_one_collection_error(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        from conformance.errors import EnvironmentProblem
        from conformance.targets.kinds import reference

        def poor():
            raise EnvironmentProblem("no namespaces here")

        reference.Reference = poor
        """
    )
    write(project, a=handshake(), b=handshake())
    result = play(project)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no namespaces here"])


# ---- timeouts ------------------------------------------------------------------------------------


def test_the_timeout_of_an_item_is_above_all_bounds_of_its_case(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        def pytest_collection_finish(session):
            for item in session.items:
                print(item.name, "bound", item.get_closest_marker("timeout").args[0])
        """
    )
    write(project, a=handshake())
    result = run(project, "--target=reference", "--collect-only", "-q", "-s")
    bounds = [int(line.rpartition(" ")[2]) for line in result.outlines if "bound" in line]
    assert len(bounds) == 2
    assert all(bound >= 30 for bound in bounds)


def test_without_pytest_timeout_the_cases_are_played_all_the_same(
    project: pytest.Pytester,
) -> None:
    write(project, a=handshake())
    play(project, "-p", "no:timeout").assert_outcomes(passed=2)


# ---- beside others -------------------------------------------------------------------------------


def test_the_plugin_sleeps_without_the_ini_option(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--slow", action="store_true")
            parser.addoption("--target", default="mine")
        """
    )
    pytester.makepyfile("def test_mine(pytestconfig): assert pytestconfig.option.target == 'mine'")
    (pytester.path / "other.yaml").write_text("not: [a case", encoding="utf-8")
    run(pytester).assert_outcomes(passed=1)


def test_an_option_that_another_has_taken_is_one_sentence(project: pytest.Pytester) -> None:
    project.makeconftest(
        "def pytest_addoption(parser): parser.addoption('--slow', action='store_true')"
    )
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the conformance plugin needs the option --slow*"])
    assert "Traceback" not in result.stderr.str()


def test_a_project_without_cases_imports_nothing_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_idle():
            ours = {name for name in sys.modules if name.partition(".")[0] == "conformance"}
            assert ours == {"conformance", "conformance.pytest_plugin"}
            assert not {"yaml", "scapy", "pyroute2"} & set(sys.modules)
        """
    )
    plugin = [] if INSTALLED else ["-p", "conformance.pytest_plugin"]
    pytester.runpytest_subprocess(*plugin).assert_outcomes(passed=1)


BUG = """
from conformance.targets.kinds import reference

def play(self, job):
    return job // 0

reference.Reference.play = play
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_bug_is_no_failed_case(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    project.makeconftest(BUG)
    write(project, one=handshake(), two=handshake())
    project.makepyfile("def test_of_the_user(): pass")
    kept = project.mkdir("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(kept))
        result = run(project, "--target", "reference", *workers, "--basetemp", "base")
    assert result.ret == 70
    result.assert_outcomes(passed=1, failed=4)
    result.stdout.fnmatch_lines(["*a bug of conformance, which says nothing about the TCP: TypeE*"])
    assert "Traceback" not in result.stdout.str()
    told = [path for path in kept.iterdir() if path.name.startswith("conformance-bug-")]
    assert 1 <= len(told) <= 2  # once a process


def test_a_bug_in_reading_is_a_collection_error(project: pytest.Pytester) -> None:
    project.makeconftest(
        "from conformance.case import load\nload.Files.root_of = lambda *_: 1 // 0"
    )
    write(project, one=handshake())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(project.path))
        result = run(project, "--target", "reference", "--basetemp", "base")
    assert result.ret == 70
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*a bug of conformance*ZeroDivisionError*"])
    assert "Traceback" not in result.stdout.str()
